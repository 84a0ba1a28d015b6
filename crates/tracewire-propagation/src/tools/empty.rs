//! Whether a context holds anything at all.
//!
//! OpenTelemetry's [`Context`] has no method for that. Its `Debug` text is the only thing that shows how
//! many values there are, whatever their types.

use arrayvec::ArrayString;
use opentelemetry::{Context, trace::TraceContextExt};
use std::{
    fmt::{self, Write},
    sync::LazyLock,
};

/// Returns whether `context` has no span and no value, as a new one. False where that cannot be told.
pub(crate) fn is_empty(context: &Context) -> bool {
    if context.has_active_span() || context.is_telemetry_suppressed() {
        return false;
    }
    COUNT_AT.is_some_and(|at| piece(context, at).is_some_and(|piece| *piece == *NONE))
}

/// How a context writes that it has no values.
const NONE: &str = "0";

/// Which of the pieces of a context's text is the number of its values.
///
/// It is the only one in which contexts with values differ from an empty one. If there is no such piece,
/// nothing can be told.
static COUNT_AT: LazyLock<Option<usize>> = LazyLock::new(|| {
    let (none, one) = (Context::new(), Context::new().with_value(()));
    let more = one.with_value(0_u8).with_value("");
    let differs = |at: &usize| piece(&none, *at) != piece(&one, *at);
    let last = (0..MOST_PIECES).find(|at| piece(&none, *at).is_none())?;
    let mut counts = (0..last).filter(differs);
    let at = counts.next().filter(|_| counts.next().is_none())?;
    let is_none = |context| piece(context, at).is_some_and(|piece| *piece == *NONE);
    (is_none(&none) && !is_none(&more)).then_some(at)
});

/// More pieces than the text of an empty context has.
const MOST_PIECES: usize = 64;

/// The piece of the text of `context` at this place, if it is a short one: each is written by one call.
fn piece(context: &Context, at: usize) -> Option<ArrayString<SHORT>> {
    let mut found = Piece { before: at, text: None };
    let _ = write!(found, "{context:?}"); // it stops there
    found.text
}

const SHORT: usize = 32;

/// Finds one piece of a text that is written, and stops the writing there.
struct Piece {
    before: usize,
    text: Option<ArrayString<SHORT>>,
}

impl Write for Piece {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.before == 0 {
            self.text = ArrayString::from(text).ok();
            return Err(fmt::Error);
        }
        self.before -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{KeyValue, baggage::BaggageExt, trace::SpanContext};

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
