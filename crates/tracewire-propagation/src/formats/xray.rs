//! AWS X-Ray: `X-Amzn-Trace-Id`.

use crate::{
    propagator::Propagator,
    sampling_hint::SamplingHint,
    tools::{
        kept::{keep, kept},
        malformed::Malformed,
        read::{first, trim_ows},
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

/// AWS X-Ray: the header `X-Amzn-Trace-Id`.
///
/// The fields `Root`, `Parent` and `Sampled` are read in any order; `Lineage` travels on, other
/// fields, such as the `Self` of load balancers, are ignored. `Sampled=?`, or none, leaves the
/// decision to this service ([`SamplingHint::Deferred`]).
///
/// Load balancers send a `Root` without a `Parent`. The trace then goes on under that id: the next
/// span is its root, and this service's sampler decides about it unless the header has a decision.
/// Such a header never overrules a caller's span that another format found. Without a span of this
/// service, it is sent on as it came.
///
/// The time in a `Root` is not checked, and ids of other services carry none.
///
/// Follows AWS's "Tracing header" documentation.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Propagator, XRay};
///
/// let value = "Root=1-06e932ff-4a3517b8a2d3b2db74b19fa0;Parent=dcb066d5b482b5b5;Sampled=1";
/// let mut headers = HeaderMap::new();
/// headers.insert("x-amzn-trace-id", HeaderValue::from_static(value));
/// let context = XRay::new().extract(&headers, &Context::new());
/// assert!(context.span().span_context().is_sampled());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct XRay(());

impl XRay {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for XRay {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        extract(headers, parent).unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let span = context.span();
        let span_context = span.span_context();
        let mut value = header_value(span_context, sampled(context, span_context));
        let value = if span_context.is_valid() {
            &value[..]
        } else if given_trace_id(span_context).is_some() {
            without_parent(&mut value, context)
        } else {
            return;
        };
        match kept(context, span_context.trace_id()) {
            None => write::set(headers, HEADER, value),
            Some(Lineage(lineage)) => {
                let value = [value, &b";Lineage="[..], lineage.as_bytes()].concat();
                write::set(headers, HEADER, &value);
            }
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-amzn-trace-id")];
static HEADER: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("x-amzn-trace-id");

/// Bytes of a header that are read; a longer one is malformed.
const MAX_LEN: usize = 1024;
/// Bytes of a `Lineage` that is sent on; a longer one is not.
const MAX_LINEAGE: usize = 256;

/// Where AWS's services keep count of their loops.
struct Lineage(String);

fn extract(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    let value = first(headers, HEADER)?;
    let Some(fields) = parse(value) else {
        MALFORMED.warn();
        return None;
    };
    let flags = TraceFlags::default().with_sampled(fields.sampled != Some(false));
    let context = match fields.span_id {
        Some(span_id) => {
            let hint = fields.sampled.is_none().then_some(SamplingHint::Deferred);
            let span = remote_span(fields.trace_id, span_id, flags, TraceState::NONE)?;
            with_remote_span(parent, span, hint)
        }
        None => {
            let asked = |sampled| if sampled { SamplingHint::On } else { SamplingHint::Off };
            with_given_trace_id(parent, fields.trace_id, flags, fields.sampled.map(asked))?
        }
    };
    let trace_id = context.span().span_context().trace_id();
    Some(match fields.lineage {
        Some(lineage) => keep(&context, trace_id, Lineage(lineage.to_owned())),
        None => context,
    })
}

#[derive(Debug, PartialEq)]
struct Fields<'a> {
    trace_id: [u8; 16],
    span_id: Option<[u8; 8]>,
    /// `None` asks this service to decide.
    sampled: Option<bool>,
    lineage: Option<&'a str>,
}

/// Reads `key=value` fields with `;` between them. Of a field that is there twice the first counts.
fn parse(value: &[u8]) -> Option<Fields<'_>> {
    if value.len() > MAX_LEN {
        return None;
    }
    let (mut root, mut parent, mut sampled, mut lineage) = (None, None, None, None);
    for field in value.split(|&byte| byte == b';') {
        let field = trim_ows(field);
        let Some(equals) = field.iter().position(|&byte| byte == b'=') else { continue };
        let (key, value) = (trim_ows(&field[..equals]), trim_ows(&field[equals + 1..]));
        let slot = match key {
            b"Root" => &mut root,
            b"Parent" => &mut parent,
            b"Sampled" => &mut sampled,
            b"Lineage" => &mut lineage,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    Some(Fields {
        trace_id: trace_id(root?)?,
        span_id: match parent {
            None => None,
            Some(id) => Some(hex::decode(hex::Case::Any, id).filter(|&id| id != [0; 8])?),
        },
        sampled: match sampled {
            None | Some(b"?") => None,
            Some(b"0") => Some(false),
            Some(b"1") => Some(true),
            Some(_) => return None,
        },
        lineage: lineage.and_then(legal_lineage),
    })
}

/// Reads `1-{8 digits}-{24 digits}`.
fn trace_id(root: &[u8]) -> Option<[u8; 16]> {
    let [b'1', b'-', digits @ ..] = root else { return None };
    let (time, rest) = digits.split_at_checked(8)?;
    let [b'-', unique @ ..] = rest else { return None };
    let (time, unique): ([u8; 4], [u8; 12]) =
        (hex::decode(hex::Case::Any, time)?, hex::decode(hex::Case::Any, unique)?);
    let mut id = [0; 16];
    id[..4].copy_from_slice(&time);
    id[4..].copy_from_slice(&unique);
    (id != [0; 16]).then_some(id)
}

fn legal_lineage(value: &[u8]) -> Option<&str> {
    let legal = (1..=MAX_LINEAGE).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    str::from_utf8(value).ok().filter(|_| legal)
}

/// What to send in `Sampled` for the span in `context`.
fn sampled(context: &Context, span_context: &SpanContext) -> u8 {
    if is_undecided(context, span_context) {
        b'?'
    } else if span_context.is_sampled() {
        b'1'
    } else {
        b'0'
    }
}

/// The header without a parent, and with the decision that came with it, if any.
fn without_parent<'a>(value: &'a mut [u8; 74], context: &Context) -> &'a [u8] {
    let sampled: &[u8] = match context.get() {
        Some(SamplingHint::On) => b";Sampled=1",
        Some(SamplingHint::Off) => b";Sampled=0",
        _ => b"",
    };
    value[40..40 + sampled.len()].copy_from_slice(sampled);
    &value[..40 + sampled.len()]
}

fn header_value(span_context: &SpanContext, sampled: u8) -> [u8; 74] {
    let mut value = *b"Root=1-........-........................;Parent=................;Sampled=.";
    let trace_id = span_context.trace_id().to_bytes();
    hex::encode(&trace_id[..4], &mut value[7..15]);
    hex::encode(&trace_id[4..], &mut value[16..40]);
    hex::encode(&span_context.span_id().to_bytes(), &mut value[48..64]);
    value[73] = sampled;
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use opentelemetry::SpanId;
    use proptest::prelude::*;

    const ROOT: &str = "Root=1-06e932ff-4a3517b8a2d3b2db74b19fa0";
    const PARENT: &str = "Parent=dcb066d5b482b5b5";

    fn extract(value: &str) -> Context {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-trace-id", HeaderValue::from_str(value).unwrap());
        XRay::new().extract(&headers, &Context::new())
    }

    fn inject(context: &Context) -> Option<String> {
        let mut headers = HeaderMap::new();
        XRay::new().inject(context, &mut headers);
        assert!(headers.len() <= 1);
        headers.get("x-amzn-trace-id").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn fields_are_read_in_any_order_and_sent_in_one() {
        let expected = |state| format!("{ROOT};{PARENT};Sampled={state}");
        let (sampled, not) = (expected("1"), expected("0"));
        for (value, expected) in [
            (format!("{ROOT};{PARENT};Sampled=1"), sampled.clone()),
            (format!("{ROOT};{PARENT};Sampled=0"), not.clone()),
            (format!("{ROOT};{PARENT};Sampled=?"), deferred()),
            (format!("{ROOT};{PARENT}"), deferred()),
            (format!("Sampled=1;{PARENT};{ROOT}"), sampled.clone()),
            (format!("{ROOT}; {PARENT} ;\tSampled=1;"), sampled.clone()),
            (
                format!("Self=1-67891234-12456789abcdef012345678;{ROOT};{PARENT};Sampled=1"),
                sampled.clone(),
            ),
            (format!("{ROOT};{PARENT};Sampled=1;Foo=a,b=c;My.Key=1;Bar"), sampled.clone()),
            (format!("{ROOT};{PARENT};Sampled=0;Sampled=1"), not),
            (
                format!("{ROOT};{PARENT};Sampled=1;Lineage=25:a87bd80c:1"),
                format!("{sampled};Lineage=25:a87bd80c:1"),
            ),
            (format!("{ROOT};{PARENT};Sampled=1;Lineage="), sampled.clone()),
            (format!("{ROOT};{PARENT};Sampled=1;Lineage={}", "x".repeat(257)), sampled.clone()),
            (
                format!("{};{PARENT};Sampled=1", ROOT.to_uppercase().replace("ROOT", "Root")),
                sampled,
            ),
        ] {
            assert_eq!(inject(&extract(&value)), Some(expected), "{value:?}");
        }
    }

    fn deferred() -> String {
        format!("{ROOT};{PARENT};Sampled=?")
    }

    #[test]
    fn malformed_headers_leave_the_context_alone() {
        for value in [
            String::new(),
            format!("{PARENT};Sampled=1"),
            "Self=1-67891234-12456789abcdef012345678".into(),
            "Root=1-00000000-000000000000000000000000".into(),
            "Sampled=1".into(),
            format!("{};{PARENT};Sampled=1", ROOT.replace("=1-", "=2-")),
            format!("{};{PARENT};Sampled=1", ROOT.replace("=1-", "=")),
            format!("{};{PARENT};Sampled=1", ROOT.replace("06e932ff-4a", "06e932f-f4a")),
            format!("{};{PARENT};Sampled=1", ROOT.replace("06e932ff-", "06e932ff")),
            format!("{ROOT}0;{PARENT};Sampled=1"),
            format!("{};{PARENT};Sampled=1", &ROOT[..ROOT.len() - 1]),
            format!("{ROOT};{};Sampled=1", &PARENT[..PARENT.len() - 1]),
            format!("{ROOT};{PARENT}0;Sampled=1"),
            format!("{ROOT};Parent=0000000000000000;Sampled=1"),
            format!("Root=1-00000000-000000000000000000000000;{PARENT};Sampled=1"),
            format!("{ROOT};{PARENT};Sampled=2"),
            format!("{ROOT};{PARENT};Sampled="),
            format!("{ROOT};{PARENT};Sampled=1;{}", "x".repeat(MAX_LEN)),
        ] {
            let context = extract(&value);
            assert!(!context.has_active_span(), "{value:?}");
            assert_eq!(inject(&context), None);
        }
    }

    #[test]
    fn a_root_alone_begins_the_trace_under_its_id_and_is_sent_on_as_it_came() {
        let load_balancer = "Self=1-67891234-12456789abcdef012345678;";
        for (value, hint, sent) in [
            (ROOT.to_owned(), None, ROOT.to_owned()),
            (format!("{load_balancer}{ROOT}"), None, ROOT.to_owned()),
            (format!("{ROOT};Sampled=?"), None, ROOT.to_owned()),
            (format!("{ROOT};Sampled=1"), Some(SamplingHint::On), format!("{ROOT};Sampled=1")),
            (format!("{ROOT};Sampled=0"), Some(SamplingHint::Off), format!("{ROOT};Sampled=0")),
            (format!("{ROOT};Lineage=a:1"), None, format!("{ROOT};Lineage=a:1")),
        ] {
            let context = extract(&value);
            let span = context.span().span_context().clone();
            assert_eq!(span.trace_id().to_string(), "06e932ff4a3517b8a2d3b2db74b19fa0");
            assert!(!span.is_valid() && span.is_remote(), "{value:?}");
            assert_eq!(span.is_sampled(), hint != Some(SamplingHint::Off), "{value:?}");
            assert_eq!(context.get(), hint.as_ref(), "{value:?}");
            assert_eq!(inject(&context), Some(sent), "{value:?}");
        }
    }

    #[test]
    fn a_root_alone_does_not_overrule_a_callers_span() {
        let caller = remote_span([7; 16], [7; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-trace-id", HeaderValue::from_static(ROOT));
        let parent = Context::new().with_remote_span_context(caller.clone());
        let context = XRay::new().extract(&headers, &parent);
        assert_eq!(context.span().span_context(), &caller);
    }

    #[test]
    fn a_missing_decision_is_made_here() {
        let context = extract(&deferred());
        assert_eq!(context.get(), Some(&SamplingHint::Deferred));
        let trace_id = context.span().span_context().trace_id();
        for (flags, expected) in [(TraceFlags::SAMPLED, "1"), (TraceFlags::NOT_SAMPLED, "0")] {
            let id = SpanId::from_bytes([1; 8]);
            let own = SpanContext::new(trace_id, id, flags, false, TraceState::NONE);
            let sent = inject(&context.with_remote_span_context(own));
            assert_eq!(sent, Some(format!("{ROOT};Parent=0101010101010101;Sampled={expected}")));
        }
    }

    #[test]
    fn lineage_stays_with_its_trace() {
        let context = extract(&format!("{ROOT};{PARENT};Sampled=1;Lineage=a:1"));
        let other = remote_span([7; 16], [7; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
        let sent = inject(&context.with_remote_span_context(other)).unwrap();
        assert!(!sent.contains("Lineage"), "{sent}");
    }

    proptest! {
        #[test]
        fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&value);
        }

        #[test]
        fn what_is_sent_on_is_stable(
            value in "(Root=1-[0-9a-f]{8}-[0-9a-f]{24}|Parent=[0-9a-f]{16}|Sampled=[01?2]|Lineage=[a-c:0-9]{0,6}|[;= a-z]{0,4})(;(Root=1-[0-9a-f]{8}-[0-9a-f]{24}|Parent=[0-9a-f]{16}|Sampled=[01?]|Lineage=[a-c:]{0,6})){0,4}"
        ) {
            if let Some(sent) = inject(&extract(&value)) {
                prop_assert!(sent.len() <= 74 + 9 + MAX_LINEAGE);
                prop_assert_eq!(inject(&extract(&sent)), Some(sent));
            }
        }
    }
}
