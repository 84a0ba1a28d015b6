//! B3, of Zipkin: `b3`, or `X-B3-*`.

mod parse;

use self::parse::{Ids, Reading, State};
use crate::{
    propagator::Propagator,
    sampling_hint::SamplingHint,
    tools::{
        kept::{keep, kept},
        malformed::Malformed,
        read::{first, trim_ows},
        remote::{given_trace_id, is_undecided, remote_span, with_remote_span},
        unrecorded::unrecorded_span,
        write,
    },
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context, TraceId,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use tracewire_text::hex;

/// B3, of Zipkin: the single header `b3`, or the several headers `X-B3-*`.
///
/// Both forms are read, whichever is written; the single one comes first. A trace without a
/// sampling state leaves the decision to this service
/// ([`SamplingHint::Deferred`]); a state without a trace (`b3: 0`) is honored for the trace that
/// begins here. Debug is kept and sent on. Trace ids of 64 bits become the low half of one of 128
/// and are sent as 128 bits.
///
/// Follows <https://github.com/openzipkin/b3-propagation> and OpenTelemetry's "B3 Requirements".
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::Context;
/// use tracewire_propagation::{B3, Propagator};
///
/// let mut headers = HeaderMap::new();
/// let value = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
/// headers.insert("b3", HeaderValue::from_static(value));
/// let context = B3::single().extract(&headers, &Context::new());
///
/// let mut outgoing = HeaderMap::new();
/// B3::multi().inject(&context, &mut outgoing);
/// assert_eq!(outgoing["x-b3-traceid"], "0af7651916cd43dd8448eb211c80319c");
/// assert_eq!(outgoing["x-b3-spanid"], "b7ad6b7169203331");
/// assert_eq!(outgoing["x-b3-sampled"], "1");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct B3 {
    multi: bool,
}

impl B3 {
    /// Writes the header `b3`.
    pub const fn single() -> Self {
        Self { multi: false }
    }

    /// Writes the headers `X-B3-TraceId`, `X-B3-SpanId` and `X-B3-Sampled` or `X-B3-Flags`.
    pub const fn multi() -> Self {
        Self { multi: true }
    }
}

impl Propagator for B3 {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        let context = match read(headers) {
            Reading::Absent => None,
            Reading::Malformed => {
                MALFORMED.warn();
                None
            }
            Reading::State(state) => with_state(parent, state),
            Reading::Trace(ids, state) => with_trace(parent, ids, state),
        };
        context.unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        if self.multi {
            inject_multi(context, span_context, headers);
        } else {
            inject_single(context, span_context, headers);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        if self.multi { &MULTI_NAMES } else { &SINGLE_NAMES }
    }
}

static SINGLE_NAMES: [HeaderName; 1] = [HeaderName::from_static("b3")];
static MULTI_NAMES: [HeaderName; 4] = [
    HeaderName::from_static("x-b3-traceid"),
    HeaderName::from_static("x-b3-spanid"),
    HeaderName::from_static("x-b3-sampled"),
    HeaderName::from_static("x-b3-flags"),
];
static SINGLE: &HeaderName = &SINGLE_NAMES[0];
static TRACE_ID: &HeaderName = &MULTI_NAMES[0];
static SPAN_ID: &HeaderName = &MULTI_NAMES[1];
static SAMPLED: &HeaderName = &MULTI_NAMES[2];
static FLAGS: &HeaderName = &MULTI_NAMES[3];
static PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
static MALFORMED: Malformed = Malformed::new("b3");

/// The caller asked for debug: for this trace, or for the one that begins here.
struct Debug;

/// Reads both forms. The single one wins unless it is malformed.
fn read(headers: &HeaderMap) -> Reading {
    match read_single(headers) {
        Reading::Absent => read_multi(headers),
        Reading::Malformed => match read_multi(headers) {
            Reading::Absent => Reading::Malformed,
            multi => multi,
        },
        single => single,
    }
}

fn read_single(headers: &HeaderMap) -> Reading {
    first_of_list(headers, SINGLE).map_or(Reading::Absent, parse::single)
}

