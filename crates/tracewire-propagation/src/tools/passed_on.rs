//! What goes on unread.
//!
//! One value holds all of it: a context clones the values that it has for each new one.

use http::HeaderValue;
use opentelemetry::{Context, TraceId};

/// What a gateway passes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct PassedOn {
    list: Option<(TraceId, String)>,
    baggage: Option<HeaderValue>,
}

impl PassedOn {
    /// The list of `tracestate` that goes on with this trace.
    pub(crate) fn list(context: &Context, trace_id: TraceId) -> Option<&str> {
        let (of, list) = context.get::<Self>()?.list.as_ref()?;
        (*of == trace_id).then_some(list)
    }

    /// The header `baggage`.
    pub(crate) fn baggage(context: &Context) -> Option<&HeaderValue> {
        context.get::<Self>()?.baggage.as_ref()
    }

    /// Returns `context` with these in place of earlier ones.
    pub(crate) fn keep(
        context: Context,
        list: Option<(TraceId, String)>,
        baggage: Option<HeaderValue>,
    ) -> Context {
        if list.is_none() && baggage.is_none() {
            return context;
        }
        let earlier = context.get::<Self>().cloned().unwrap_or_default();
        let (list, baggage) = (list.or(earlier.list), baggage.or(earlier.baggage));
        context.with_value(Self { list, baggage })
    }
}
