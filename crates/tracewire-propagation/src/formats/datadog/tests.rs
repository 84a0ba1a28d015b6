use super::*;
use http::HeaderValue;
use opentelemetry::{SpanId, TraceId};
use proptest::prelude::*;

const TRACE: (&str, &str) = ("x-datadog-trace-id", "2860401407279412605");
const PARENT: (&str, &str) = ("x-datadog-parent-id", "15795710991645304232");
const TAGS: (&str, &str) = ("x-datadog-tags", "_dd.p.dm=-0,_dd.p.tid=6b00b29a00000000");

fn priority(value: &'static str) -> (&'static str, &'static str) {
    ("x-datadog-sampling-priority", value)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn extract(pairs: &[(&'static str, &str)]) -> Context {
    Datadog::new().extract(&headers(pairs), &Context::new())
}

fn inject(context: &Context) -> HeaderMap {
    let mut headers = headers(&[("x-datadog-origin", "stale"), ("x-datadog-tags", "stale")]);
    Datadog::new().inject(context, &mut headers);
    if !context.span().span_context().is_valid() {
        headers.clear();
    }
    headers
}

/// A span of this service's own, sampled or not.
fn child(context: &Context, sampled: bool) -> Context {
    let parent = context.span().span_context().clone();
    context.with_remote_span_context(SpanContext::new(
        parent.trace_id(),
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, 7]),
        TraceFlags::default().with_sampled(sampled),
        false,
        parent.trace_state().clone(),
    ))
}

#[test]
fn a_trace_is_sent_on_whole() {
    let context = extract(&[TRACE, PARENT, priority("1"), TAGS, ("x-datadog-origin", "rum")]);
    let span = context.span().span_context().clone();
    assert_eq!(span.trace_id().to_string(), "6b00b29a0000000027b22fecc3eab57d");
    assert_eq!(span.span_id().to_string(), "db35a37527c065a8");
    assert!(span.is_sampled() && span.is_remote());
    let tags = "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-0";
    let expected =
        [TRACE, PARENT, priority("1"), ("x-datadog-tags", tags), ("x-datadog-origin", "rum")];
    assert_eq!(inject(&context), headers(&expected));

    let context = extract(&[TRACE, PARENT, priority("0")]);
    assert_eq!(inject(&context), headers(&[TRACE, PARENT, priority("0")]));
}

#[test]
fn the_priority_a_person_chose_survives_a_decision_that_agrees() {
    for (received, sampled, sent) in [
        ("2", true, "2"),
        ("2", false, "0"),
        ("1", true, "1"),
        ("1", false, "0"),
        ("0", true, "1"),
        ("0", false, "0"),
        ("-1", true, "1"),
        ("-1", false, "-1"),
        ("3", true, "3"),
        ("3", false, "0"),
        ("-2", true, "1"),
        ("-2", false, "-2"),
    ] {
        let context = extract(&[TRACE, PARENT, priority(received)]);
        assert_eq!(context.span().span_context().is_sampled(), "123".contains(received));
        let sent_headers = inject(&child(&context, sampled));
        let expected = headers(&[TRACE, ("x-datadog-parent-id", "7"), priority(sent)]);
        assert_eq!(sent_headers, expected, "{received} {sampled}");
    }
}

#[test]
fn a_missing_priority_is_decided_here() {
    let context = extract(&[TRACE, PARENT]);
    assert_eq!(context.get(), Some(&SamplingHint::Deferred));
    assert_eq!(inject(&context), headers(&[TRACE, PARENT]));
    assert_eq!(inject(&child(&context, false))["x-datadog-sampling-priority"], "0");
    assert_eq!(inject(&child(&context, true))["x-datadog-sampling-priority"], "1");
}

#[test]
fn malformed_headers_leave_the_context_alone() {
    for (trace_id, parent_id, priority) in [
        ("0", "1", "1"),
        ("", "1", "1"),
        ("-1", "1", "1"),
        ("+1", "1", "1"),
        ("1a", "1", "1"),
        ("18446744073709551616", "1", "1"),
        ("1,1", "1", "1"),
        ("1", "", "1"),
        ("1", "x", "1"),
        ("1", "1", "x"),
        ("1", "1", "1.5"),
        ("1", "1", "99999999999"),
        ("1", "1", ""),
    ] {
        let context = extract(&[
            ("x-datadog-trace-id", trace_id),
            ("x-datadog-parent-id", parent_id),
            ("x-datadog-sampling-priority", priority),
        ]);
        assert!(!context.has_active_span(), "{trace_id} {parent_id} {priority}");
        assert!(inject(&context).is_empty());
    }
    assert!(!extract(&[TRACE]).has_active_span());
    assert!(!extract(&[PARENT, TAGS]).has_active_span());
}

#[test]
fn a_parent_id_of_zero_continues_the_trace_as_its_root() {
    let zero = ("x-datadog-parent-id", "0");
    let all = [TRACE, zero, priority("1"), TAGS, ("x-datadog-origin", "synthetics")];
    let context = extract(&all);
    let span = context.span().span_context().clone();
    assert_eq!(span.trace_id().to_string(), "6b00b29a0000000027b22fecc3eab57d");
    assert!(span.is_valid() && span.is_sampled() && span.is_remote());
    let tags = "_dd.p.tid=6b00b29a00000000,_dd.p.dm=-0";
    let (tags, origin) = (("x-datadog-tags", tags), ("x-datadog-origin", "synthetics"));
    assert_eq!(inject(&context), headers(&[TRACE, zero, priority("1"), tags, origin]));
    let own = ("x-datadog-parent-id", "7");
    let sent = inject(&child(&context, true));
    assert_eq!(sent, headers(&[TRACE, own, priority("1"), tags, origin]));

    let context = extract(&[TRACE, zero, priority("0")]);
    assert!(!context.span().span_context().is_sampled());
    assert_eq!(inject(&context), headers(&[TRACE, zero, priority("0")]));
    assert!(!extract(&[("x-datadog-trace-id", "0"), zero]).has_active_span());
}

#[test]
fn long_values_are_not_read() {
    let zeros = "0".repeat(400_000);
    let long = [zeros.clone() + "1", "1".repeat(400_000), " ".repeat(400_000) + "1"];
    for value in &long {
        assert!(!extract(&[("x-datadog-trace-id", value), PARENT]).has_active_span());
        assert!(!extract(&[TRACE, ("x-datadog-parent-id", value)]).has_active_span());
        let priority = ("x-datadog-sampling-priority", value.as_str());
        assert!(!extract(&[TRACE, PARENT, priority]).has_active_span());
    }
    let context = extract(&[("x-datadog-trace-id", &zeros[..20]), PARENT]);
    assert!(!context.has_active_span());
    assert_eq!(kept::<Extras>(&context, TraceId::INVALID), None);
    let padded = format!("{}7", &zeros[..30]);
    let context = extract(&[("x-datadog-trace-id", &padded), PARENT]);
    assert_eq!(context.span().span_context().trace_id(), 7.into());
}

#[test]
fn malformed_tags_leave_the_trace_alone() {
    let tags = ("x-datadog-tags", "_dd.p.tid=zzz,_dd.p.dm=-1");
    let context = extract(&[TRACE, PARENT, priority("1"), tags]);
    let expected = [TRACE, PARENT, priority("1"), ("x-datadog-tags", "_dd.p.dm=-1")];
    assert_eq!(inject(&context), headers(&expected));
    let long = format!("_dd.p.a={}", "x".repeat(512));
    let context = extract(&[TRACE, PARENT, priority("1"), ("x-datadog-tags", &long)]);
    assert_eq!(inject(&context), headers(&[TRACE, PARENT, priority("1")]));
    let long = "x".repeat(129);
    let context = extract(&[TRACE, PARENT, priority("1"), ("x-datadog-origin", &long)]);
    assert_eq!(inject(&context), headers(&[TRACE, PARENT, priority("1")]));
}

#[test]
fn extras_stay_with_their_trace() {
    let context = extract(&[TRACE, PARENT, priority("2"), TAGS, ("x-datadog-origin", "rum")]);
    let id = 5_u128.to_be_bytes();
    let other = remote_span(id, [7; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
    let sent = inject(&context.with_remote_span_context(other));
    let expected = headers(&[
        ("x-datadog-trace-id", "5"),
        ("x-datadog-parent-id", "506381209866536711"),
        priority("1"),
    ]);
    assert_eq!(sent, expected);
}

#[test]
fn the_member_of_tracestate_speaks_for_a_trace_in_w3c_s_headers() {
    let state = "p:db35a37527c065a8;s:2;o:rum;t.dm:-4;t.tid:6b00b29a00000000";
    let state = TraceState::from_key_value([("dd", state), ("ot", "th:0")]).unwrap();
    let id = 0x6b00_b29a_0000_0000_27b2_2fec_c3ea_b57d_u128.to_be_bytes();
    for (flags, sent_priority, dm) in
        [(TraceFlags::SAMPLED, "2", ",_dd.p.dm=-4"), (TraceFlags::NOT_SAMPLED, "0", "")]
    {
        let span = remote_span(id, [0, 0, 0, 0, 0, 0, 0, 7], flags, state.clone()).unwrap();
        let sent = inject(&Context::new().with_remote_span_context(span));
        let tags = format!("_dd.p.tid=6b00b29a00000000{dm}");
        let expected = headers(&[
            TRACE,
            ("x-datadog-parent-id", "7"),
            priority(sent_priority),
            ("x-datadog-origin", "rum"),
            ("x-datadog-tags", &tags),
        ]);
        assert_eq!(sent, expected);
    }
}

#[test]
fn decimals_are_written_in_full() {
    for number in [0, 7, 10, 12345, u64::MAX] {
        assert_eq!(decimal::write(number, &mut [0; 20]), number.to_string().as_bytes());
    }
}

proptest! {
    #[test]
    fn no_value_panics(values in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..40), 5,
    )) {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|at| values[at].as_slice());
        let received = |trace_id, parent_id, priority| {
            Received { trace_id, parent_id, priority, origin: Some(d), tags: Some(e) }
        };
        received(a, Some(b), Some(c)).into_context(&Context::new());
        received(b"1", Some(b"1"), None).into_context(&Context::new());
    }

    #[test]
    fn what_is_sent_on_is_stable(
        trace in 1u64.., span in 1u64.., state in "(-1|0|1|2)?", tags in "(_dd\\.p\\.[a-c]=[a-z]{1,3},){0,3}(_dd\\.p\\.tid=[0-9a-f]{16})?", origin in "[a-z]{0,5}",
    ) {
        let (trace, span) = (trace.to_string(), span.to_string());
        let mut pairs = vec![
            ("x-datadog-trace-id", trace.as_str()),
            ("x-datadog-parent-id", &span),
            ("x-datadog-tags", &tags),
            ("x-datadog-origin", &origin),
        ];
        if !state.is_empty() {
            pairs.push(("x-datadog-sampling-priority", &state));
        }
        let sent = inject(&extract(&pairs));
        prop_assert_eq!(&sent["x-datadog-trace-id"], trace.as_str());
        prop_assert_eq!(&sent["x-datadog-parent-id"], span.as_str());
        let again = Datadog::new().extract(&sent, &Context::new());
        prop_assert_eq!(inject(&again), sent);
    }
}
