//! The guard: telemetry lives as long as it does, and tells at its end what became of it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_export::wiring::{Courier, Deliveries, after, log};
use tracewire_export::{Exports, ShutdownReport};
use tracewire_propagation::{set_describe_unsampled, set_drop_unsampled};
use tracewire_sampling::Sampler;

use crate::builder::Builder;
use crate::ended::{End, Life, Watched};
use crate::env::Env;
use crate::error::InitError;

/// Running telemetry. Keep it until the end of `main`, and then call [`shutdown`](Self::shutdown).
///
/// Dropping it does the same, on whatever thread that happens. So `let _ = init()?` ends telemetry at
/// once; `let _telemetry = init()?` does not. The first span that is started after the end is warned
/// of.
///
/// # What loses telemetry
///
/// Spans and log records wait up to a few seconds for their batch. They are exported by `shutdown`,
/// by [`flush`](Self::flush), or by the guard's drop, so they are lost where none of these runs:
///
/// | what ends the process | does the guard's drop run? | instead |
/// |---|---|---|
/// | a signal (Ctrl-C, SIGTERM) without a handler | no | `shutdown_signal` |
/// | [`std::process::exit`] | no | call `shutdown` before, or return from `main` |
/// | a panic in `main`'s thread that unwinds | yes | |
/// | a panic with `panic = "abort"`, or [`std::process::abort`] | no | call `flush` where it matters |
/// | [`std::mem::forget`], a leaked `Box`, a `static` | no | keep the guard in `main` |
/// | SIGKILL, running out of memory | no | what was exported before |
///
/// A panic in a task of a runtime or in another thread ends nothing; its spans end as the stack
/// unwinds. Spans that are still open at the shutdown are lost, as they have no end.
///
/// ```no_run
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let telemetry = tracewire_init::init()?;
///     // ... the program ...
///     telemetry.shutdown();
///     Ok(())
/// }
/// ```
#[must_use = "telemetry ends when its guard is dropped, which `let _ =` does at once: bind it to a \
              name and call `shutdown` at the end of main"]
pub struct Telemetry {
    // `None` once it was shut down.
    running: Option<Running>,
}

impl Telemetry {
    /// Settings in code, each of which wins over its variable.
    pub fn builder() -> Builder {
        Builder::new(Env::process())
    }

    /// Exports what is left and ends telemetry, within the shutdown timeout (five seconds, unless
    /// [set](Builder::shutdown_timeout)) for all signals together.
    ///
    /// It blocks the calling thread, at most until the deadline, and works on every runtime and
    /// without one. A loss is also logged as a warning. Spans that end later are lost uncounted, so
    /// stop serving first.
    pub fn shutdown(mut self) -> ShutdownReport {
        self.end(None, End::ShutDown)
    }

    /// Like [`shutdown`](Self::shutdown), with this time limit.
    pub fn shutdown_timeout(mut self, limit: Duration) -> ShutdownReport {
        self.end(Some(limit), End::ShutDown)
    }

    /// Exports what has been recorded so far and tells what became of everything until now.
    ///
    /// It blocks the calling thread, at most for the shutdown timeout. What is recorded meanwhile
    /// may stand in the report as unknown.
    pub fn flush(&self) -> ShutdownReport {
        match &self.running {
            Some(running) => running.flush(),
            None => ShutdownReport::default(),
        }
    }

    /// What became of everything until now, without waiting for anything.
    ///
    /// What is still in a queue counts as unknown.
    pub fn report(&self) -> ShutdownReport {
        match &self.running {
            Some(running) => running.report(None),
            None => ShutdownReport::default(),
        }
    }

