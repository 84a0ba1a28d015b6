use super::*;
use crate::TextMap;
use opentelemetry::SpanId;
use proptest::prelude::*;
use std::collections::HashMap;

const T: &str = "0af7651916cd43dd8448eb211c80319c";
const S: &str = "b7ad6b7169203331";
const CHILD: &str = "0101010101010101";

fn extract(pairs: &[(&'static str, &str)]) -> Context {
    extract_under(&Context::new(), pairs)
}

fn extract_under(parent: &Context, pairs: &[(&'static str, &str)]) -> Context {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    B3::single().extract(&headers, parent)
}

fn inject(format: B3, context: &Context) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for stale in ["b3", "x-b3-traceid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"] {
        headers.insert(stale, "stale".parse().unwrap());
    }
    format.inject(context, &mut headers);
    headers.retain_fresh()
}

trait RetainFresh {
    fn retain_fresh(&self) -> Vec<String>;
}

impl RetainFresh for HeaderMap {
    fn retain_fresh(&self) -> Vec<String> {
        let mut all: Vec<_> = self
            .iter()
            .filter(|(_, value)| *value != "stale")
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        all.sort();
        all
    }
}

/// A span of this service's own under what was extracted, sampled or not.
fn child(context: &Context, sampled: bool) -> Context {
    let trace_id = context.span().span_context().trace_id();
    let flags = TraceFlags::default().with_sampled(sampled);
    let id = SpanId::from_bytes([1; 8]);
    let span = SpanContext::new(trace_id, id, flags, false, TraceState::NONE);
    context.with_remote_span_context(span)
}

#[test]
fn both_forms_are_read_and_the_single_one_wins() {
    let single = format!("{T}-{S}-1");
    let multi = [("x-b3-traceid", T), ("x-b3-spanid", S), ("x-b3-sampled", "1")];
    let expected = [format!("b3: {T}-{S}-1")];
    assert_eq!(inject(B3::single(), &extract(&[("b3", &single)])), expected);
    assert_eq!(inject(B3::single(), &extract(&multi)), expected);

    let other = format!("{T}-{CHILD}-0");
    let both = [("b3", other.as_str()), multi[0], multi[1], multi[2]];
    assert_eq!(inject(B3::single(), &extract(&both)), [format!("b3: {other}")]);
    let broken = [("b3", "broken"), multi[0], multi[1], multi[2]];
    assert_eq!(inject(B3::single(), &extract(&broken)), expected);
}

#[test]
fn the_several_headers_are_written_without_leftovers() {
    let context = extract(&[("b3", &format!("{T}-{S}-1-{S}"))]);
    let expected = [
        "x-b3-sampled: 1".to_owned(),
        format!("x-b3-spanid: {CHILD}"),
        format!("x-b3-traceid: {T}"),
    ];
    let mut headers = HeaderMap::new();
    B3::multi().inject(&child(&context, true), &mut headers);
    assert_eq!(headers.retain_fresh(), expected);
    assert_eq!(inject(B3::multi(), &child(&context, true)), expected);
    let mut stale = HeaderMap::new();
    stale.insert("x-b3-parentspanid", "stale".parse().unwrap());
    stale.insert("x-b3-flags", "1".parse().unwrap());
    B3::multi().inject(&child(&context, true), &mut stale);
    assert_eq!(stale.len(), 3);
}

#[test]
fn debug_is_sampled_and_sent_on_for_its_trace_alone() {
    for headers in [
        vec![("b3", format!("{T}-{S}-d"))],
        vec![
            ("x-b3-traceid", T.to_owned()),
            ("x-b3-spanid", S.to_owned()),
            ("x-b3-flags", "1".to_owned()),
        ],
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let context = extract(&headers);
        assert!(context.span().span_context().is_sampled());
        assert_eq!(context.span().span_context().trace_flags(), TraceFlags::SAMPLED);
        assert_eq!(context.get(), Some(&SamplingHint::Debug));
        assert_eq!(inject(B3::single(), &child(&context, true)), [format!("b3: {T}-{CHILD}-d")]);
        let mut sent = HeaderMap::new();
        B3::multi().inject(&child(&context, true), &mut sent);
        let expected = [
            "x-b3-flags: 1".to_owned(),
            format!("x-b3-spanid: {CHILD}"),
            format!("x-b3-traceid: {T}"),
        ];
        assert_eq!(sent.retain_fresh(), expected);

        let other = remote_span([7; 16], [7; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
        let sent = inject(B3::single(), &context.with_remote_span_context(other));
        assert!(sent[0].ends_with("-1"), "{sent:?}");
    }
}

#[test]
fn a_missing_state_is_decided_here() {
    let context = extract(&[("b3", &format!("{T}-{S}"))]);
    assert_eq!(context.get(), Some(&SamplingHint::Deferred));
    assert!(context.span().span_context().is_sampled());
    // Passed on undecided, or as decided.
    assert_eq!(inject(B3::single(), &context), [format!("b3: {T}-{S}")]);
    assert_eq!(inject(B3::single(), &child(&context, true)), [format!("b3: {T}-{CHILD}-1")]);
    assert_eq!(inject(B3::single(), &child(&context, false)), [format!("b3: {T}-{CHILD}-0")]);
}

#[test]
fn a_lone_deny_becomes_an_unsampled_parent() {
    for header in [("b3", "0"), ("x-b3-sampled", "0"), ("x-b3-sampled", "false")] {
        let context = extract(&[header]);
        let span = context.span().span_context().clone();
        assert!(span.is_valid() && span.is_remote() && !span.is_sampled());
        assert_eq!(context.get(), Some(&SamplingHint::Off));
        assert_ne!(span.trace_id(), extract(&[header]).span().span_context().trace_id());
    }
}

#[test]
fn a_lone_accept_or_debug_is_a_hint_alone() {
    for (header, hint) in [
        (("b3", "1"), SamplingHint::On),
        (("x-b3-sampled", "1"), SamplingHint::On),
        (("b3", "d"), SamplingHint::Debug),
        (("x-b3-flags", "1"), SamplingHint::Debug),
    ] {
        let context = extract(&[header]);
        assert!(!context.span().span_context().is_valid());
        assert_eq!(context.get(), Some(&hint));
    }
    // The trace that begins here goes on as a debug trace.
    let begun = remote_span([1; 16], [2; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
    let context = extract(&[("b3", "d")]).with_remote_span_context(begun);
    assert!(inject(B3::single(), &context)[0].ends_with("-d"));
}

#[test]
fn a_lone_state_does_not_replace_a_trace() {
    let span = remote_span([1; 16], [2; 8], TraceFlags::SAMPLED, TraceState::NONE).unwrap();
    let parent = with_remote_span(&Context::new(), span.clone(), None);
    for state in ["0", "1", "d"] {
        let context = extract_under(&parent, &[("b3", state)]);
        assert_eq!(context.span().span_context(), &span);
        assert_eq!(context.get::<SamplingHint>(), None);
    }
}

#[test]
fn the_first_value_wins() {
    let joined = format!("{T},{}", "f".repeat(32));
    let headers = [
        ("x-b3-traceid", joined.as_str()),
        ("x-b3-traceid", "broken"),
        ("x-b3-spanid", S),
        ("x-b3-sampled", "1 , 0"),
    ];
    assert_eq!(inject(B3::single(), &extract(&headers)), [format!("b3: {T}-{S}-1")]);
}

#[test]
fn malformed_headers_leave_the_context_alone() {
    for headers in [
        &[("b3", "")][..],
        &[("b3", "x")],
        &[("x-b3-traceid", T)],
        &[("x-b3-spanid", S), ("x-b3-sampled", "1")],
        &[("x-b3-flags", "0")],
    ] {
        let context = extract(headers);
        assert!(!context.has_active_span());
        assert_eq!(context.get::<SamplingHint>(), None);
    }
}

#[test]
fn without_a_span_nothing_is_sent() {
    assert!(inject(B3::single(), &Context::new()).is_empty());
    assert!(inject(B3::multi(), &Context::new()).is_empty());
}

#[test]
fn opentelemetry_carriers_hold_the_same() {
    use opentelemetry::propagation::TextMapPropagator;

    let value = format!("{T}-{S}-1");
    let carrier = HashMap::from([("b3".to_owned(), value)]);
    let single = TextMap::new(B3::single());
    let context = single.extract_with_context(&Context::new(), &carrier);
    let mut sent = HashMap::new();
    single.inject_context(&context, &mut sent);
    assert_eq!(sent, carrier);
    assert_eq!(single.fields().collect::<Vec<_>>(), ["b3"]);
    let multi = TextMap::new(B3::multi());
    let names: Vec<_> = multi.fields().collect();
    assert_eq!(names, ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]);
}

proptest! {
    #[test]
    fn a_trace_is_sent_on_as_it_came(trace in 1u128.., span in 1u64.., state in "(-[01d])?") {
        let value = format!("{trace:032x}-{span:016x}{state}");
        let expected = [format!("b3: {value}")];
        prop_assert_eq!(inject(B3::single(), &extract(&[("b3", &value)])), expected);
    }

    #[test]
    fn what_is_sent_on_is_stable(
        single in "([0-9a-f]{16}){0,2}-?[0-9a-f]{16}(-[01dx](-[0-9a-f]{16})?)?|[01dx]?",
        trace in "([0-9a-f]{16}){1,2}",
        span in "[0-9a-f]{15,16}",
        sampled in "[01]|true|false|x?",
        flags in "[01x]?",
        multi: bool,
    ) {
        let mut incoming = vec![("b3", single.as_str())];
        if multi {
            incoming.extend([("x-b3-traceid", trace.as_str()), ("x-b3-spanid", &span)]);
            incoming.extend([("x-b3-sampled", sampled.as_str()), ("x-b3-flags", &flags)]);
        }
        for format in [B3::single(), B3::multi()] {
            let relay = |headers: &HeaderMap| {
                let mut sent = HeaderMap::new();
                format.inject(&format.extract(headers, &Context::new()), &mut sent);
                sent
            };
            let mut headers = HeaderMap::new();
            for (name, value) in &incoming {
                headers.append(*name, value.parse().unwrap());
            }
            let first = relay(&headers);
            prop_assert_eq!(relay(&first), first);
        }
    }
}
