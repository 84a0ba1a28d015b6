//! The headers `traceparent` and `tracestate` between header map and context.

pub(crate) mod traceparent;
mod tracestate;

use self::{
    traceparent::{RANDOM, TraceParent},
    tracestate::{List, Unheld},
};
use crate::{
    propagator::{Extracted, Wanted},
    random_flag::with_random_trace_id,
    tools::{
        kept::keep,
        malformed::Malformed,
        read::{MAX_LINES, Single, lines, single},
        remote::{remote_span, with_remote_span},
        write,
    },
    uncontinued::with_uncontinued_caller,
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use std::iter;

/// The names of both headers.
pub(crate) static NAMES: [HeaderName; 2] =
    [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];

/// Returns `parent` with the caller's span, as `traceparent` and `tracestate` hold it.
pub(crate) fn extract(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    extract_from(headers, TRACEPARENT, &MALFORMED_PARENT, parent)
}

/// Returns `parent` with the caller's span, as the header `name`, which has the grammar of
/// `traceparent`, and `tracestate` hold it.
pub(crate) fn extract_from(
    headers: &HeaderMap,
    name: &HeaderName,
    malformed: &Malformed,
    parent: &Context,
) -> Option<Context> {
    let value = single(headers, name);
    extract_one(&value, malformed, |span| {
        Caller::of(parent, &span, tracestate::parse(lines(headers, TRACESTATE)), Wanted::default())
    })
    .map(|caller| with_unheld(caller.extracted.context, caller.unheld))
    .or_else(|| repeated(&value, headers, name, parent))
}

/// Returns `parent` with what is `wanted` of the caller, as the values found of `traceparent` and
/// `tracestate` hold it.
pub(crate) fn extract_found(
    value: &Single<'_>,
    (list, state, headers): (&Single<'_>, State, &HeaderMap),
    parent: &Context,
    wanted: Wanted,
) -> Option<Caller> {
    extract_one(value, &MALFORMED_PARENT, |span| {
        let list = match list {
            Single::Absent => List::Empty,
            Single::One(line) => state.parse(iter::once(*line)),
            Single::Many => state.parse(lines(headers, TRACESTATE)),
        };
        Caller::of(parent, &span, list, wanted)
    })
    .or_else(|| {
        let context = repeated(value, headers, TRACEPARENT, parent)?;
        Some(Caller { extracted: Extracted::of(context), unheld: None })
    })
}

/// Returns `parent` with the last caller of several whose headers all name the same trace. Their trace
/// cannot be continued, and the new one links to it.
fn repeated(
    value: &Single<'_>,
    headers: &HeaderMap,
    name: &HeaderName,
    parent: &Context,
) -> Option<Context> {
    if !matches!(value, Single::Many) {
        return None;
    }
    let mut callers =
        lines(headers, name).take(MAX_LINES).map(|line| caller(traceparent::parse(line)?));
    let first = callers.next()??;
    let of_one_trace = |last: SpanContext, next: Option<SpanContext>| {
        next.filter(|next| next.trace_id() == last.trace_id())
    };
    let last = callers.try_fold(first, of_one_trace)?;
    Some(with_uncontinued_caller(parent, last))
}

/// The caller's span by the fields of `traceparent`, if its ids are valid.
fn caller(fields: TraceParent) -> Option<SpanContext> {
    let flags = TraceFlags::new(fields.flags);
    remote_span(fields.trace_id, fields.span_id, flags, TraceState::NONE)
}

/// What is made of `tracestate`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// Samplers, spans and the application see it.
    Read,
    /// It is only passed on, but for OpenTelemetry's own member.
    Unread,
}

impl State {
    fn parse<'a>(self, lines: impl Iterator<Item = &'a [u8]>) -> List {
        match self {
            Self::Read => tracestate::parse(lines),
            Self::Unread => tracestate::parse_beside(lines),
        }
    }
}

fn extract_one(
    value: &Single<'_>,
    malformed: &Malformed,
    with_list: impl FnOnce(SpanContext) -> Caller,
) -> Option<Caller> {
    let fields = match value {
        Single::Absent => return None,
        Single::One(value) => traceparent::parse(value),
        Single::Many => None,
    };
    let span = fields.and_then(caller);
    if span.is_none() {
        malformed.warn();
    }
    Some(with_list(span?))
}

/// Writes `traceparent` and `tracestate`, or nothing for a context without a valid span.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let span_context = span.span_context();
    if !span_context.is_valid() {
        return;
    }
    write::set(headers, TRACEPARENT, &traceparent::header_value(context, span_context));
    match tracestate::header_value(context, span_context) {
        Some(list) => write::set_string(headers, TRACESTATE, list),
        None => write::remove(headers, TRACESTATE),
    }
}

static TRACEPARENT: &HeaderName = &NAMES[0];
static TRACESTATE: &HeaderName = &NAMES[1];
static MALFORMED_PARENT: Malformed = Malformed::new("traceparent");
static MALFORMED_STATE: Malformed = Malformed::new("tracestate");

/// A context with a caller's span, and what it does not hold of the list.
pub(crate) struct Caller {
    pub(crate) extracted: Extracted,
    /// A list that OpenTelemetry does not hold. It is not in the context yet.
    pub(crate) unheld: Option<String>,
}

impl Caller {
    /// No caller: `parent` as it is.
    pub(crate) fn none(parent: &Context) -> Self {
        Self { extracted: Extracted::of(parent.clone()), unheld: None }
    }

    /// `parent` with the span of `caller`, its list and its random flag, or with the service's own span
    /// in its place.
    fn of(parent: &Context, caller: &SpanContext, list: List, wanted: Wanted) -> Self {
        let (trace_id, flags) = (caller.trace_id(), caller.trace_flags());
        let own = wanted.own.filter(|_| !flags.is_sampled()).map(|make| make());
        let (span_id, is_hop) = (own.unwrap_or(caller.span_id()), own.is_some());
        let (held, unheld) = match list {
            List::Empty => (None, None),
            List::Held(list) => (Some(list), None),
            List::Unheld { list, ot } => (ot, Some(list)),
            List::Malformed => {
                MALFORMED_STATE.warn();
                (None, None)
            }
        };
        let is_apart = wanted.apart && !is_hop;
        let (apart, held) = if is_apart { (held, None) } else { (None, held) };
        let span = SpanContext::new(trace_id, span_id, flags, !is_hop, held.unwrap_or_default());
        let mut context = with_remote_span(parent, span, None);
        if flags.to_u8() & RANDOM != 0 {
            context = with_random_trace_id(&context);
        }
        Self { extracted: Extracted { context, is_hop, apart }, unheld }
    }
}

/// Returns `context` with a list that OpenTelemetry does not hold beside its span.
pub(crate) fn with_unheld(context: Context, list: Option<String>) -> Context {
    let Some(list) = list else { return context };
    let trace_id = context.span().span_context().trace_id();
    keep(&context, trace_id, Unheld(list))
}