    /// The provider of tracers; `None` if `OTEL_SDK_DISABLED` is true.
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.running.as_ref()?.providers.tracer.as_ref()
    }

    /// The sampler of new spans; `None` if `OTEL_SDK_DISABLED` is true.
    pub fn sampler(&self) -> Option<&Sampler> {
        self.running.as_ref()?.providers.sampler.as_ref()
    }

    /// Decides about new spans by another sampler from now on.
    ///
    /// Target rates of rules that stay the same go on with what they measured, and traces that have
    /// begun keep their decision as far as spans follow their parent: see [`Sampler::replace`].
    ///
    /// ```no_run
    /// use tracewire_init::sampling::{ParentThreshold, RuleBased, Sampler};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = tracewire_init::init()?;
    /// let rules = RuleBased::parse("GET /healthz*: off; 0.05", "shop")?;
    /// telemetry.replace_sampler(Sampler::new(ParentThreshold::new(rules)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace_sampler(&self, sampler: Sampler) {
        let Some(running) = &self.running else { return };
        if running.claim.is_some() {
            set_unsampled(Some(&sampler));
        }
        if let Some(current) = &running.providers.sampler {
            current.replace(sampler);
        }
    }

    /// The provider of meters; `None` if metrics have no exporter or `OTEL_SDK_DISABLED` is true.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.running.as_ref()?.providers.meter.as_ref()
    }

    /// The provider of loggers; `None` if logs have no exporter or `OTEL_SDK_DISABLED` is true.
    #[cfg(feature = "logs")]
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.running.as_ref()?.providers.logger.as_ref()
    }

    /// The page for Prometheus as a Tower service, to mount in a server of your own; `None` unless
    /// metrics have the exporter `prometheus`. It negotiates formats as the exporter's own page does.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// use tracewire_init::{Exporter, Telemetry};
    ///
    /// let telemetry = Telemetry::builder().metrics_exporters([Exporter::Prometheus]).init()?;
    /// if let Some(service) = telemetry.prometheus_service() {
    ///     // axum::Router::new().route_service("/metrics", service)
    /// #   drop(service);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "prometheus")]
    pub fn prometheus_service(&self) -> Option<tracewire_export::PrometheusService> {
        let (exporter, _) = self.running.as_ref()?.prometheus.as_ref()?;
        Some(exporter.service())
    }

    /// A layer that makes log records of `tracing` events, for a subscriber of your own.
    ///
    /// A record has the ids of the span that is current where the event happens. With the feature
    /// `tracing`, the layer takes the events that `RUST_LOG` names, from level INFO on unless set.
    /// What telemetry says of itself is left out, because exporting it would make more of it.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::init()?;
    /// tracing_subscriber::registry().with(telemetry.log_layer()).init();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "logs")]
    pub fn log_layer<S>(&self) -> Option<impl tracing_subscriber::Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let layer = crate::log_layer::layer(self.logger_provider()?);
        #[cfg(feature = "tracing")]
        let layer = {
            use tracing_subscriber::Layer;
            layer.with_filter(self.running.as_ref()?.logging.log_filter())
        };
        Some(layer)
    }

    /// A layer that makes OpenTelemetry spans of `tracing` spans, for a subscriber of your own.
    ///
    /// They nest with spans of the OpenTelemetry API in either order. Spans of level INFO and above
    /// appear whatever `RUST_LOG` says; more verbose ones if it names them. Add
    /// [`ContextLayer`](tracewire_tracing::ContextLayer) after it, to keep the trace across
    /// `tokio::spawn(future.in_current_span())` where a filter disables spans. The order of the layers does
    /// not matter.
    ///
    /// Of what is logged inside a span only errors are on it, whatever `RUST_LOG` says:
    ///
    /// | inside the span | on the span |
    /// |---|---|
    /// | `#[instrument(err)]`, on an `Err`; an event with a field `error` and no message | status Error with the error's text, and an `exception` event |
    /// | `error!` | status Error, and an event named by the text |
    /// | `warn!`, `info!`, `debug!`, `trace!` with a message; `#[instrument(ret)]` | nothing: they are log lines, and log records with the feature `logs` |
    ///
    /// The text of an error is exported as it is. What telemetry says of itself is left out, and so is the
    /// span that tower-http's layer makes with `RequestSpan`, because the request has its server span.
    /// While a thread ends no spans are made.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::init()?;
    /// tracing_subscriber::registry()
    ///     .with(tracing_subscriber::fmt::layer().map_event_format(tracewire_tracing::TraceIds::new))
    ///     .with(telemetry.span_layer())
    ///     .init();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tracing")]
    pub fn span_layer<S>(&self) -> Option<impl tracing_subscriber::Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        Some(self.running.as_ref()?.logging.span_layer(&self.watched()?))
    }

    /// Sets the subscriber for `tracing`, if one was asked for.
    #[cfg(feature = "tracing")]
    pub(crate) fn install_subscriber(&self) -> Result<(), InitError> {
        match &self.running {
            Some(running) => running.logging.install(self),
            None => Ok(()),
        }
    }

    /// The provider of tracers as the process gets it.
    pub(crate) fn watched(&self) -> Option<Watched<SdkTracerProvider>> {
        let running = self.running.as_ref()?;
        Some(Watched::new(running.providers.tracer.clone()?, &running.life))
    }

    pub(crate) fn new(running: Running) -> Self {
        Self { running: Some(running) }
    }

    pub(crate) fn claimed(mut self, claim: Claim) -> Self {
        if let Some(running) = &mut self.running {
            running.claim = Some(claim);
        }
        self
    }

    fn end(&mut self, limit: Option<Duration>, how: End) -> ShutdownReport {
        let Some(running) = self.running.take() else {
            return ShutdownReport::default();
        };
        #[cfg(feature = "tracing")]
        let is_of_the_process = running.claim.is_some();
        running.life.end(how);
        // What the exporters would warn of is in the report.
        let exports = running.exports.clone();
        exports.hush();
        let report = running.shutdown(limit);
        if !report.is_complete() {
            let line = format!("telemetry was lost: {report}");
            log::warn(&exports.hinted(&line, &report));
        }
        #[cfg(feature = "tracing")]
        if is_of_the_process {
            crate::log_lines::end(LINES_TIMEOUT);
        }
        report
    }
}

