//! Spans to Zipkin.

use tracewire_export::{Batch, BatchSpanProcessor, ZipkinExporter};

use crate::config::zipkin::Zipkin;
use crate::error::InitError;

pub(super) fn add(
    processor: BatchSpanProcessor,
    settings: Zipkin,
    batch: Batch,
) -> Result<BatchSpanProcessor, InitError> {
    let mut zipkin = ZipkinExporter::new(settings.endpoint);
    zipkin.timeout = settings.timeout;
    zipkin.proxy = settings.proxy;
    zipkin.client = settings.client;
    processor.zipkin(zipkin, batch).map_err(|error| InitError::export("zipkin", error))
}
