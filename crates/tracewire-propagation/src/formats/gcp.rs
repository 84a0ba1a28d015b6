//! Google Cloud: `X-Cloud-Trace-Context`.

use crate::{
    propagator::Propagator,
    sampling_hint::SamplingHint,
    tools::{
        decimal,
        malformed::Malformed,
        read::first,
        remote::{
            given_trace_id, is_undecided, remote_span, with_given_trace_id, with_remote_span,
        },
        write,
    },
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use tracewire_text::hex;

/// Google Cloud: the header `X-Cloud-Trace-Context`.
///
/// The value is `TRACE_ID/SPAN_ID;o=OPTIONS`: 32 hexadecimal digits, a decimal number, and a decimal
/// number whose lowest bit says whether the caller sampled. Without options the decision is left to
/// this service ([`SamplingHint::Deferred`]).
///
/// Without a span id, or with 0, the trace goes on under that trace id: the next span is its root, and
/// this service's sampler decides about it unless the header has a decision. Such a header never
/// overrules a caller's span that another format found. Without a span of this service, it is sent on.
///
/// Google's front ends also send W3C's `traceparent`, which wins where both are read. Follows Google
/// Cloud Trace's "Trace context" documentation.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{GoogleCloud, Propagator};
///
/// let value = "105445aa7843bc8bf206b12000100000/81237123;o=1";
/// let mut headers = HeaderMap::new();
/// headers.insert("x-cloud-trace-context", HeaderValue::from_static(value));
/// let context = GoogleCloud::new().extract(&headers, &Context::new());
/// assert_eq!(context.span().span_context().span_id(), 81_237_123.into());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GoogleCloud(());

impl GoogleCloud {
    /// Creates the format.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for GoogleCloud {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        extract(headers, parent).unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        let span_context = span.span_context();
        if span_context.is_valid() || given_trace_id(span_context).is_some() {
            let (value, len) = header_value(context, span_context);
            write::set(headers, HEADER, &value[..len]);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-cloud-trace-context")];
static HEADER: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("x-cloud-trace-context");

/// Digits of the options that are read. One is defined.
const MAX_OPTIONS: usize = 3;

fn extract(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    let value = first(headers, HEADER)?;
    let Some(Fields { trace_id, span_id, sampled }) = parse(value) else {
        MALFORMED.warn();
        return None;
    };
    let flags = TraceFlags::default().with_sampled(sampled != Some(false));
    if span_id == 0 {
        let asked = |sampled| if sampled { SamplingHint::On } else { SamplingHint::Off };
        return with_given_trace_id(parent, trace_id, flags, sampled.map(asked));
    }
    let hint = sampled.is_none().then_some(SamplingHint::Deferred);
    let span = remote_span(trace_id, span_id.to_be_bytes(), flags, TraceState::NONE)?;
    Some(with_remote_span(parent, span, hint))
}

#[derive(Debug, PartialEq)]
struct Fields {
    trace_id: [u8; 16],
    /// 0 is none.
    span_id: u64,
    /// `None` asks this service to decide.
    sampled: Option<bool>,
}

/// Reads `TRACE_ID[/SPAN_ID][;o=OPTIONS]`.
fn parse(value: &[u8]) -> Option<Fields> {
    let (trace_id, rest) = value.split_at_checked(32)?;
    let trace_id = hex::decode(hex::Case::Any, trace_id).filter(|id| *id != [0; 16])?;
    let (ids, options) = match rest.iter().position(|&byte| byte == b';') {
        Some(semicolon) => (&rest[..semicolon], Some(&rest[semicolon + 1..])),
        None => (rest, None),
    };
    let span_id = match ids {
        [] => 0,
        [b'/', id @ ..] => decimal::read(id)?,
        _ => return None,
    };
    let sampled = match options {
        None => None,
        Some([b'o', b'=', options @ ..]) if options.len() <= MAX_OPTIONS => {
            Some(decimal::read(options)? & 1 != 0)
        }
        Some(_) => return None,
    };
    Some(Fields { trace_id, span_id, sampled })
}

/// The longest value: both ids, and one digit of options.
const LONGEST: usize = 32 + 1 + 20 + 4;

/// Returns the header, and how long it is.
fn header_value(context: &Context, span_context: &SpanContext) -> ([u8; LONGEST], usize) {
    let mut value = [0; LONGEST];
    hex::encode(&span_context.trace_id().to_bytes(), &mut value[..32]);
    let mut len = 32;
    let mut add = |text: &[u8]| {
        value[len..len + text.len()].copy_from_slice(text);
        len += text.len();
    };
    if span_context.is_valid() {
        let span_id = u64::from_be_bytes(span_context.span_id().to_bytes());
        add(b"/");
        add(decimal::write(span_id, &mut [0; 20]));
    }
    match sampled(context, span_context) {
        Some(true) => add(b";o=1"),
        Some(false) => add(b";o=0"),
        None => {}
    }
    (value, len)
}

/// Whether to send that the trace is sampled; `None` leaves the decision to the next service.
fn sampled(context: &Context, span_context: &SpanContext) -> Option<bool> {
    if span_context.is_valid() {
        return (!is_undecided(context, span_context)).then_some(span_context.is_sampled());
    }
    match context.get() {
        Some(SamplingHint::On) => Some(true),
        Some(SamplingHint::Off) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use opentelemetry::SpanId;
    use proptest::prelude::*;

    const TRACE: &str = "105445aa7843bc8bf206b12000100000";

    fn extract(value: &str) -> Context {
        let mut headers = HeaderMap::new();
        headers.insert("x-cloud-trace-context", HeaderValue::from_str(value).unwrap());
        GoogleCloud::new().extract(&headers, &Context::new())
    }

    fn inject(context: &Context) -> Option<String> {
        let mut headers = HeaderMap::new();
        GoogleCloud::new().inject(context, &mut headers);
        assert!(headers.len() <= 1);
        headers.get("x-cloud-trace-context").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_read_is_sent_on_in_one_form() {
        for (value, expected) in [
            (format!("{TRACE}/81237123;o=1"), format!("{TRACE}/81237123;o=1")),
            (format!("{TRACE}/81237123;o=0"), format!("{TRACE}/81237123;o=0")),
            (format!("{TRACE}/81237123;o=3"), format!("{TRACE}/81237123;o=1")),
            (format!("{TRACE}/81237123;o=2"), format!("{TRACE}/81237123;o=0")),
            (format!("{TRACE}/81237123"), format!("{TRACE}/81237123")),
            (format!(" {}/007;o=1\t", TRACE.to_uppercase()), format!("{TRACE}/7;o=1")),
            (format!("{TRACE}/{};o=1", u64::MAX), format!("{TRACE}/{};o=1", u64::MAX)),
            (format!("{TRACE}/0;o=1"), format!("{TRACE};o=1")),
            (format!("{TRACE}/0;o=0"), format!("{TRACE};o=0")),
            (format!("{TRACE};o=1"), format!("{TRACE};o=1")),
            (format!("{TRACE}/0"), TRACE.to_owned()),
            (TRACE.to_owned(), TRACE.to_owned()),
        ] {
            assert_eq!(inject(&extract(&value)), Some(expected), "{value:?}");
        }
    }

    #[test]
    fn malformed_headers_leave_the_context_alone() {
        for value in [
            String::new(),
            "1".into(),
            TRACE[1..].into(),
            format!("{TRACE}0/1;o=1"),
            format!("{}/1;o=1", "0".repeat(32)),
            format!("{}/1;o=1", TRACE.replace('a', "g")),
            format!("{TRACE}/"),
            format!("{TRACE}/;o=1"),
            format!("{TRACE}/-1;o=1"),
            format!("{TRACE}/+1;o=1"),
            format!("{TRACE}/1a;o=1"),
            format!("{TRACE}/18446744073709551616;o=1"),
            format!("{TRACE}/{};o=1", "0".repeat(100)),
            format!("{TRACE}/1;"),
            format!("{TRACE}/1;o="),
            format!("{TRACE}/1;o=x"),
            format!("{TRACE}/1;o=0001"),
            format!("{TRACE}/1;p=1"),
            format!("{TRACE}/1;o=1;o=1"),
            format!("{TRACE}/1 ;o=1"),
        ] {
            let context = extract(&value);
            assert!(!context.has_active_span(), "{value:?}");
            assert_eq!(inject(&context), None);
        }
    }

    #[test]
    fn a_trace_id_alone_begins_the_trace_here() {
        let context = extract(&format!("{TRACE}/0;o=1"));
        assert_eq!(context.get(), Some(&SamplingHint::On));
        let span = context.span().span_context().clone();
        assert_eq!(
            (span.trace_id().to_string().as_str(), span.span_id()),
            (TRACE, SpanId::INVALID)
        );
        assert_eq!(extract(&format!("{TRACE};o=0")).get(), Some(&SamplingHint::Off));
        assert_eq!(extract(TRACE).get::<SamplingHint>(), None);
    }

    #[test]
    fn a_missing_decision_is_made_here() {
        let context = extract(&format!("{TRACE}/7"));
        assert_eq!(context.get(), Some(&SamplingHint::Deferred));
        let trace_id = context.span().span_context().trace_id();
        for (flags, expected) in [(TraceFlags::SAMPLED, "1"), (TraceFlags::NOT_SAMPLED, "0")] {
            let own = SpanContext::new(trace_id, 1.into(), flags, false, TraceState::NONE);
            let sent = inject(&context.with_remote_span_context(own));
            assert_eq!(sent, Some(format!("{TRACE}/1;o={expected}")));
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..100)) {
            parse(&value);
        }

        #[test]
        fn every_span_comes_back(trace_id in 1u128.., span_id in 1u64.., sampled: bool) {
            let flags = TraceFlags::default().with_sampled(sampled);
            let span =
                SpanContext::new(trace_id.into(), span_id.into(), flags, true, TraceState::NONE);
            let sent = inject(&Context::new().with_remote_span_context(span.clone())).unwrap();
            let again = extract(&sent);
            let again = again.span();
            prop_assert_eq!(again.span_context(), &span);
        }

        #[test]
        fn what_is_sent_on_is_stable(value in "[0-9a-f]{31,33}(/[0-9]{0,21})?(;o=[0-9]{0,4})?") {
            if let Some(sent) = inject(&extract(&value)) {
                prop_assert!(sent.len() <= LONGEST);
                prop_assert_eq!(inject(&extract(&sent)), Some(sent));
            }
        }
    }
}
