//! Span processors.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::Caller;

/// `processor`, whose panics cost what it would have done and nothing else.
pub(crate) fn span_processor(processor: impl SpanProcessor + 'static) -> impl SpanProcessor {
    Contained { processor, caller: Caller::new("a span processor") }
}

#[derive(Debug)]
struct Contained<P> {
    processor: P,
    caller: Caller,
}

impl<P: SpanProcessor> SpanProcessor for Contained<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.caller.call(|| self.processor.on_start(span, context));
    }

    fn on_end(&self, span: SpanData) {
        self.caller.call(|| self.processor.on_end(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.caller.result(|| self.processor.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.caller.result(|| self.processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        let processor = &mut self.processor;
        self.caller.call(|| processor.set_resource(resource));
    }
}
