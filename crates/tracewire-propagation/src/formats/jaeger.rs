//! Jaeger: `uber-trace-id`, and baggage in `uberctx-*`.

use crate::{
    propagator::Propagator,
    sampling_hint::SamplingHint,
    tools::{
        kept::{keep, kept},
        malformed::Malformed,
        read::{first, prefixed},
        remote::{remote_span, with_remote_span},
        write,
    },
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt, BaggageMetadata},
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use tracewire_text::{
    hex,
    percent::{RESERVED, decode_lossy, encode},
};

/// Jaeger: the header `uber-trace-id`, and baggage in headers `uberctx-{key}`.
///
/// Ids may be short, the value may be URL-encoded. The debug flag
/// ([`SamplingHint::Debug`]) and the firehose flag are sent on. Baggage is read into and written
/// from OpenTelemetry's baggage, without properties, up to 64 entries and 8192 bytes; the names of
/// its headers are not among [`header_names`](Propagator::header_names). The retired
/// headers `jaeger-debug-id` and `jaeger-baggage` are not read.
///
/// Follows Jaeger's "Propagation Format" and OpenTelemetry's "Jaeger propagator".
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, baggage::BaggageExt, trace::TraceContextExt};
/// use tracewire_propagation::{Jaeger, Propagator};
///
/// let value = "c1939db8c60c544a34f9eb4c073b28e7:895fe9a5c7b7341c:0:01";
/// let mut headers = HeaderMap::new();
/// headers.insert("uber-trace-id", HeaderValue::from_static(value));
/// headers.insert("uberctx-user", HeaderValue::from_static("Ada%20L"));
/// let context = Jaeger::new().extract(&headers, &Context::new());
/// assert!(context.span().span_context().is_sampled());
/// assert_eq!(context.baggage().get("user").unwrap().as_str(), "Ada L");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Jaeger(());

