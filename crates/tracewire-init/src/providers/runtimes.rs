//! Metrics of tokio's runtimes.

use std::sync::OnceLock;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::runtime::Handle;
use tracewire_runtime::Runtimes;

use crate::Telemetry;

/// The name of the runtime that telemetry is set up in.
const MAIN: &str = "main";

/// The runtimes that are measured; no instrument exists before the first one.
#[derive(Default)]
pub(crate) struct ObservedRuntimes(OnceLock<Runtimes>);

impl ObservedRuntimes {
    /// Measures the runtime that this is called in, if there is one.
    pub(super) fn observe_current(&self, meter: &SdkMeterProvider) {
        if let Ok(runtime) = Handle::try_current() {
            self.observe(meter, MAIN, &runtime);
        }
    }

    fn observe(&self, meter: &SdkMeterProvider, name: &str, runtime: &Handle) {
        self.0.get_or_init(|| Runtimes::new(meter)).observe(name, runtime);
    }
}

impl Telemetry {
    /// Exports metrics of a tokio runtime, `tokio.*`, under this name until it shuts down; nothing without a
    /// meter provider.
    ///
    /// Observe each runtime once. The one that `init` is called in is observed by
    /// [`Metrics::runtime_metrics`](crate::Metrics::runtime_metrics). Runtimes of one name are added up, and
    /// the first 64 names have series of their own.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = tracewire_init::init()?;
    /// let jobs = tokio::runtime::Runtime::new()?;
    /// telemetry.observe_runtime("jobs", jobs.handle());
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe_runtime(&self, name: &str, runtime: &Handle) {
        if let (Some(running), Some(meter)) = (self.running(), self.meter_provider()) {
            running.runtimes.observe(meter, name, runtime);
        }
    }
}
