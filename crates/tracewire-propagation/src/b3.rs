//! B3, of Zipkin: `b3`, or `X-B3-*`.

mod parse;

use self::parse::{Ids, Reading, State};
use crate::{
    SamplingHint,
    carrier::{Codec, Names, Sink, Source, first, implement_traits, trim_ows},
    context::{remote_span, with_remote_span},
    hex,
    log::Malformed,
    unrecorded,
};
use http::HeaderName;
use opentelemetry::{
    Context, TraceId,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};

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
    #[must_use]
    pub const fn single() -> Self {
        Self { multi: false }
    }

    /// Writes the headers `X-B3-TraceId`, `X-B3-SpanId` and `X-B3-Sampled` or `X-B3-Flags`.
    #[must_use]
    pub const fn multi() -> Self {
        Self { multi: true }
    }

    fn names(self) -> &'static Names {
        static SINGLE: Names = Names::new(&[&B3_SINGLE]);
        static MULTI: Names = Names::new(&[&TRACE_ID, &SPAN_ID, &SAMPLED, &FLAGS]);
        if self.multi { &MULTI } else { &SINGLE }
    }
}

implement_traits!(B3);

impl Codec for B3 {
    fn read<S: Source>(&self, source: &S, parent: &Context) -> Option<Context> {
        let reading = match read_single(source) {
            Reading::Absent => read_multi(source),
            Reading::Malformed => match read_multi(source) {
                Reading::Absent => Reading::Malformed,
                multi => multi,
            },
            single => single,
        };
        match reading {
            Reading::Absent => None,
            Reading::Malformed => {
                MALFORMED.warn();
                None
            }
            Reading::State(state) => with_state(parent, state),
            Reading::Trace(ids, state) => with_trace(parent, ids, state),
        }
    }

    fn write<S: Sink>(&self, context: &Context, sink: &mut S) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() {
            return;
        }
        if self.multi {
            write_multi(context, span_context, sink);
        } else {
            write_single(context, span_context, sink);
        }
    }
}

static B3_SINGLE: HeaderName = HeaderName::from_static("b3");
static TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
static SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
static PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
static SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
static FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
static MALFORMED: Malformed = Malformed::new("b3");

/// The caller asked for debug: for this trace, or for the one that begins here.
#[derive(Debug)]
struct Debug(Option<TraceId>);

fn read_single<S: Source>(source: &S) -> Reading {
    first_of_list(source, &B3_SINGLE).map_or(Reading::Absent, parse::single)
}

fn read_multi<S: Source>(source: &S) -> Reading {
    let [trace_id, span_id, sampled, flags] =
        [&TRACE_ID, &SPAN_ID, &SAMPLED, &FLAGS].map(|name| first_of_list(source, name));
    parse::multi(trace_id, span_id, sampled, flags)
}

/// Bytes of a header that are looked at: a value has at most 68.
const MAX_LEN: usize = 256;

/// The first value of a header: of its lines, and of a list that a gateway joined.
fn first_of_list<'a, S: Source>(source: &'a S, name: &'static HeaderName) -> Option<&'a [u8]> {
    let line = first(source, name)?;
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
    let debug = (state == State::Debug).then(|| Debug(Some(span.trace_id())));
    let context = with_remote_span(parent, span, hint);
    Some(match debug {
        Some(debug) => context.with_value(debug),
        None => context,
    })
}

/// A state without a trace does not replace the trace that another format found.
fn with_state(parent: &Context, state: State) -> Option<Context> {
    let span = parent.span();
    if span.span_context().is_remote() && span.span_context().is_valid() {
        return None;
    }
    Some(match state {
        State::Accept => parent.with_value(SamplingHint::On),
        State::Debug => parent.with_value(SamplingHint::Debug).with_value(Debug(None)),
        // Every parent-based sampler obeys an unsampled parent, and none obeys less.
        State::Deny => with_remote_span(parent, unrecorded::span(true), Some(SamplingHint::Off)),
        State::Deferred => return None,
    })
}

/// The state to send for the span in `context`.
fn state(context: &Context, span_context: &SpanContext) -> State {
    let hint = context.get::<SamplingHint>();
    let debug = context.get::<Debug>().is_some_and(|debug| match debug.0 {
        Some(trace_id) => trace_id == span_context.trace_id(),
        None => hint == Some(&SamplingHint::Debug),
    });
    if debug {
        State::Debug
    } else if span_context.is_remote() && hint == Some(&SamplingHint::Deferred) {
        // Nobody here has decided: this process passes the header on.
        State::Deferred
    } else if span_context.is_sampled() {
        State::Accept
    } else {
        State::Deny
    }
}

fn write_single<S: Sink>(context: &Context, span_context: &SpanContext, sink: &mut S) {
    let mut value = *b"................................-................-.";
    hex::encode(&span_context.trace_id().to_bytes(), &mut value[..32]);
    hex::encode(&span_context.span_id().to_bytes(), &mut value[33..49]);
    value[50] = match state(context, span_context) {
        State::Accept => b'1',
        State::Deny => b'0',
        State::Debug => b'd',
        State::Deferred => return sink.set(&B3_SINGLE, &value[..49]),
    };
    sink.set(&B3_SINGLE, &value);
}

fn write_multi<S: Sink>(context: &Context, span_context: &SpanContext, sink: &mut S) {
    let mut trace_id = [0; 32];
    hex::encode(&span_context.trace_id().to_bytes(), &mut trace_id);
    sink.set(&TRACE_ID, &trace_id);
    let mut span_id = [0; 16];
    hex::encode(&span_context.span_id().to_bytes(), &mut span_id);
    sink.set(&SPAN_ID, &span_id);
    // What an earlier hop left there would speak of another span.
    sink.remove(&PARENT_SPAN_ID);
    let (sampled, flags) = match state(context, span_context) {
        State::Accept => (Some("1"), None),
        State::Deny => (Some("0"), None),
        // Debug implies sampled, which is not sent with it.
        State::Debug => (None, Some("1")),
        State::Deferred => (None, None),
    };
    for (name, value) in [(&SAMPLED, sampled), (&FLAGS, flags)] {
        match value {
            Some(value) => sink.set_static(name, value),
            None => sink.remove(name),
        }
    }
}

#[cfg(test)]
mod tests;
