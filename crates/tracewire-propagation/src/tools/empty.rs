//! Whether a context holds anything at all.
//!
//! OpenTelemetry's [`Context`] has no method for that. Its `Debug` text is the only thing that shows how
//! many values there are, whatever their types.

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use std::{
    fmt::{self, Write},
    sync::LazyLock,
};

/// Returns whether `context` has no span and no value, as a new one. False where that cannot be told.
pub(crate) fn is_empty(context: &Context) -> bool {
    let Some(text) = &*EMPTY else { return false };
    let mut rest = Rest(text);
    write!(rest, "{context:?}").is_ok() && rest.0.is_empty()
}

/// The text of an empty context, if no other context has it.
static EMPTY: LazyLock<Option<String>> = LazyLock::new(|| {
    let text = format!("{:?}", Context::new());
    let (trace_id, span_id) = (TraceId::from(1), SpanId::from(1));
    let flags = TraceFlags::default();
    let span = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
    let others = [
        Context::new().with_value(()),
        Context::new().with_remote_span_context(span),
        Context::new().with_remote_span_context(SpanContext::NONE),
        Context::new().with_telemetry_suppressed(),
    ];
    others.iter().all(|other| format!("{other:?}") != text).then_some(text)
});

/// What is still to be written for a text to be the expected one. Anything else is an error, which
/// stops the writing.
struct Rest<'a>(&'a str);

impl Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{KeyValue, baggage::BaggageExt};

    #[test]
    fn only_a_context_without_anything_is_empty() {
        let new = Context::new();
        assert!(is_empty(&new) && is_empty(&new.clone()) && is_empty(&Context::current()));
        let _attached = new.with_value("a value").attach();
        let span = SpanContext::NONE;
        for other in [
            Context::current(),
            new.with_baggage([KeyValue::new("key", "value")]),
            new.with_cleared_baggage(),
            new.with_remote_span_context(span.clone()),
            new.with_value(1_u8).with_remote_span_context(span),
            new.with_telemetry_suppressed(),
        ] {
            assert!(!is_empty(&other), "{other:?}");
        }
    }
}
