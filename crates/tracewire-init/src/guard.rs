//! The guard: telemetry lives as long as it does, and tells at its end what became of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::builder::Builder;
use crate::count::Counts;
use crate::env::Env;
use crate::error::InitError;
use crate::log;
use crate::report::ShutdownReport;
use crate::stop::{Stop, after};

/// Running telemetry. Keep it until the end of `main`, and then call [`shutdown`](Self::shutdown).
///
/// Dropping it does the same as the safety net, on whatever thread that happens.
///
/// ```no_run
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let telemetry = tracewire_init::init()?;
///     // ... the program ...
///     telemetry.shutdown();
///     Ok(())
/// }
/// ```
#[must_use = "telemetry ends when its guard is dropped: keep it until the end of main"]
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
        self.end(None)
    }

    /// Like [`shutdown`](Self::shutdown), with this time limit.
    pub fn shutdown_timeout(mut self, limit: Duration) -> ShutdownReport {
        self.end(Some(limit))
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
        self.running.as_ref()?.tracer_provider.as_ref()
    }

    /// The provider of meters; `None` if metrics have no exporter or `OTEL_SDK_DISABLED` is true.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.running.as_ref()?.meter_provider.as_ref()
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

    fn end(&mut self, limit: Option<Duration>) -> ShutdownReport {
        let Some(running) = self.running.take() else {
            return ShutdownReport::default();
        };
        let report = running.shutdown(limit);
        if !report.is_complete() {
            log::warn(&format!("telemetry was lost: {report}"));
        }
        report
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("report", &self.report()).finish()
    }
}

/// The providers and what is needed to end them well.
pub(crate) struct Running {
    tracer_provider: Option<SdkTracerProvider>,
    meter_provider: Option<SdkMeterProvider>,
    counts: Vec<Arc<Counts>>,
    stop: Arc<Stop>,
    shutdown_timeout: Duration,
    claim: Option<Claim>,
}

impl Running {
    pub(crate) fn new(
        tracer_provider: Option<SdkTracerProvider>,
        meter_provider: Option<SdkMeterProvider>,
        counts: Vec<Arc<Counts>>,
        stop: Arc<Stop>,
        shutdown_timeout: Duration,
    ) -> Self {
        Self { tracer_provider, meter_provider, counts, stop, shutdown_timeout, claim: None }
    }

    fn shutdown(self, limit: Option<Duration>) -> ShutdownReport {
        let limit = limit.unwrap_or(self.shutdown_timeout);
        let deadline = after(limit);
        // Exporters stop a little earlier, so that what they did can still be told.
        let margin = (limit / 20).min(Duration::from_millis(250));
        self.stop.begin(deadline - margin);
        let done = self.on_threads_of_their_own(
            deadline,
            move |traces| drop(traces.shutdown_with_timeout(limit)),
            move |metrics| drop(metrics.shutdown_with_timeout(limit)),
        );
        self.report((!done).then_some(limit))
    }

    fn flush(&self) -> ShutdownReport {
        let limit = self.shutdown_timeout;
        let done = self.on_threads_of_their_own(
            after(limit),
            |traces| drop(traces.force_flush()),
            |metrics| drop(metrics.force_flush()),
        );
        self.report((!done).then_some(limit))
    }

    fn report(&self, deadline: Option<Duration>) -> ShutdownReport {
        ShutdownReport::new(self.counts.iter().map(|counts| &**counts), deadline)
    }

    /// Runs both at once, each on a thread that nobody joins: what hangs is left behind.
    ///
    /// Gives whether both were done before the deadline.
    fn on_threads_of_their_own(
        &self,
        deadline: Instant,
        traces: impl FnOnce(SdkTracerProvider) + Send + 'static,
        metrics: impl FnOnce(SdkMeterProvider) + Send + 'static,
    ) -> bool {
        let (done, all_done) = mpsc::channel();
        let tracer_provider = self.tracer_provider.clone();
        let meter_provider = self.meter_provider.clone();
        let mut waiting = 0;
        if let Some(provider) = tracer_provider {
            waiting += usize::from(spawn("tracewire-traces", done.clone(), || traces(provider)));
        }
        if let Some(provider) = meter_provider {
            waiting += usize::from(spawn("tracewire-metrics", done, || metrics(provider)));
        }
        (0..waiting).all(|_| {
            let left = deadline.saturating_duration_since(Instant::now());
            // A thread that panicked has dropped its sender, and is as done as it will be.
            !matches!(all_done.recv_timeout(left), Err(mpsc::RecvTimeoutError::Timeout))
        })
    }
}

fn spawn(name: &str, done: mpsc::Sender<()>, work: impl FnOnce() + Send + 'static) -> bool {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        work();
        // Nobody listens any more after the deadline.
        let _ = done.send(());
    });
    if let Err(error) = &thread {
        log::warn(&format!("no thread could be started to end telemetry: {error}"));
    }
    thread.is_ok()
}

static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// The right to be this process's telemetry, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim(());

impl Claim {
    pub(crate) fn take() -> Result<Self, InitError> {
        if INITIALIZED.swap(true, Ordering::AcqRel) {
            return Err(InitError::already_initialized());
        }
        Ok(Self(()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        INITIALIZED.store(false, Ordering::Release);
    }
}
