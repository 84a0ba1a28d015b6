//! Without the cargo feature `runtime-metrics`: the configuration warns of it before.

use opentelemetry_sdk::metrics::SdkMeterProvider;

/// The runtimes that are measured: none.
#[derive(Default)]
pub(crate) struct ObservedRuntimes;

impl ObservedRuntimes {
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(super) fn observe_current(&self, _meter: &SdkMeterProvider) {}
}
