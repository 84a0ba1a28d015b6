//! OpenCensus over gRPC: `grpc-trace-bin`.

use crate::{
    propagator::Propagator,
    tools::{
        malformed::Malformed,
        read::first,
        remote::{remote_span, with_remote_span},
        write,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, STANDARD_NO_PAD_INDIFFERENT},
};
use http::{HeaderMap, HeaderName, header::CONTENT_TYPE};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};

/// OpenCensus over gRPC: the binary metadata `grpc-trace-bin`.
///
/// Clients and servers of gRPC that were instrumented with OpenCensus send it, Google Cloud's client
/// libraries among them. It is read from every request, and written only to gRPC calls, which are known
/// by their content type `application/grpc`. A tracing client layer sees that type; an interceptor,
/// which works on metadata alone, does not, so it writes nothing.
///
/// Metadata whose names end in `-bin` is base64. It is written without padding and read with or without.
/// A caller who does not set the sampled bit did not sample. Values have no place for a `tracestate`.
///
/// Follows OpenCensus's "Binary Format" and gRPC's "gRPC over HTTP2".
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{GrpcTraceBin, Propagator};
///
/// let mut headers = HeaderMap::new();
/// let value = "AABL+S81d7NNpqPOkp0ADkc2ATTwZ6oLqQK3AgE";
/// headers.insert("grpc-trace-bin", HeaderValue::from_static(value));
/// let context = GrpcTraceBin::new().extract(&headers, &Context::new());
/// let trace_id = context.span().span_context().trace_id();
/// assert_eq!(trace_id.to_string(), "4bf92f3577b34da6a3ce929d000e4736");
///
/// let mut outgoing = HeaderMap::new();
/// outgoing.insert("content-type", HeaderValue::from_static("application/grpc"));
/// GrpcTraceBin::new().inject(&context, &mut outgoing);
/// assert_eq!(outgoing["grpc-trace-bin"], value);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcTraceBin(());

impl GrpcTraceBin {
    /// Creates the format.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for GrpcTraceBin {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        extract(headers, parent).unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        let span_context = span.span_context();
        if !span_context.is_valid() || !is_grpc(headers) {
            return;
        }
        let mut text = [0; ENCODED];
        if STANDARD_NO_PAD.encode_slice(encode(span_context), &mut text).is_ok() {
            write::set(headers, HEADER, &text);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 1] = [HeaderName::from_static("grpc-trace-bin")];
static HEADER: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("grpc-trace-bin");

/// The version, and each field after its number.
const LEN: usize = 1 + (1 + 16) + (1 + 8) + (1 + 1);
/// The same in base64 without padding.
const ENCODED: usize = LEN.div_ceil(3) * 4 - 1;
/// Bytes of a value that are read, in base64: fields that are not known may follow.
const MAX_LEN: usize = 128;

fn extract(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    let value = first(headers, HEADER)?;
    let span = decode(value);
    if span.is_none() {
        MALFORMED.warn();
    }
    Some(with_remote_span(parent, span?, None))
}

/// Whether the message with these headers is a call over gRPC.
fn is_grpc(headers: &HeaderMap) -> bool {
    const TYPE: &[u8] = b"application/grpc";
    let Some(content_type) = headers.get(CONTENT_TYPE) else { return false };
    let content_type = content_type.as_bytes();
    content_type.split_at_checked(TYPE.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(TYPE) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
    })
}

fn decode(text: &[u8]) -> Option<SpanContext> {
    let mut bytes = [0; MAX_LEN / 4 * 3];
    if text.len() > MAX_LEN {
        return None;
    }
    let len = STANDARD_NO_PAD_INDIFFERENT.decode_slice(text, &mut bytes).ok()?;
    read(&bytes[..len])
}

/// Reads fields up to one that is not known, which is no error.
fn read(bytes: &[u8]) -> Option<SpanContext> {
    let mut rest = bytes.strip_prefix(&[0])?;
    let (mut trace_id, mut span_id, mut options) = (None, None, 0);
    while let [field, after @ ..] = rest {
        rest = match field {
            0 => {
                let (id, after) = after.split_first_chunk::<16>()?;
                trace_id = Some(*id);
                after
            }
            1 => {
                let (id, after) = after.split_first_chunk::<8>()?;
                span_id = Some(*id);
                after
            }
            2 => {
                let (first, after) = after.split_first()?;
                options = *first;
                after
            }
            _ => break,
        };
    }
    let flags = TraceFlags::default().with_sampled(options & 1 != 0);
    remote_span(trace_id?, span_id?, flags, TraceState::NONE)
}

