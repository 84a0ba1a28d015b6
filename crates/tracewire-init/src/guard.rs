//! The guard: telemetry lives as long as it does, and tells at its end what became of it.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_exemplar::Exemplars;
use tracewire_export::ShutdownReport;
use tracewire_export::wiring::log;
use tracewire_propagation::{set_exception_logs, set_http_settings};
use tracewire_sampling::Sampler;

use crate::builder::Builder;
use crate::claim::Claim;
use crate::config::file::Reloader;
use crate::ended::{End, Watched};
#[cfg(feature = "config-file")]
use crate::error::InitError;
use crate::layers::Layers;
use crate::plan::Plan;
use crate::running::Running;
use crate::subscriber;
use crate::variables::Env;

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
    ///
    /// To change it, call [`replace_sampler`](Self::replace_sampler), which tells tracewire's layers too.
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
        if let Some(current) = &running.providers.sampler {
            running.layers.replace_sampler(current, sampler);
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

    /// What was decided when telemetry was set up, and where each value came from.
    pub fn plan(&self) -> Plan {
        let plan = self.running().map(|running| &running.plan);
        let plan = plan.map(|plan| plan.lock().unwrap_or_else(PoisonError::into_inner).clone());
        plan.unwrap_or_default()
    }

    /// Reads the configuration file again, and applies what changed: all of it, or nothing.
    ///
    /// Call it where your process handles `SIGHUP`, or let the file ask to be watched
    /// (`distribution.tracewire.reload`). Without a lock on the way of requests it changes the sampler, what is
    /// excluded and captured, how much is logged, and the console's format, and gives a line for each setting
    /// that changed. Variables that the file refers to are read again too.
    ///
    /// With the cargo feature `config-file`.
    ///
    /// # Errors
    ///
    /// If there is no configuration file, if it has problems, or if something else changed in it, which needs a
    /// restart. Reloads come one after the other: one that waits for another for 30 seconds is an error, and so
    /// is one that a function called by a reload asks for, such as a component's. Everything stays as it was then.
    #[cfg(feature = "config-file")]
    pub fn reload(&self) -> Result<Vec<String>, InitError> {
        let reloader = self.running.as_ref().and_then(|running| running.reloader.as_ref());
        reloader.ok_or_else(InitError::no_configuration_file)?.reload()
    }

    /// Has the process's layers go by it, and by its configuration file if there is one.
    pub(crate) fn claim_layers(&self) {
        let Some(running) = &self.running else { return };
        running.layers.claim();
        if let Some(reloader) = &running.reloader {
            reloader.watch();
        }
    }

    pub(crate) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// The provider of tracers as the process gets it.
    pub(crate) fn watched(&self) -> Option<Watched<SdkTracerProvider>> {
        let running = self.running.as_ref()?;
        Some(Watched::new(running.providers.tracer.clone()?, &running.life))
    }

    pub(crate) fn has_only_our_processors(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.providers.only_our_processors)
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
        let is_of_the_process = running.claim.is_some();
        running.life.end(how);
        detach(&running.layers, running.reloader.as_ref(), is_of_the_process);
        if is_of_the_process {
            set_exception_logs(None);
            tracewire_exemplar::uninstall();
        }
        // What the exporters would warn of is in the report.
        let exports = running.exports.clone();
        exports.hush();
        let report = running.shutdown(limit);
        if !report.is_complete() {
            let line = format!("telemetry was lost: {report}");
            log::warn(&exports.explained(&line, &report));
        }
        if is_of_the_process {
            subscriber::end();
        }
        report
    }
}

/// Releases the layers from this telemetry and from its configuration file. A reload that still runs changes
/// nothing in the process afterwards.
pub(crate) fn detach(layers: &Layers, reloader: Option<&Reloader>, is_of_the_process: bool) {
    layers.release();
    if let Some(reloader) = reloader {
        reloader.end();
    }
    if is_of_the_process {
        set_http_settings(None);
    }
}

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
