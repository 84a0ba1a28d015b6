//! Processors of log records.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::Severity;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

use super::Caller;

/// `processor`, whose panics cost what it would have done and nothing else.
pub(crate) fn log_processor(processor: impl LogProcessor + 'static) -> impl LogProcessor {
    Contained { processor, caller: Caller::new("a log processor") }
}

#[derive(Debug)]
struct Contained<P> {
    processor: P,
    caller: Caller,
}

impl<P: LogProcessor> LogProcessor for Contained<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.caller.call(|| self.processor.emit(record, scope));
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.caller.result(|| self.processor.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.caller.result(|| self.processor.shutdown_with_timeout(timeout))
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.caller.call(|| self.processor.event_enabled(level, target, name)).unwrap_or(true)
    }

    fn set_resource(&mut self, resource: &Resource) {
        let processor = &mut self.processor;
        self.caller.call(|| processor.set_resource(resource));
    }
}
