//! W3C Trace Context, level 2: `traceparent` and `tracestate`.

use super::w3c;
use crate::propagator::Propagator;
use http::{HeaderMap, HeaderName};
use opentelemetry::Context;

/// W3C Trace Context, level 2: the headers `traceparent` and `tracestate`.
///
/// Strict: a `traceparent` that is malformed or there twice starts a new trace, without
/// `tracestate`. A malformed `tracestate` is dropped whole and never takes the trace with it. The
/// random flag is carried on even where the SDK drops it, see
/// [`with_random_trace_id`](crate::with_random_trace_id).
///
/// Follows <https://www.w3.org/TR/trace-context-2/>. See [`Propagator`] for an
/// example.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::{Propagator, TraceContext};
///
/// let mut headers = HeaderMap::new();
/// let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// headers.insert("traceparent", value.parse().unwrap());
/// let context = TraceContext::default().extract(&headers, &Context::new());
/// assert!(context.span().span_context().is_sampled());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContext(());

impl TraceContext {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for TraceContext {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        w3c::extract(headers, parent).unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        w3c::inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        &w3c::NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SamplingHint, TextMap, uncontinued_caller, with_random_trace_id};
    use opentelemetry::{
        SpanId,
        trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
    };
    use proptest::prelude::*;
    use std::collections::HashMap;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    /// The headers that leave a service which did nothing but pass the context on.
    fn relay(pairs: &[(&'static str, &str)]) -> Vec<(String, String)> {
        sent(&TraceContext::new().extract(&headers(pairs), &Context::new()))
    }

    fn sent(context: &Context) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        TraceContext::new().inject(context, &mut headers);
        let mut sent: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        sent.sort();
        sent
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    /// A span of this service's own, as a sampler that cleared every flag leaves it.
    fn child(context: &Context, flags: u8) -> Context {
        let parent = context.span().span_context().clone();
        context.with_remote_span_context(SpanContext::new(
            parent.trace_id(),
            SpanId::from_bytes([1; 8]),
            TraceFlags::new(flags),
            false,
            parent.trace_state().clone(),
        ))
    }

    #[test]
    fn a_valid_context_is_passed_on() {
        let state = "dd=p:db35a37527c065a8;s:1,ot=rv:b62e74cb27bcbe;th:0";
        let both = [("traceparent", PARENT), ("tracestate", state)];
        assert_eq!(relay(&both), pairs(&both));
        assert_eq!(relay(&both[..1]), pairs(&both[..1]));
    }

    #[test]
    fn a_malformed_traceparent_takes_tracestate_with_it() {
        assert_eq!(relay(&[("traceparent", &PARENT[1..]), ("tracestate", "a=1")]), []);
        assert_eq!(relay(&[("tracestate", "a=1")]), []);
        let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        assert_eq!(relay(&[("traceparent", zero), ("tracestate", "a=1")]), []);
        let zero = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        assert_eq!(relay(&[("traceparent", zero), ("tracestate", "a=1")]), []);
    }

    #[test]
    fn two_traceparents_start_a_new_trace() {
        assert_eq!(relay(&[("traceparent", PARENT), ("traceparent", PARENT)]), []);
    }

    #[test]
    fn several_traceparents_of_one_trace_leave_the_last_caller_to_link_to() {
        let other_span = &PARENT.replace("b7ad", "1111");
        let other_trace = &PARENT.replace("0af7", "1111");
        for (values, expected) in [
            (vec![PARENT], None),
            (vec![PARENT, PARENT], Some("b7ad6b7169203331")),
            (vec![PARENT, PARENT, other_span], Some("11116b7169203331")),
            (vec![PARENT, other_trace], None),
            (vec![other_trace, PARENT, PARENT], None),
            (vec![PARENT, "malformed"], None),
            (vec!["malformed", "malformed"], None),
        ] {
            let pairs: Vec<_> = values.iter().map(|value| ("traceparent", *value)).collect();
            let context = TraceContext::new().extract(&headers(&pairs), &Context::new());
            let found = uncontinued_caller(&context).map(|span| span.span_id().to_string());
            assert_eq!(found.as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_malformed_tracestate_leaves_the_trace_alone() {
        let sent = relay(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "B=2")]);
        assert_eq!(sent, pairs(&[("traceparent", PARENT)]));
        assert_eq!(
            relay(&[("traceparent", PARENT), ("tracestate", "")]),
            pairs(&[("traceparent", PARENT)])
        );
    }

    #[test]
    fn a_list_that_opentelemetry_refuses_is_carried_beside_it() {
        let context = TraceContext::new().extract(
            &headers(&[("traceparent", PARENT), ("tracestate", "foo@@bar=1,a=2")]),
            &Context::new(),
        );
        assert_eq!(context.span().span_context().trace_state(), &TraceState::NONE);
        let expected = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-0101010101010101-01")];
        let with_list = [expected[0], ("tracestate", "foo@@bar=1,a=2")];
        assert_eq!(sent(&child(&context, 1)), pairs(&with_list));

        // A member that the service adds goes to the left and replaces an older one.
        let span = context.span().span_context().clone();
        let own = TraceState::from_key_value([("own", "x"), ("a", "3")]).unwrap();
        let (trace_id, flags) = (span.trace_id(), span.trace_flags());
        let id = SpanId::from_bytes([1; 8]);
        let changed =
            context.with_remote_span_context(SpanContext::new(trace_id, id, flags, false, own));
        let with_list = [expected[0], ("tracestate", "own=x,a=3,foo@@bar=1")];
        assert_eq!(sent(&changed), pairs(&with_list));
    }

    #[test]
    fn a_sampler_changes_its_member_of_a_list_that_opentelemetry_refuses() {
        let state = "foo@@bar=1,ot=th:c,a=2";
        let context = TraceContext::new()
            .extract(&headers(&[("traceparent", PARENT), ("tracestate", state)]), &Context::new());
        assert_eq!(context.span().span_context().trace_state().header(), "ot=th:c");
        let list = |ot: &str| {
            let span = context.span().span_context().clone();
            let own = ot.parse().unwrap();
            let (trace_id, flags) = (span.trace_id(), span.trace_flags());
            let span = SpanContext::new(trace_id, SpanId::from_bytes([1; 8]), flags, false, own);
            sent(&context.with_remote_span_context(span))[1].1.clone()
        };
        assert_eq!(list("ot=th:c"), state);
        assert_eq!(list("ot=th:8"), "ot=th:8,foo@@bar=1,a=2");
        assert_eq!(list(""), "foo@@bar=1,a=2");
    }

    #[test]
    fn illegal_members_put_there_by_the_application_are_not_sent() {
        let state = TraceState::from_key_value([("a", "1"), ("b", "x\ny"), ("c", ""), ("d", "2")]);
        let context = Context::new().with_remote_span_context(SpanContext::new(
            opentelemetry::TraceId::from_bytes([0xab; 16]),
            SpanId::from_bytes([0xcd; 8]),
            TraceFlags::SAMPLED,
            false,
            state.unwrap(),
        ));
        assert_eq!(sent(&context)[1].1, "a=1,d=2");
    }

    #[test]
    fn the_random_flag_survives_a_sampler_that_clears_it() {
        for flags in ["02", "03"] {
            let context = TraceContext::new().extract(
                &headers(&[("traceparent", &format!("{}{flags}", &PARENT[..53]))]),
                &Context::new(),
            );
            let value = format!("00-{TRACE}-0101010101010101-02");
            assert_eq!(sent(&child(&context, 0)), pairs(&[("traceparent", &value)]));
        }
        let context =
            TraceContext::new().extract(&headers(&[("traceparent", PARENT)]), &Context::new());
        let value = format!("00-{TRACE}-0101010101010101-00");
        assert_eq!(sent(&child(&context, 0)), pairs(&[("traceparent", &value)]));
    }

    #[test]
    fn a_fresh_trace_id_can_be_marked_as_random() {
        let context =
            TraceContext::new().extract(&headers(&[("traceparent", PARENT)]), &Context::new());
        let value = format!("{}03", &PARENT[..53]);
        assert_eq!(sent(&with_random_trace_id(&context)), pairs(&[("traceparent", &value)]));
    }

    #[test]
    fn only_known_flags_are_sent() {
        let context =
            TraceContext::new().extract(&headers(&[("traceparent", PARENT)]), &Context::new());
        let value = format!("00-{TRACE}-0101010101010101-03");
        assert_eq!(sent(&child(&context, 0xff)), pairs(&[("traceparent", &value)]));
    }

    #[test]
    fn headers_of_an_earlier_hop_are_replaced() {
        let context =
            TraceContext::new().extract(&headers(&[("traceparent", PARENT)]), &Context::new());
        let mut outgoing =
            headers(&[("traceparent", "old"), ("traceparent", "older"), ("tracestate", "old=1")]);
        TraceContext::new().inject(&context, &mut outgoing);
        assert_eq!(outgoing, headers(&[("traceparent", PARENT)]));
    }

    #[test]
    fn without_a_span_nothing_is_sent() {
        assert_eq!(sent(&Context::new()), []);
    }

    #[test]
    fn a_stale_hint_is_settled() {
        let parent = Context::new().with_value(SamplingHint::Deferred);
        let context = TraceContext::new().extract(&headers(&[("traceparent", PARENT)]), &parent);
        assert_eq!(context.get(), Some(&SamplingHint::Settled));
    }

    #[test]
    fn opentelemetry_carriers_hold_the_same() {
        use opentelemetry::propagation::TextMapPropagator;

        let format = TextMap::new(TraceContext::new());
        let carrier = HashMap::from([
            ("traceparent".to_owned(), PARENT.to_owned()),
            ("tracestate".to_owned(), "a=1".to_owned()),
        ]);
        let context = format.extract_with_context(&Context::new(), &carrier);
        let mut sent = HashMap::new();
        format.inject_context(&context, &mut sent);
        assert_eq!(sent, carrier);
        assert_eq!(format.fields().collect::<Vec<_>>(), ["traceparent", "tracestate"]);
    }

    proptest! {
        #[test]
        fn what_is_sent_on_is_stable(
            parent in "(00|01|cc|ff)-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f](-x)?",
            lists in proptest::collection::vec("[a-c@]{0,3}=?[0-2 ]{0,3}(,[a-c]{1,2}=[0-9]){0,3}", 0..3),
        ) {
            let mut incoming = vec![("traceparent", parent.as_str())];
            incoming.extend(lists.iter().map(|list| ("tracestate", list.as_str())));
            let first = relay(&incoming);
            let again: HeaderMap =
                first.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let second = sent(&TraceContext::new().extract(&again, &Context::new()));
            prop_assert_eq!(&second, &first);
            prop_assert_eq!(first.is_empty(), parent.starts_with("ff") || parent.starts_with("00") && parent.len() > 55);
        }
    }
}
