//! Trace Context and Baggage together.

use super::{
    Baggage, baggage,
    w3c::{self, Caller, State},
};
use crate::{
    propagator::{Extracted, Propagator, Wanted},
    tools::{
        passed_on::PassedOn,
        read::{Single, single},
    },
};
use http::{HeaderMap, HeaderName};
use opentelemetry::{Context, trace::TraceContextExt};

/// In a message with more headers, and where one has several lines, they are looked up one by one.
const MANY: usize = 32;

/// W3C Trace Context and W3C Baggage, as nearly every service has them.
///
/// It does what [`TraceContext`](crate::TraceContext) and [`Baggage`] do one after the other, but
/// finds their three headers in one pass, which costs less than looking each of them up. It is what
/// the names `tracecontext,baggage` choose.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, baggage::BaggageExt};
/// use tracewire_propagation::{Propagator, W3c};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("baggage", HeaderValue::from_static("user=ada"));
/// let context = W3c::new().extract(&headers, &Context::new());
/// assert_eq!(context.baggage().get("user").unwrap().as_str(), "ada");
///
/// // A gateway that only passes it on.
/// let context = W3c::unread().extract(&headers, &Context::new());
/// assert!(context.baggage().is_empty());
/// let mut sent = HeaderMap::new();
/// W3c::unread().inject(&context, &mut sent);
/// assert_eq!(sent["baggage"], "user=ada");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct W3c {
    unread: bool,
}

impl W3c {
    /// Creates both formats.
    #[must_use]
    pub const fn new() -> Self {
        Self { unread: false }
    }

    /// Creates both formats, for services that only pass lists on: gateways, mostly.
    ///
    /// What the caller sent in `baggage` goes into the next request as it came, within Baggage's limit
    /// of 8192 bytes, and `tracestate` as Trace Context passes it on. Neither is filled into
    /// OpenTelemetry's types, which costs more than all else about a request. So
    /// [`BaggageExt::baggage`](opentelemetry::baggage::BaggageExt::baggage) has only what this service
    /// puts there; what it adds is sent as well, and
    /// [clearing](opentelemetry::baggage::BaggageExt::with_cleared_baggage) it clears all. Samplers and
    /// exported spans see of `tracestate` only the member `ot`, which is OpenTelemetry's own.
    #[must_use]
    pub const fn unread() -> Self {
        Self { unread: true }
    }

    fn read(self, headers: &HeaderMap, parent: &Context, wanted: Wanted) -> Extracted {
        let found = Found::among(headers);
        // A list that came before stands in a context already, and the caller's span comes on top.
        let known = match found.baggage {
            Single::One(line) if !self.unread => baggage::known::known(line, parent),
            _ => None,
        };
        let parent = known.as_ref().unwrap_or(parent);
        let state = if self.unread { State::Unread } else { State::Read };
        let lists = (&found.tracestate, state, headers);
        let Caller { mut extracted, unheld } =
            w3c::extract_found(&found.traceparent, lists, parent, wanted)
                .unwrap_or_else(|| Caller::none(parent));
        let context = extracted.context;
        extracted.context = if self.unread {
            let list = unheld.map(|list| (context.span().span_context().trace_id(), list));
            let has_baggage = !matches!(found.baggage, Single::Absent);
            let baggage = has_baggage.then(|| baggage::unread::value(headers)).flatten();
            PassedOn::keep(context, list, baggage)
        } else {
            let context = w3c::with_unheld(context, unheld);
            match found.baggage {
                Single::Absent => context,
                _ if known.is_some() => context,
                found => baggage::extract(&found, headers, &context),
            }
        };
        extracted
    }
}

impl Propagator for W3c {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        self.read(headers, parent, Wanted::default()).context
    }

    fn extract_for_span(&self, headers: &HeaderMap, parent: &Context, wanted: Wanted) -> Extracted {
        self.read(headers, parent, wanted)
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        w3c::inject(context, headers);
        Baggage::new().inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

static NAMES: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// What a message has of the three headers.
struct Found<'a> {
    traceparent: Single<'a>,
    tracestate: Single<'a>,
    baggage: Single<'a>,
}

