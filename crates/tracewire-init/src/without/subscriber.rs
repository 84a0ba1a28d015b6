//! Without the cargo feature `tracing`: no subscriber, and no spans of `tracing` spans.

use opentelemetry_sdk::Resource;
use tracewire_export::wiring::Shown;
use tracewire_sampling::Sampler;

use crate::builder::LogLines;
use crate::error::InitError;
use crate::guard::Telemetry;
use crate::plan::Plan;

/// No subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Logging;

impl Logging {
    pub(crate) fn decide(
        given: LogLines,
        _resource: &Resource,
        _is_colorless: bool,
        plan: &mut Plan,
    ) -> Result<Self, InitError> {
        plan.has_no_effect(&given.names, "log lines need the cargo feature `tracing`");
        let name = match (given.format, given.filter) {
            (Some(_), _) => "log_format",
            (None, Some(_)) => "log_filter",
            (None, None) => return Ok(Self),
        };
        let allowed = "log lines need the cargo feature `tracing`";
        Err(InitError::not_compiled_in(name, &Shown::nothing(), allowed))
    }

    /// Every event becomes a log record.
    #[cfg(feature = "logs")]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn log_filter(&self) -> tracing::level_filters::LevelFilter {
        tracing::level_filters::LevelFilter::TRACE
    }
}

#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
pub(crate) fn install(_telemetry: &Telemetry) -> Result<(), InitError> {
    Ok(())
}

pub(crate) fn end() {}

pub(crate) fn watching(sampler: Sampler) -> Sampler {
    sampler
}

/// Never asked: no variable for log lines is read.
pub(crate) fn readable(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