/// How long the end waits for log lines that are not written yet.
#[cfg(feature = "tracing")]
const LINES_TIMEOUT: Duration = Duration::from_millis(250);

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.end(None, End::Dropped);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("report", &self.report()).finish()
    }
}

/// What was built, each `None` if nothing is recorded.
#[derive(Clone, Default)]
pub(crate) struct Providers {
    pub(crate) tracer: Option<SdkTracerProvider>,
    /// What the tracer's provider samples by.
    pub(crate) sampler: Option<Sampler>,
    pub(crate) meter: Option<SdkMeterProvider>,
    #[cfg(feature = "logs")]
    pub(crate) logger: Option<SdkLoggerProvider>,
}

/// The providers and what is needed to end them well.
pub(crate) struct Running {
    pub(crate) providers: Providers,
    pub(crate) deliveries: Deliveries,
    /// One for each signal, made at the first flush.
    pub(crate) flushes: OnceLock<Vec<Courier<Instant>>>,
    pub(crate) exports: Exports,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) life: Arc<Life>,
    #[cfg(feature = "tracing")]
    pub(crate) logging: crate::subscriber::Logging,
    #[cfg(feature = "prometheus")]
    pub(crate) prometheus:
        Option<(tracewire_export::PrometheusExporter, tracewire_export::PrometheusServer)>,
    pub(crate) claim: Option<Claim>,
}