fn encode(span_context: &SpanContext) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[2..18].copy_from_slice(&span_context.trace_id().to_bytes());
    bytes[18] = 1;
    bytes[19..27].copy_from_slice(&span_context.span_id().to_bytes());
    bytes[27] = 2;
    bytes[28] = u8::from(span_context.is_sampled());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// The example of OpenCensus's specification.
    const EXAMPLE: [u8; 29] = [
        0, 0, 75, 249, 47, 53, 119, 179, 77, 166, 163, 206, 146, 157, 0, 14, 71, 54, 1, 52, 240,
        103, 170, 11, 169, 2, 183, 2, 1,
    ];

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn extract(value: &str) -> Context {
        GrpcTraceBin::new().extract(&headers(&[("grpc-trace-bin", value)]), &Context::new())
    }

    fn inject(context: &Context, content_type: &str) -> Option<String> {
        let mut headers = headers(&[("content-type", content_type), ("grpc-trace-bin", "old")]);
        GrpcTraceBin::new().inject(context, &mut headers);
        let value = headers["grpc-trace-bin"].to_str().unwrap();
        (value != "old").then(|| value.to_owned())
    }

    #[test]
    fn the_specifications_example_is_read_with_and_without_padding_and_written_without() {
        for value in [BASE64_STANDARD.encode(EXAMPLE), STANDARD_NO_PAD.encode(EXAMPLE)] {
            let context = extract(&value);
            let span = context.span().span_context().clone();
            assert_eq!(span.trace_id().to_string(), "4bf92f3577b34da6a3ce929d000e4736");
            assert_eq!(span.span_id().to_string(), "34f067aa0ba902b7");
            assert!(span.is_sampled() && span.is_remote());
            let sent = inject(&context, "application/grpc").unwrap();
            assert_eq!(sent, STANDARD_NO_PAD.encode(EXAMPLE));
        }
    }

    #[test]
    fn only_calls_over_grpc_get_it() {
        let context = extract(&STANDARD_NO_PAD.encode(EXAMPLE));
        for (content_type, expected) in [
            ("application/grpc", true),
            ("Application/gRPC+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpcx", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(inject(&context, content_type).is_some(), expected, "{content_type}");
        }
        let mut plain = HeaderMap::new();
        GrpcTraceBin::new().inject(&context, &mut plain);
        assert!(plain.is_empty());
        assert_eq!(inject(&Context::new(), "application/grpc"), None);
    }

    #[test]
    fn fields_may_come_in_any_order_and_be_followed_by_unknown_ones() {
        let [_, trace @ .., _, _] = EXAMPLE;
        let (trace, span) = trace.split_at(17);
        let expected = read(&EXAMPLE).unwrap();
        let bytes = [&[0][..], &[2, 1], span, trace, &[3, 9, 9]].concat();
        assert_eq!(read(&bytes), Some(expected));
        // Without options nothing was sampled.
        assert!(!read(&EXAMPLE[..27]).unwrap().is_sampled());
    }

    #[test]
    fn malformed_values_leave_the_context_alone() {
        let mut version = EXAMPLE;
        version[0] = 1;
        let mut zero = EXAMPLE;
        zero[19..27].fill(0);
        let encoded = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        for value in [
            String::new(),
            "!".into(),
            "AA".into(),
            encoded(&version),
            encoded(&zero),
            encoded(&EXAMPLE[..18]),
            encoded(&EXAMPLE[..26]),
            encoded(&EXAMPLE[..28]),
            format!("{0},{0}", encoded(&EXAMPLE)),
            encoded(&[&EXAMPLE[..], &[9; 100]].concat()),
        ] {
            assert!(!extract(&value).has_active_span(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            read(&bytes);
            decode(&bytes);
        }

        #[test]
        fn every_span_comes_back(trace_id in 1u128.., span_id in 1u64.., sampled: bool) {
            let flags = TraceFlags::default().with_sampled(sampled);
            let span =
                SpanContext::new(trace_id.into(), span_id.into(), flags, true, TraceState::NONE);
            let context = Context::new().with_remote_span_context(span.clone());
            let sent = inject(&context, "application/grpc").unwrap();
            let again = extract(&sent);
            let again = again.span();
            prop_assert_eq!(again.span_context(), &span);
        }
    }
}