fn read_multi(headers: &HeaderMap) -> Reading {
    let [trace_id, span_id, sampled, flags] =
        [TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(|name| first_of_list(headers, name));
    parse::multi(trace_id, span_id, sampled, flags)
}

/// Bytes of a header that are looked at: a value has at most 68.
const MAX_LEN: usize = 256;

/// The first value of a header: of its lines, and of a list that a gateway joined.
fn first_of_list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let line = first(headers, name)?;
    line[..line.len().min(MAX_LEN)].split(|&byte| byte == b',').next().map(trim_ows)
}

fn with_trace(parent: &Context, ids: Ids, state: State) -> Option<Context> {
    let (flags, hint) = match state {
        State::Accept => (TraceFlags::SAMPLED, None),
        State::Deny => (TraceFlags::NOT_SAMPLED, None),
        State::Debug => (TraceFlags::SAMPLED, Some(SamplingHint::Debug)),
        // Without a sampler that knows the hint, sampled is the safe reading: the flag of a
        // default root.
        State::Deferred => (TraceFlags::SAMPLED, Some(SamplingHint::Deferred)),
    };
    let span = remote_span(ids.trace_id, ids.span_id, flags, TraceState::NONE)?;
    let trace_id = span.trace_id();
    let context = with_remote_span(parent, span, hint);
    Some(if state == State::Debug { keep(&context, trace_id, Debug) } else { context })
}

/// A state without a trace does not replace the trace that another format found.
fn with_state(parent: &Context, state: State) -> Option<Context> {
    let span = parent.span();
    if span.span_context().is_remote() && span.span_context().is_valid() {
        return None;
    }
    Some(match state {
        State::Accept => parent.with_value(SamplingHint::On),
        State::Debug => keep(&parent.with_value(SamplingHint::Debug), TraceId::INVALID, Debug),
        // Every parent-based sampler obeys an unsampled parent, and none obeys less.
        State::Deny => {
            let new = unrecorded_span(true, given_trace_id(span.span_context()));
            with_remote_span(parent, new, Some(SamplingHint::Off))
        }
        State::Deferred => return None,
    })
}

/// The state to send for the span in `context`.
fn state(context: &Context, span_context: &SpanContext) -> State {
    let is_debug = |trace_id| kept::<Debug>(context, trace_id).is_some();
    // What was asked for a new trace holds until another header has set another hint.
    let new_is_debug = || context.get() == Some(&SamplingHint::Debug) && is_debug(TraceId::INVALID);
    if is_debug(span_context.trace_id()) || new_is_debug() {
        State::Debug
    } else if is_undecided(context, span_context) {
        State::Deferred
    } else if span_context.is_sampled() {
        State::Accept
    } else {
        State::Deny
    }
}

fn inject_single(context: &Context, span_context: &SpanContext, headers: &mut HeaderMap) {
    let mut value = *b"................................-................-.";
    hex::encode(&span_context.trace_id().to_bytes(), &mut value[..32]);
    hex::encode(&span_context.span_id().to_bytes(), &mut value[33..49]);
    value[50] = match state(context, span_context) {
        State::Accept => b'1',
        State::Deny => b'0',
        State::Debug => b'd',
        State::Deferred => return write::set(headers, SINGLE, &value[..49]),
    };
    write::set(headers, SINGLE, &value);
}

fn inject_multi(context: &Context, span_context: &SpanContext, headers: &mut HeaderMap) {
    let mut trace_id = [0; 32];
    hex::encode(&span_context.trace_id().to_bytes(), &mut trace_id);
    write::set(headers, TRACE_ID, &trace_id);
    let mut span_id = [0; 16];
    hex::encode(&span_context.span_id().to_bytes(), &mut span_id);
    write::set(headers, SPAN_ID, &span_id);
    // What an earlier hop left there would speak of another span.
    headers.remove(&PARENT_SPAN_ID);
    let (sampled, flags) = match state(context, span_context) {
        State::Accept => (Some("1"), None),
        State::Deny => (Some("0"), None),
        // Debug implies sampled, which is not sent with it.
        State::Debug => (None, Some("1")),
        State::Deferred => (None, None),
    };
    for (name, value) in [(SAMPLED, sampled), (FLAGS, flags)] {
        match value {
            Some(value) => write::set_static(headers, name, value),
            None => drop(headers.remove(name)),
        }
    }
}

#[cfg(test)]
mod tests;
