//! The headers of W3C Trace Context between carrier and context.

use crate::{
    carrier::{Single, Sink, Source, single},
    context::{remote_span, with_remote_span},
    log::Malformed,
    random,
    traceparent::{self, RANDOM},
    tracestate::{self, Kept, List},
};
use http::HeaderName;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};

pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `parent` with the caller's span, as `traceparent` and `tracestate` hold it.
pub(crate) fn read<S: Source>(source: &S, parent: &Context) -> Option<Context> {
    read_from(source, &TRACEPARENT, &MALFORMED_PARENT, parent)
}

/// Writes `traceparent` and `tracestate`, or nothing for a context without a valid span.
pub(crate) fn write<S: Sink>(context: &Context, sink: &mut S) {
    let span = context.span();
    let span_context = span.span_context();
    if !span_context.is_valid() {
        return;
    }
    sink.set(&TRACEPARENT, &traceparent::write(context, span_context));
    match tracestate::write(context, span_context) {
        Some(list) => sink.set_string(&TRACESTATE, list),
        None => sink.remove(&TRACESTATE),
    }
}

/// [`read`] for a `traceparent` that goes by another name: as the header `name` and
/// `tracestate` hold it.
pub(crate) fn read_from<S: Source>(
    source: &S,
    name: &'static HeaderName,
    malformed: &Malformed,
    parent: &Context,
) -> Option<Context> {
    let fields = match single(source, name) {
        Single::Absent => return None,
        Single::One(value) => traceparent::parse(value),
        Single::Many => None,
    };
    let span = fields.and_then(|fields| {
        let flags = TraceFlags::new(fields.flags);
        remote_span(fields.trace_id, fields.span_id, flags, TraceState::NONE)
    });
    if span.is_none() {
        malformed.warn();
    }
    Some(with_trace_state(source, parent, span?))
}

static MALFORMED_PARENT: Malformed = Malformed::new("traceparent");
static MALFORMED_STATE: Malformed = Malformed::new("tracestate");

/// `parent` with the caller's span, its list and its random flag.
fn with_trace_state<S: Source>(source: &S, parent: &Context, span: SpanContext) -> Context {
    let (trace_id, span_id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
    let (span, kept) = match tracestate::read(&source.lines(&TRACESTATE)) {
        List::Empty => (span, None),
        List::Held(list) => (SpanContext::new(trace_id, span_id, flags, true, list), None),
        List::Kept(list) => (span, Some(Kept::new(trace_id, list))),
        List::Malformed => {
            MALFORMED_STATE.warn();
            (span, None)
        }
    };
    let mut context = with_remote_span(parent, span, None);
    if let Some(kept) = kept {
        context = context.with_value(kept);
    }
    if flags.to_u8() & RANDOM != 0 {
        context = random::with_random_trace_id(&context);
    }
    context
}
