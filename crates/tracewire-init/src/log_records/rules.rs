//! Which log records are kept, by their logger: what a configuration file's `logger_configurator` says.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::Severity;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use tracewire_text::glob::Pattern;

/// Which records are kept, by the name of their logger. The first pattern that matches counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogRules(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules {
    by_name: Vec<(Pattern, LogRule)>,
    otherwise: LogRule,
}

/// Which records of a logger are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRule {
    pub(crate) is_enabled: bool,
    /// The number of the least severity; 0 is all.
    pub(crate) minimum_severity: u8,
    /// Whether records inside of a span that is not sampled are dropped.
    pub(crate) trace_based: bool,
}

impl Default for LogRule {
    fn default() -> Self {
        Self { is_enabled: true, minimum_severity: 0, trace_based: false }
    }
}

impl LogRules {
    #[cfg_attr(not(feature = "config-file"), allow(dead_code, reason = "a file makes them"))]
    pub(crate) fn new(by_name: Vec<(Pattern, LogRule)>, otherwise: LogRule) -> Self {
        Self(Arc::new(Rules { by_name, otherwise }))
    }

    fn of(&self, logger: &str) -> LogRule {
        let found = self.0.by_name.iter().find(|(pattern, _)| pattern.matches(logger));
        found.map_or(self.0.otherwise, |(_, rule)| *rule)
    }

    fn keep(&self, record: &SdkLogRecord, scope: &InstrumentationScope) -> bool {
        // What is made of `tracing` events has the event's target in place of the logger's name.
        let rule = self.of(record.target().map_or(scope.name(), |target| target));
        rule.admits(record.severity_number())
            && !(rule.trace_based && record.trace_context().is_some_and(is_unsampled))
    }
}

impl LogRule {
    /// A record without a severity is never too light.
    fn admits(self, severity: Option<Severity>) -> bool {
        self.is_enabled
            && severity.is_none_or(|severity| severity as u32 >= u32::from(self.minimum_severity))
    }
}

fn is_unsampled(context: &opentelemetry_sdk::logs::TraceContext) -> bool {
    !context.trace_flags.is_some_and(|flags| flags.is_sampled())
}

/// A processor that sees the records that the rules keep.
#[derive(Debug)]
pub(super) struct Ruled {
    pub(super) processor: Box<dyn LogProcessor>,
    /// `None` keeps all.
    pub(super) rules: Option<LogRules>,
}

impl LogProcessor for Ruled {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.rules.as_ref().is_none_or(|rules| rules.keep(record, scope)) {
            self.processor.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.of(target).admits(Some(level)))
            && self.processor.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}
