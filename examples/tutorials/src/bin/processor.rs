//! A span processor of one's own, and settings of the one that exports.

use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use std::time::Duration;
use tracewire::{
    InitError, Telemetry,
    opentelemetry::{Context, KeyValue, trace::Span as _},
    setup::{Batching, Traces},
    span::span,
};

#[derive(Debug)]
struct Region;

impl SpanProcessor for Region {
    fn on_start(&self, span: &mut Span, _parent: &Context) {
        span.set_attribute(KeyValue::new("region", "eu-west-1"));
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn main() -> Result<(), InitError> {
    let batching = Batching::new().queue_size(4096).delay(Duration::from_secs(1));
    let traces = Traces::new().processor_first(Region).batching(batching);
    let telemetry = Telemetry::builder().traces(traces).init()?;

    span("operation").in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}
