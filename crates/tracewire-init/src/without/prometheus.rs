//! Without the cargo feature `prometheus`: the configuration refuses the exporter before.

use opentelemetry_sdk::metrics::MeterProviderBuilder;

use tracewire_exemplar::Exemplars;
use tracewire_export::Exports;

use super::Making;
use crate::config::prometheus::Prometheus;
use crate::error::InitError;

/// A page that does not exist.
pub(crate) struct Page;

#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the feature")]
impl Page {
    pub(super) fn start(
        settings: Prometheus,
        _exemplars: Option<&Exemplars>,
        _exports: &Exports,
    ) -> Result<Self, InitError> {
        drop(settings.address);
        Ok(Self)
    }

    pub(super) fn read_by(
        &self,
        _making: &Making,
        provider: MeterProviderBuilder,
    ) -> MeterProviderBuilder {
        provider
    }
}