impl<'a> Found<'a> {
    fn among(headers: &'a HeaderMap) -> Self {
        let [traceparent, tracestate, baggage] = &NAMES;
        let mut found = Self {
            traceparent: Single::Absent,
            tracestate: Single::Absent,
            baggage: Single::Absent,
        };
        if headers.len() > MANY || headers.len() > headers.keys_len() {
            found.traceparent = single(headers, traceparent);
            found.tracestate = single(headers, tracestate);
            found.baggage = single(headers, baggage);
            return found;
        }
        // Every name is there once, so values stand in the order of names, which alone are quicker to
        // look at.
        let (mut values, mut passed) = (headers.values(), 0);
        for (at, name) in headers.keys().enumerate() {
            let slot = match name.as_str().as_bytes() {
                b"traceparent" => &mut found.traceparent,
                b"tracestate" => &mut found.tracestate,
                b"baggage" => &mut found.baggage,
                _ => continue,
            };
            if let Some(value) = values.nth(at - passed) {
                *slot = Single::One(value.as_bytes());
                passed = at + 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Composite, TraceContext, carries_baggage};
    use http::HeaderValue;
    use opentelemetry::{SpanId, baggage::BaggageExt, trace::TraceContextExt};
    use proptest::prelude::*;

    fn both() -> Composite {
        Composite::new().and(TraceContext::new()).and(Baggage::new())
    }

    #[test]
    fn two_traceparents_of_one_trace_leave_their_caller_and_baggage_stays() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for w3c in [W3c::new(), W3c::unread()] {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [("traceparent", parent), ("traceparent", parent), ("baggage", "user=ada")]
            {
                headers.append(name, HeaderValue::from_static(value));
            }
            let context = w3c.extract(&headers, &Context::new());
            let caller = crate::uncontinued_caller(&context).map(|caller| caller.span_id());
            assert_eq!(caller, Some(0xb7ad_6b71_6920_3331.into()));
            assert!(carries_baggage(&context) && !context.has_active_span());
        }
    }

    /// What can be seen of a context, and what goes on from it.
    fn seen(propagator: &dyn Propagator, headers: &HeaderMap) -> (String, usize, HeaderMap) {
        let context = propagator.extract(headers, &Context::new());
        let mut sent = HeaderMap::new();
        propagator.inject(&context, &mut sent);
        (format!("{:?}", context.span().span_context()), context.baggage().len(), sent)
    }

    proptest! {
        #[test]
        fn it_does_what_both_do(
            lines in proptest::collection::vec(
                (
                    prop_oneof![
                        Just("traceparent"), Just("tracestate"), Just("baggage"), Just("accept"),
                    ],
                    prop_oneof![
                        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02"),
                        Just("00-0-0-0"),
                        Just("a=1"),
                        Just("b=2,c=%20;p"),
                        Just("0@@x=1,ot=th:c"),
                        Just("\t"),
                    ],
                ),
                0..6,
            ),
            others in prop_oneof![Just(0_usize), Just(40)],
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, HeaderValue::from_static(value));
            }
            for other in 0..others {
                let name = format!("x-{other}").parse::<HeaderName>().unwrap();
                headers.insert(name, HeaderValue::from_static("1"));
            }
            // A list that comes again is not read again.
            for _ in 0..3 {
                prop_assert_eq!(seen(&W3c::new(), &headers), seen(&both(), &headers));
            }
            // What is not read goes on all the same, as far as it can be read at all.
            let (_, entries, unread) = seen(&W3c::unread(), &headers);
            let (_, _, read) = seen(&W3c::new(), &headers);
            prop_assert_eq!(entries, 0);
            prop_assert_eq!(unread.get("traceparent"), read.get("traceparent"));
            prop_assert_eq!(unread.get("tracestate"), read.get("tracestate"));
            prop_assert!(read.get("baggage").is_none() || unread.contains_key("baggage"));
        }
    }

    fn message(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn sent(context: &Context) -> HeaderMap {
        let mut sent = HeaderMap::new();
        W3c::unread().inject(context, &mut sent);
        sent
    }

    const PARENT: (&str, &str) =
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

    #[test]
    fn a_caller_who_did_not_sample_is_passed_on_under_an_id_of_our_own() {
        let own = SpanId::from(7);
        let lists = [("tracestate", "a=1,0@@x=2,ot=th:c"), ("baggage", "b=2,a=1")];
        for propagator in [W3c::new(), W3c::unread()] {
            for (flags, is_refusal) in [("00", true), ("02", true), ("01", false), ("03", false)] {
                let parent = format!("{}{flags}", &PARENT.1[..PARENT.1.len() - 2]);
                let mut headers = message(&lists);
                headers.insert("traceparent", parent.parse().unwrap());
                let sent = |context: &Context| {
                    let mut sent = HeaderMap::new();
                    propagator.inject(context, &mut sent);
                    sent
                };
                let mut expected = sent(&propagator.extract(&headers, &Context::new()));
                let wanted = Wanted { own: Some(|| SpanId::from(7)), apart: false };
                let Extracted { context, is_hop, apart } =
                    propagator.extract_for_span(&headers, &Context::new(), wanted);
                assert!(apart.is_none());
                assert_eq!(is_hop, is_refusal, "{flags}");
                assert_eq!(context.span().span_context().is_remote(), !is_hop);
                if is_hop {
                    let hop = parent.replace("b7ad6b7169203331", &own.to_string());
                    expected.insert("traceparent", hop.parse().unwrap());
                }
                assert_eq!(sent(&context), expected, "{flags}");
            }
        }
        // Without a caller there is nobody to pass on.
        let wanted = Wanted { own: Some(|| SpanId::from(7)), apart: true };
        let none = W3c::new().extract_for_span(&message(&lists), &Context::new(), wanted);
        assert!(!none.context.has_active_span() && !none.is_hop && none.apart.is_none());
    }

    #[test]
    fn a_list_that_comes_again_is_added_to_what_is_there() {
        let headers = message(&[PARENT, ("baggage", "b=2,a=1")]);
        let current = Context::new().with_value("kept");
        for _ in 0..3 {
            for parent in [&current, &Context::new()] {
                let context = W3c::new().extract(&headers, parent);
                assert_eq!(context.get::<&str>(), parent.get::<&str>());
                assert_eq!(context.baggage().len(), 2);
                assert!(context.span().span_context().is_remote());
                assert_eq!(sent(&context)["baggage"], "b=2,a=1");
                let added = context.with_baggage([opentelemetry::KeyValue::new("c", "3")]);
                assert_eq!(sent(&added)["baggage"], "c=3");
            }
        }
    }

    #[test]
    fn lists_that_are_not_read_go_on_as_they_came() {
        let lists = [("tracestate", "a=1,ot=th:c"), ("baggage", "b=%20;p , c=2")];
        let context =
            W3c::unread().extract(&message(&[PARENT, lists[0], lists[1]]), &Context::new());
        assert!(context.baggage().is_empty() && carries_baggage(&context));
        // A sampler finds its own member.
        assert_eq!(context.span().span_context().trace_state().header(), "ot=th:c");
        let sent = sent(&context);
        assert_eq!(sent["tracestate"], "a=1,ot=th:c");
        assert_eq!(sent["baggage"], "b=%20;p , c=2");
    }

    #[test]
    fn what_the_application_says_of_baggage_counts_though_nothing_was_read() {
        let lines = [("baggage", "b=1;p,user=eve"), ("baggage", "c=2")];
        let context = W3c::unread().extract(&message(&lines), &Context::new());
        assert_eq!(sent(&context)["baggage"], "b=1;p,user=eve,c=2");
        let entry = opentelemetry::KeyValue::new("user", "ada");
        let added = context.with_baggage([entry]);
        assert_eq!(sent(&added)["baggage"], "b=1;p,c=2,user=ada");
        let cleared = context.with_cleared_baggage();
        assert!(!carries_baggage(&cleared));
        assert!(sent(&cleared).is_empty());
    }

    #[test]
    fn no_more_than_the_limit_goes_on_unread() {
        let member = "k=0123456789abcdef,";
        let mut headers = HeaderMap::new();
        for _ in 0..3 {
            let line = HeaderValue::try_from(member.repeat(300)).unwrap();
            headers.append("baggage", line);
        }
        let context = W3c::unread().extract(&headers, &Context::new());
        let sent = sent(&context);
        let sent = sent["baggage"].to_str().unwrap();
        assert!((8_000..=8_192).contains(&sent.len()));
        assert!(sent.split(',').all(|own| own.is_empty() || own == "k=0123456789abcdef"));
    }
}