/// Something that may hang, and the name of the thread it hangs on.
type Work = (&'static str, Box<dyn Fn() + Send + Sync>);

impl Running {
    fn shutdown(self, limit: Option<Duration>) -> ShutdownReport {
        let limit = limit.unwrap_or(self.shutdown_timeout);
        let deadline = after(limit);
        self.exports.begin_shutdown(limit);
        let left = move || deadline.saturating_duration_since(Instant::now());
        let mut work: Vec<Work> = Vec::new();
        if let Some(traces) = self.providers.tracer.clone() {
            let end = move || drop(traces.shutdown_with_timeout(left()));
            work.push(("tracewire-traces", Box::new(end)));
        }
        if let Some(metrics) = self.providers.meter.clone() {
            let deliveries = self.deliveries.clone();
            let end = move || {
                drop(metrics.shutdown_with_timeout(left()));
                deliveries.wait(deadline);
            };
            work.push(("tracewire-metrics", Box::new(end)));
        }
        #[cfg(feature = "logs")]
        if let Some(logs) = self.providers.logger.clone() {
            let end = move || drop(logs.shutdown_with_timeout(left()));
            work.push(("tracewire-logs", Box::new(end)));
        }
        let done = on_threads_of_their_own(deadline, work);
        self.report((!done).then_some(limit))
    }

    fn flush(&self) -> ShutdownReport {
        let limit = self.shutdown_timeout;
        let deadline = after(limit);
        let flushes = self.flushes.get_or_init(|| self.flushes());
        let begun: Vec<_> = flushes.iter().map(|flush| flush.begin(deadline).number).collect();
        let done = flushes.iter().zip(begun).all(|(flush, number)| flush.wait(number, deadline));
        self.report((!done).then_some(limit))
    }

    /// What flushes each signal. A flush that hangs keeps one thread, however many come after it.
    fn flushes(&self) -> Vec<Courier<Instant>> {
        let mut flushes = Vec::new();
        if let Some(traces) = self.providers.tracer.clone() {
            flushes.push(Courier::new("tracewire-traces", move |_| drop(traces.force_flush())));
        }
        if let Some(metrics) = self.providers.meter.clone() {
            let deliveries = self.deliveries.clone();
            flushes.push(Courier::new("tracewire-metrics", move |deadline| {
                drop(metrics.force_flush());
                deliveries.wait(deadline);
            }));
        }
        #[cfg(feature = "logs")]
        if let Some(logs) = self.providers.logger.clone() {
            flushes.push(Courier::new("tracewire-logs", move |_| drop(logs.force_flush())));
        }
        flushes
    }

    fn report(&self, deadline: Option<Duration>) -> ShutdownReport {
        self.exports.report_after(deadline)
    }
}

/// Runs all at once, each on a thread that nobody joins: what hangs is left behind. What no thread can
/// be started for runs here.
///
/// Gives whether all were done before the deadline.
fn on_threads_of_their_own(deadline: Instant, work: Vec<Work>) -> bool {
    let (done, all_done) = mpsc::channel();
    let (mut waiting, mut left_over) = (0, Vec::new());
    for (name, work) in work {
        let (work, done) = (Arc::new(work), done.clone());
        let theirs = Arc::clone(&work);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            theirs();
            // Nobody listens any more after the deadline.
            let _ = done.send(());
        });
        match thread {
            Ok(_) => waiting += 1,
            Err(_) => left_over.push(work),
        }
    }
    drop(done);
    // One after the other, each within its own limit, is better than not at all.
    for work in left_over {
        let _ = catch_unwind(AssertUnwindSafe(|| work()));
    }
    (0..waiting).all(|_| {
        let left = deadline.saturating_duration_since(Instant::now());
        // A thread that panicked has dropped its sender, and is as done as it will be.
        !matches!(all_done.recv_timeout(left), Err(mpsc::RecvTimeoutError::Timeout))
    })
}

/// Tells layers what the process's sampler does about spans whose remote parent is not sampled.
pub(crate) fn set_unsampled(sampler: Option<&Sampler>) {
    set_describe_unsampled(sampler.is_some_and(Sampler::needs_unsampled_described));
    set_drop_unsampled(sampler.is_some_and(Sampler::drops_unsampled));
}

static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// The right to be this process's telemetry, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim(());

impl Claim {
    pub(crate) fn take() -> Result<Self, InitError> {
        if INITIALIZED.swap(true, Ordering::AcqRel) {
            let error = InitError::already_initialized();
            // Whoever has a guard already may throw this error away.
            static SAID: AtomicBool = AtomicBool::new(false);
            if !SAID.swap(true, Ordering::Relaxed) {
                log::warn(&error.to_string());
            }
            return Err(error);
        }
        Ok(Self(()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        INITIALIZED.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a process of its own, where no address space has room for the stack of a thread.
    #[test]
    fn what_no_thread_can_be_started_for_is_ended_all_the_same() {
        const CHILD: &str = "TRACEWIRE_TEST_GUARD";
        if std::env::var_os(CHILD).is_some() {
            let (done, all_done) = mpsc::channel();
            let work = (0..3).map(|_| -> Work {
                let done = done.clone();
                ("test", Box::new(move || done.send(()).unwrap()))
            });
            assert!(on_threads_of_their_own(after(Duration::from_secs(1)), work.collect()));
            drop(done);
            return assert_eq!(all_done.iter().count(), 3);
        }
        let test = "guard::tests::what_no_thread_can_be_started_for_is_ended_all_the_same";
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .env("RUST_MIN_STACK", (1_u64 << 50).to_string())
            .args(["--exact", test, "--test-threads=1"])
            .status();
        assert!(status.unwrap().success());
    }

    #[test]
    fn the_guard_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Telemetry>();
    }
}
