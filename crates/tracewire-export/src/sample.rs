//! Spans for tests.

use crate::{
    console::{Finished, Origin},
    pipeline::counts::Counts,
};
use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A moment, in microseconds after some start.
pub(crate) fn at(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_000_000 + micros)
}

pub(crate) struct Sample(SpanData);

impl Sample {
    /// A root span of trace 42 that lasts a millisecond.
    pub(crate) fn new(id: u64) -> Self {
        Self(SpanData {
            span_context: SpanContext::new(
                TraceId::from(42),
                SpanId::from(id),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "work".into(),
            start_time: at(0),
            end_time: at(1_000),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        })
    }

    pub(crate) fn under(mut self, parent: u64) -> Self {
        self.0.parent_span_id = SpanId::from(parent);
        self
    }

    pub(crate) fn under_remote(mut self, parent: u64) -> Self {
        self.0.parent_span_is_remote = true;
        self.under(parent)
    }

    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.0.span_kind = kind;
        self
    }

    pub(crate) fn name(mut self, name: &'static str) -> Self {
        self.0.name = name.into();
        self
    }

    pub(crate) fn time(mut self, start: u64, end: u64) -> Self {
        (self.0.start_time, self.0.end_time) = (at(start), at(end));
        self
    }

    pub(crate) fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.attributes.push(KeyValue::new(key, value));
        self
    }

    pub(crate) fn error(mut self, description: &'static str) -> Self {
        self.0.status = Status::error(description);
        self
    }

    pub(crate) fn span(self) -> SpanData {
        self.0
    }

    /// The span of a service without a name.
    pub(crate) fn finished(self) -> Finished {
        self.of(None)
    }

    /// The span of a service.
    pub(crate) fn of(self, service: Option<&str>) -> Finished {
        let counts = Arc::new(Counts::new("spans", "console"));
        let origin = Arc::new(Origin { service: service.map(str::to_owned), counts });
        Finished { span: Arc::new(self.0), bytes: 0, origin }
    }
}
