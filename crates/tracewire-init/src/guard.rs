//! The guard: telemetry lives as long as it does, and tells at its end what became of it.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_exemplar::Exemplars;
use tracewire_export::ShutdownReport;
use tracewire_export::wiring::log;
use tracewire_propagation::{set_describe_unsampled, set_drop_unsampled};
use tracewire_sampling::Sampler;

use crate::builder::Builder;
use crate::claim::Claim;
use crate::ended::{End, Watched};
use crate::env::Env;
use crate::running::Running;

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

    /// Where exemplars of durations are kept, for layers with a meter provider of their own; `None` if
    /// they are off, or no exporter of metrics has a place for them.
    ///
    /// After [`init`](crate::init) layers find it without being told. With [`Builder::build`], give it
    /// to them along with the meter provider:
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::Telemetry::builder().build()?;
    /// if let Some(exemplars) = telemetry.exemplars() {
    ///     // ServerLayer::new().meter_provider(…).exemplars(exemplars.clone())
    /// #   let _ = exemplars;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn exemplars(&self) -> Option<&Exemplars> {
        self.running.as_ref()?.providers.exemplars.as_ref()
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
    pub(crate) fn install_subscriber(&self) -> Result<(), crate::error::InitError> {
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
        if running.claim.is_some() {
            tracewire_exemplar::uninstall();
        }
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

/// Tells layers what the process's sampler does about spans whose remote parent is not sampled.
pub(crate) fn set_unsampled(sampler: Option<&Sampler>) {
    set_describe_unsampled(sampler.is_some_and(Sampler::needs_unsampled_described));
    set_drop_unsampled(sampler.is_some_and(Sampler::drops_unsampled));
}