impl Jaeger {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for Jaeger {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        match (extract_trace(headers, parent), extract_baggage(headers, parent)) {
            (None, None) => parent.clone(),
            (Some(context), None) => context,
            (None, Some(baggage)) => parent.with_baggage(baggage),
            (Some(context), Some(baggage)) => context.with_baggage(baggage),
        }
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        if span.span_context().is_valid() {
            write::set(headers, HEADER, &header_value(context, span.span_context()));
        }
        inject_baggage(context.baggage(), headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 1] = [HeaderName::from_static("uber-trace-id")];
static HEADER: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("uber-trace-id");

/// Headers with this prefix carry baggage.
const BAGGAGE: &str = "uberctx-";
const MAX_ENTRIES: usize = 64;
const MAX_BAGGAGE: usize = 8192;

/// Bytes of the longest header that can be valid: every character URL-encoded.
const MAX_LEN: usize = 3 * (32 + 1 + 16 + 1 + 16 + 1 + 2);

const SAMPLED: u8 = 0x01;
const DEBUG: u8 = 0x02;
const FIREHOSE: u8 = 0x08;

/// Flags that W3C does not have: debug and firehose.
struct Flags(u8);

fn extract_trace(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    let value = first(headers, HEADER)?;
    let Some((span, flags)) = parse(value) else {
        MALFORMED.warn();
        return None;
    };
    let trace_id = span.trace_id();
    let hint = (flags & DEBUG != 0).then_some(SamplingHint::Debug);
    let context = with_remote_span(parent, span, hint);
    Some(match flags & (DEBUG | FIREHOSE) {
        0 => context,
        flags => keep(&context, trace_id, Flags(flags)),
    })
}

/// Reads `{trace id}:{span id}:{parent id}:{flags}`.
fn parse(value: &[u8]) -> Option<(SpanContext, u8)> {
    if value.len() > MAX_LEN {
        return None;
    }
    let text = str::from_utf8(value).ok()?;
    parse_text(&decode_lossy(text).text)
}

fn parse_text(text: &str) -> Option<(SpanContext, u8)> {
    let mut fields = text.splitn(4, ':');
    let trace_id = u128::from_be_bytes(padded(fields.next()?)?);
    let span_id = u64::from_be_bytes(padded(fields.next()?)?);
    // The parent's id is deprecated, and to be ignored.
    fields.next()?;
    let [mut flags]: [u8; 1] = padded(fields.next()?)?;
    let sampled = flags & SAMPLED != 0;
    if !sampled {
        // Debug means something on sampled traces only. Alone it may be W3C's random flag, which
        // OpenTelemetry for Python writes here.
        flags &= !DEBUG;
    }
    let span = remote_span(
        trace_id.to_be_bytes(),
        span_id.to_be_bytes(),
        TraceFlags::default().with_sampled(sampled),
        TraceState::NONE,
    )?;
    Some((span, flags))
}

/// Decodes 1 to `2 * N` digits, as if zeros stood before them.
fn padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digits = [b'0'; 32];
    let width = 2 * N;
    let start = width.checked_sub(text.len()).filter(|_| !text.is_empty())?;
    digits.get_mut(start..width)?.copy_from_slice(text.as_bytes());
    hex::decode(hex::Case::Any, &digits[..width])
}

fn header_value(context: &Context, span_context: &SpanContext) -> [u8; 54] {
    let mut flags = u8::from(span_context.is_sampled()) * SAMPLED;
    if let Some(Flags(kept)) = kept(context, span_context.trace_id()) {
        flags |= kept;
        // Debug counts with sampled only.
        flags |= u8::from(flags & DEBUG != 0) * SAMPLED;
    }
    let mut value = *b"................................:................:0:..";
    hex::encode(&span_context.trace_id().to_bytes(), &mut value[..32]);
    hex::encode(&span_context.span_id().to_bytes(), &mut value[33..49]);
    hex::encode(&[flags], &mut value[52..]);
    value
}

/// The baggage of `parent` with what the headers add to it, or `None` when they add nothing.
fn extract_baggage(headers: &HeaderMap, parent: &Context) -> Option<Baggage> {
    let mut entries = prefixed(headers, BAGGAGE).peekable();
    entries.peek()?;
    let mut baggage: Baggage = parent
        .baggage()
        .iter()
        .map(|(key, (value, properties))| (key.clone(), (value.clone(), properties.clone())))
        .collect();
    let mut found = false;
    let mut budget = MAX_BAGGAGE;
    for (key, value) in entries.take(MAX_ENTRIES) {
        // What is too long is not read.
        let Some(left) = budget.checked_sub(key.len() + value.len()) else { continue };
        let Ok(text) = str::from_utf8(value) else { continue };
        budget = left;
        found = true;
        let value = decode_lossy(text).text.into_owned();
        baggage.insert_with_metadata(key.to_owned(), value, BaggageMetadata::default());
    }
    found.then_some(baggage)
}

fn inject_baggage(baggage: &Baggage, headers: &mut HeaderMap) {
    let mut budget = MAX_BAGGAGE;
    let mut entries: Vec<_> = baggage.iter().collect();
    // A map has no order, and not all entries may have room.
    entries.sort_unstable_by_key(|(key, _)| key.as_str());
    for (key, (value, _)) in entries {
        let name = [BAGGAGE, key.as_str()].concat();
        let value = encode(value.as_str(), RESERVED).into_owned();
        let Some(left) = budget.checked_sub(name.len() + value.len()) else { continue };
        budget = left;
        write::set_named(headers, &name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use opentelemetry::{KeyValue, SpanId};
    use proptest::prelude::*;

    const T: &str = "c1939db8c60c544a34f9eb4c073b28e7";
    const S: &str = "895fe9a5c7b7341c";

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn extract(pairs: &[(&str, &str)]) -> Context {
        Jaeger::new().extract(&headers(pairs), &Context::new())
    }

    fn inject(context: &Context) -> HeaderMap {
        let mut headers = HeaderMap::new();
        Jaeger::new().inject(context, &mut headers);
        headers
    }

    #[test]
    fn of_keys_that_differ_in_case_the_same_one_is_always_sent() {
        for _ in 0..50 {
            let entries = [KeyValue::new("Tenant", "1"), KeyValue::new("tenant", "2")];
            let sent = inject(&Context::new().with_baggage(entries));
            assert_eq!(sent["uberctx-tenant"], "2");
        }
    }

    fn child(context: &Context, sampled: bool) -> Context {
        context.with_remote_span_context(SpanContext::new(
            context.span().span_context().trace_id(),
            SpanId::from_bytes([1; 8]),
            TraceFlags::default().with_sampled(sampled),
            false,
            TraceState::NONE,
        ))
    }

    #[test]
    fn values_are_read_and_sent_in_full() {
        for (value, expected) in [
            (format!("{T}:{S}:0:0"), format!("{T}:{S}:0:00")),
            (format!("{T}:{S}:0:1"), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}:0:01"), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}:d66a89f1aacd8aa5:03"), format!("{T}:{S}:0:03")),
            (format!("{T}:{S}:0:2"), format!("{T}:{S}:0:00")),
            (format!("{T}:{S}:0:0a"), format!("{T}:{S}:0:08")),
            (format!("{T}:{S}:0:b"), format!("{T}:{S}:0:0b")),
            (format!("{T}:{S}:0:0f"), format!("{T}:{S}:0:0b")),
            (format!("{T}:{S}:0:8"), format!("{T}:{S}:0:08")),
            (format!("{T}%3A{S}%3A0%3A1"), format!("{T}:{S}:0:01")),
            (format!("{T}%3a{S}%3a0%3a1"), format!("{T}:{S}:0:01")),
            (format!("{}:{S}:0:1", T.to_uppercase()), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}::1"), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}:x:1"), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}:{T}{T}:1"), format!("{T}:{S}:0:01")),
            (format!("{T}:{S}:-1:0"), format!("{T}:{S}:0:00")),
            ("abc:d:0:1".into(), format!("{:0>32}:{:0>16}:0:01", "abc", "d")),
        ] {
            let sent = inject(&extract(&[("uber-trace-id", &value)]));
            assert_eq!(sent, headers(&[("uber-trace-id", &expected)]), "{value:?}");
        }
    }

    #[test]
    fn malformed_values_leave_the_context_alone() {
        for value in [
            String::new(),
            ":::".into(),
            T.into(),
            format!("{T}:{S}:0"),
            format!("{T}:{S}:0:"),
            format!("{T}:{S}:0:001"),
            format!("{T}:{S}:0:g"),
            format!("{T}:{S}:0:+1"),
            format!("{T}:{S}:0:1:1"),
            format!("0{T}:{S}:0:1"),
            format!("{T}:0{S}:0:1"),
            format!("+{}:{S}:0:1", &T[1..]),
            format!("0:{S}:0:1"),
            format!("{T}:0:0:1"),
            format!("{T}:{S}:0:1{}", " ".repeat(MAX_LEN)) + "x",
        ] {
            assert!(!extract(&[("uber-trace-id", &value)]).has_active_span(), "{value:?}");
        }
    }

    #[test]
    fn debug_alone_neither_samples_nor_forces() {
        let context = extract(&[("uber-trace-id", &format!("{T}:{S}:0:02"))]);
        assert!(context.span().span_context().is_valid());
        assert!(!context.span().span_context().is_sampled());
        assert_eq!(context.get::<SamplingHint>(), None);
    }

    #[test]
    fn debug_and_firehose_survive_the_sampler_and_stay_with_their_trace() {
        let context = extract(&[("uber-trace-id", &format!("{T}:{S}:0:b"))]);
        assert_eq!(context.get(), Some(&SamplingHint::Debug));
        assert_eq!(context.span().span_context().trace_flags(), TraceFlags::SAMPLED);
        for sampled in [true, false] {
            let expected = format!("{T}:0101010101010101:0:0b");
            assert_eq!(inject(&child(&context, sampled))["uber-trace-id"], expected);
        }
        let other = remote_span([7; 16], [7; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
        let sent = inject(&context.with_remote_span_context(other));
        assert!(sent["uber-trace-id"].to_str().unwrap().ends_with(":01"));
    }

    #[test]
    fn baggage_is_baggage() {
        let value = format!("{T}:{S}:0:01");
        let context = extract(&[
            ("uber-trace-id", &value),
            ("uberctx-user", "Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
            ("Uberctx-key1", "a=b,c"),
            ("uberctx-plus", "a+b"),
        ]);
        assert_eq!(context.baggage().get("user").unwrap().as_str(), "Ada L, été 100%");
        assert_eq!(context.baggage().get("key1").unwrap().as_str(), "a=b,c");
        assert_eq!(context.baggage().get("plus").unwrap().as_str(), "a+b");
        assert_eq!(context.baggage().len(), 3);
        assert_eq!(context.span().span_context().trace_state(), &TraceState::NONE);
        let expected = headers(&[
            ("uber-trace-id", &value),
            ("uberctx-user", "Ada%20L%2C%20%C3%A9t%C3%A9%20100%25"),
            ("uberctx-key1", "a%3Db%2Cc"),
            ("uberctx-plus", "a%2Bb"),
        ]);
        assert_eq!(inject(&context), expected);
    }

    #[test]
    fn baggage_needs_no_trace_and_adds_to_what_is_there() {
        let parent =
            Context::new().with_baggage([KeyValue::new("a", "1"), KeyValue::new("b", "1")]);
        let incoming = headers(&[("uberctx-b", "2"), ("uberctx-c", "3")]);
        let context = Jaeger::new().extract(&incoming, &parent);
        let expected = headers(&[("uberctx-a", "1"), ("uberctx-b", "2"), ("uberctx-c", "3")]);
        assert_eq!(inject(&context), expected);
        assert_eq!(inject(&Jaeger::new().extract(&HeaderMap::new(), &parent)).len(), 2);
    }

    #[test]
    fn baggage_is_held_to_the_limits() {
        let names: Vec<_> = (0..70).map(|i| format!("uberctx-k{i}")).collect();
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(extract(&pairs).baggage().len(), 64);
        let long = "x".repeat(MAX_BAGGAGE);
        assert_eq!(extract(&[("uberctx-a", &long), ("uberctx-b", "1")]).baggage().len(), 1);
        // Three bytes on the wire for each of these.
        let spaces = Context::new().with_baggage([KeyValue::new("a", " ".repeat(4000))]);
        assert!(inject(&spaces).is_empty());
    }

    proptest! {
        #[test]
        fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&value);
        }

        #[test]
        fn what_is_sent_on_is_stable(
            value in "[0-9a-fA-F]{1,33}(:|%3[aA])[0-9a-f]{1,17}:[0-9a-f]{1,16}:[0-9a-f]{1,2}",
            baggage in "[ -~]{0,20}",
        ) {
            let sent = inject(&extract(&[("uber-trace-id", &value), ("uberctx-k", &baggage)]));
            let context = Jaeger::new().extract(&sent, &Context::new());
            prop_assert_eq!(inject(&context), sent);
        }
    }
}
