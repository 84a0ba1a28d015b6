//! Values that a context keeps for one trace.
//!
//! Child contexts inherit every value, and a context may get another trace later. So a value is
//! stored with the id of its trace, and found for no other one.

use opentelemetry::{Context, TraceId};

/// Returns `context` with `value` kept for the trace `trace_id`, in place of a value of this type
/// that was kept before.
///
/// What is kept for [`TraceId::INVALID`] belongs to the trace that begins in this context.
pub(crate) fn keep<T: Send + Sync + 'static>(
    context: &Context,
    trace_id: TraceId,
    value: T,
) -> Context {
    context.with_value(OfTrace { trace_id, value })
}

/// Returns the value of this type that is kept for the trace `trace_id`.
pub(crate) fn kept<T: Send + Sync + 'static>(context: &Context, trace_id: TraceId) -> Option<&T> {
    let of_trace = context.get::<OfTrace<T>>()?;
    (of_trace.trace_id == trace_id).then_some(&of_trace.value)
}

struct OfTrace<T> {
    trace_id: TraceId,
    value: T,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Value(u8);

    #[test]
    fn a_value_is_found_for_its_own_trace_alone() {
        let (one, other) = (TraceId::from(1), TraceId::from(2));
        let context = keep(&Context::new(), one, Value(1));
        assert_eq!(kept(&context, one), Some(&Value(1)));
        assert_eq!(kept::<Value>(&context, other), None);
        assert_eq!(kept::<Value>(&context, TraceId::INVALID), None);
        assert_eq!(kept::<u8>(&context, one), None);
    }

    #[test]
    fn a_later_value_of_the_type_replaces_the_earlier_one() {
        let (one, other) = (TraceId::from(1), TraceId::from(2));
        let context = keep(&keep(&Context::new(), one, Value(1)), other, Value(2));
        assert_eq!(kept::<Value>(&context, one), None);
        assert_eq!(kept(&context, other), Some(&Value(2)));
    }
}
