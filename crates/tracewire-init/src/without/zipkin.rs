//! Without the cargo feature `zipkin`: the configuration refuses the exporter before.

use tracewire_export::{Batch, BatchSpanProcessor};

use crate::config::zipkin::Zipkin;
use crate::error::InitError;

#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
pub(super) fn add(
    processor: BatchSpanProcessor,
    _settings: Zipkin,
    _batch: Batch,
) -> Result<BatchSpanProcessor, InitError> {
    Ok(processor)
}
