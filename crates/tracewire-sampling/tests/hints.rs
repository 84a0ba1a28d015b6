//! Parents that are none, and what formats other than W3C's ask for.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    trace::{
        Link, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState,
    },
};
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, SamplingResult, ShouldSample,
};
use support::outcome;
use tracewire_propagation::{SamplingHint, untraced};
use tracewire_sampling::{
    AlwaysOff, AlwaysOn, ParentBranches, ParentThreshold, Probability, RuleBased, Sampler,
};

fn parent(flags: TraceFlags, remote: bool) -> SpanContext {
    let state = support::state("vendor=1,ot=th:0;rv:ffffffffffffff");
    SpanContext::new(TraceId::from(1), SpanId::from(1), flags, remote, state)
}

/// With and without thresholds, all that follow their parent.
fn followers(on: bool) -> [Sampler; 3] {
    let sdk = if on { SdkSampler::AlwaysOn } else { SdkSampler::AlwaysOff };
    let tree = if on {
        Sampler::new(ParentThreshold::new(AlwaysOn))
    } else {
        Sampler::new(ParentThreshold::new(AlwaysOff))
    };
    [
        Sampler::parent_based(sdk.clone()),
        Sampler::wrap(SdkSampler::ParentBased(Box::new(sdk))),
        tree,
    ]
}

fn result(sampler: &Sampler, context: &Context) -> SamplingResult {
    sampler.should_sample(Some(context), TraceId::from(1), "span", &SpanKind::Server, &[], &[])
}

fn sampled(sampler: &Sampler, context: &Context) -> bool {
    result(sampler, context).decision == SamplingDecision::RecordAndSample
}

#[test]
fn a_span_without_ids_is_no_parent() {
    let none = Context::new()
        .with_remote_span_context(SpanContext::NONE)
        .with_baggage([KeyValue::new("tenant", "a")]);
    let every = |on: bool| {
        let sdk = if on { SdkSampler::AlwaysOn } else { SdkSampler::AlwaysOff };
        let ratio = SdkSampler::TraceIdRatioBased(if on { 1.0 } else { 0.0 });
        let probability = Probability::new(if on { 1.0 } else { 0.0 }).unwrap();
        let rules = RuleBased::parse(if on { "on" } else { "off" }, "shop").unwrap();
        let mut samplers = followers(on).to_vec();
        samplers.extend([
            Sampler::wrap(sdk),
            Sampler::wrap(ratio.clone()),
            Sampler::parent_based(ratio),
            Sampler::new(probability),
            Sampler::new(ParentThreshold::new(probability)),
            Sampler::new(ParentThreshold::new(rules)),
        ]);
        samplers
    };
    for on in [true, false] {
        for sampler in every(on) {
            assert_eq!(sampled(&sampler, &none), on, "{sampler:?}");
            assert_eq!(sampled(&sampler, &Context::new()), on, "{sampler:?}");
        }
    }
}

#[test]
fn samplers_of_the_application_see_no_span_without_ids() {
    /// Keeps what has no parent and the tenant's baggage.
    #[derive(Clone, Debug)]
    struct SeesRoot;
    impl ShouldSample for SeesRoot {
        fn should_sample(
            &self,
            context: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[Link],
        ) -> SamplingResult {
            let context = context.unwrap();
            let tenant = context.baggage().get("tenant").map(|value| value.as_str());
            let keep = !context.has_active_span() && tenant == Some("a");
            let decision =
                if keep { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
            SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
        }
    }
    let tenant = Context::new().with_baggage([KeyValue::new("tenant", "a")]);
    let none = tenant.with_remote_span_context(SpanContext::NONE);
    let real = tenant.with_remote_span_context(parent(TraceFlags::SAMPLED, false));
    for sampler in [Sampler::wrap(SeesRoot), Sampler::parent_based(SeesRoot)] {
        assert!(sampled(&sampler, &none), "{sampler:?}");
    }
    assert!(!sampled(&Sampler::wrap(SeesRoot), &real));
}

#[test]
fn hints_of_a_remote_parent_decide_and_leave_no_threshold() {
    for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
        let remote = Context::new().with_remote_span_context(parent(flags, true));
        for (hint, root, expected) in [
            (SamplingHint::Deferred, true, true),
            (SamplingHint::Deferred, false, false),
            (SamplingHint::On, false, true),
            (SamplingHint::Debug, false, true),
            (SamplingHint::Off, true, false),
        ] {
            let context = remote.with_value(hint);
            for sampler in followers(root) {
                let result = result(&sampler, &context);
                let kept = result.decision == SamplingDecision::RecordAndSample;
                assert_eq!(kept, expected, "{hint:?} {flags:?} {sampler:?}");
                // Only a root decision of a sampler with thresholds gives one.
                let own = hint == SamplingHint::Deferred
                    && root
                    && format!("{sampler:?}").contains("ParentThreshold");
                let th = if own { "th:0;" } else { "" };
                let ot = format!("{th}rv:ffffffffffffff");
                assert_eq!(result.trace_state.get("ot"), Some(&*ot), "{hint:?} {sampler:?}");
                assert_eq!(result.trace_state.get("vendor"), Some("1"), "{hint:?}");
            }
        }
    }
}

#[test]
fn hints_without_ids_decide_the_new_trace() {
    let hinted = |hint| Context::new().with_value(hint);
    for (hint, on, expected) in [
        (SamplingHint::Off, true, false),
        (SamplingHint::On, false, true),
        (SamplingHint::Debug, false, true),
        (SamplingHint::Deferred, true, true),
    ] {
        for sampler in followers(on) {
            assert_eq!(sampled(&sampler, &hinted(hint)), expected, "{hint:?} {sampler:?}");
        }
    }
    let sampler = Sampler::new(ParentThreshold::new(AlwaysOn));
    assert_eq!(outcome(&sampler, &hinted(SamplingHint::On), 1), (true, String::new()));
}

#[test]
fn samplers_that_ignore_the_parent_ignore_its_hints() {
    for hint in [SamplingHint::Off, SamplingHint::On, SamplingHint::Debug] {
        let context = Context::new()
            .with_remote_span_context(parent(TraceFlags::SAMPLED, true))
            .with_value(hint);
        assert!(sampled(&Sampler::new(AlwaysOn), &context));
        assert!(!sampled(&Sampler::new(AlwaysOff), &context));
        assert!(sampled(&Sampler::wrap(SdkSampler::AlwaysOn), &context));
        assert!(!sampled(&Sampler::wrap(SdkSampler::AlwaysOff), &context));
    }
}

#[test]
fn a_local_parent_outweighs_an_inherited_hint() {
    for (flags, expected) in [(TraceFlags::SAMPLED, true), (TraceFlags::NOT_SAMPLED, false)] {
        for hint in [SamplingHint::Off, SamplingHint::On, SamplingHint::Deferred] {
            let context =
                Context::new().with_remote_span_context(parent(flags, false)).with_value(hint);
            for sampler in followers(false) {
                assert_eq!(sampled(&sampler, &context), expected, "{hint:?} {sampler:?}");
            }
        }
    }
}

#[test]
fn without_a_hint_the_parent_or_the_root_decides() {
    let remote = |flags| Context::new().with_remote_span_context(parent(flags, true));
    for settled in [false, true] {
        let context = |flags| {
            let context = remote(flags);
            if settled { context.with_value(SamplingHint::Settled) } else { context }
        };
        for sampler in followers(true) {
            assert!(sampled(&sampler, &context(TraceFlags::SAMPLED)));
            assert!(!sampled(&sampler, &context(TraceFlags::NOT_SAMPLED)));
            assert!(sampled(&sampler, &Context::new()));
        }
    }
}

#[test]
fn no_sampler_keeps_what_is_below_an_excluded_request() {
    let caller = parent(TraceFlags::SAMPLED, true);
    let samplers = [
        Sampler::wrap(SdkSampler::AlwaysOn),
        Sampler::wrap(SdkSampler::TraceIdRatioBased(1.0)),
        Sampler::parent_based(SdkSampler::AlwaysOn),
        Sampler::new(AlwaysOn),
        Sampler::new(ParentThreshold::new(AlwaysOn)),
        Sampler::always_record(SdkSampler::AlwaysOn),
    ];
    for parent in [Context::new(), Context::new().with_remote_span_context(caller)] {
        let below = untraced(&parent).with_value(SamplingHint::On);
        for sampler in &samplers {
            assert_eq!(result(sampler, &below).decision, SamplingDecision::Drop);
            assert_eq!(result(sampler, &parent).decision, SamplingDecision::RecordAndSample);
        }
    }
}

/// Keeps what is below parents of one kind, and nothing else.
fn only_below(remote: bool, on: bool) -> Sampler {
    let [keep, drop] = [SdkSampler::AlwaysOn, SdkSampler::AlwaysOff];
    let branches = ParentBranches::new()
        .root(drop.clone())
        .remote_sampled(drop.clone())
        .remote_not_sampled(drop.clone())
        .local_sampled(drop.clone())
        .local_not_sampled(drop);
    Sampler::by_parent(match (remote, on) {
        (true, true) => branches.remote_sampled(keep),
        (true, false) => branches.remote_not_sampled(keep),
        (false, true) => branches.local_sampled(keep),
        (false, false) => branches.local_not_sampled(keep),
    })
}

#[test]
fn each_kind_of_parent_has_a_sampler_of_its_own() {
    let below = |remote, flags| Context::new().with_remote_span_context(parent(flags, remote));
    let flags = |on| if on { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    for (remote, on) in [(true, true), (true, false), (false, true), (false, false)] {
        let sampler = only_below(remote, on);
        for (of_remote, of_on) in [(true, true), (true, false), (false, true), (false, false)] {
            let expected = (remote, on) == (of_remote, of_on);
            assert_eq!(sampled(&sampler, &below(of_remote, flags(of_on))), expected);
        }
        assert!(!sampled(&sampler, &Context::new()));
        assert_eq!((sampler.drops_unsampled(), sampler.needs_unsampled_described()), (on, !on));
    }
    let none = Context::new().with_remote_span_context(SpanContext::NONE);
    let rooted = Sampler::by_parent(
        ParentBranches::new().root(Probability::new(1.0).map(Sampler::new).unwrap()),
    );
    assert!(sampled(&rooted, &none) && sampled(&Sampler::by_parent(ParentBranches::new()), &none));
}

#[test]
fn what_a_format_asks_for_counts_as_what_a_remote_parent_decided() {
    let hinted =
        |hint, flags| Context::new().with_remote_span_context(parent(flags, true)).with_value(hint);
    let off = only_below(true, false);
    let on = only_below(true, true);
    assert!(sampled(&on, &hinted(SamplingHint::Debug, TraceFlags::NOT_SAMPLED)));
    assert!(sampled(&off, &hinted(SamplingHint::Off, TraceFlags::SAMPLED)));
    // Deferred: the root decides, and no stale threshold stays.
    let deferred = hinted(SamplingHint::Deferred, TraceFlags::SAMPLED);
    assert!(!sampled(&on, &deferred) && !sampled(&off, &deferred));
    let forced = result(&on, &hinted(SamplingHint::On, TraceFlags::NOT_SAMPLED));
    assert!(!forced.trace_state.header().contains("th:"), "{forced:?}");
}

#[test]
fn what_keeps_the_trace_state_decides_the_same_without_it() {
    let on = || SdkSampler::AlwaysOn;
    let ratio = || SdkSampler::TraceIdRatioBased(0.0);
    let probability = || Probability::new(0.5).map(Sampler::new).unwrap();
    let samplers = [
        (Sampler::wrap(on()), true),
        (Sampler::wrap(SdkSampler::AlwaysOff), true),
        (Sampler::parent_based(on()), true),
        (Sampler::parent_based(ratio()), true),
        (Sampler::always_record(SdkSampler::AlwaysOff), true),
        (Sampler::by_parent(ParentBranches::new().root(probability())), true),
        (Sampler::by_parent(ParentBranches::new().remote_sampled(probability())), false),
        (Sampler::wrap(ratio()), false),
        (probability(), false),
        (Sampler::new(ParentThreshold::new(AlwaysOn)), false),
    ];
    for (sampler, keeps) in &samplers {
        assert_eq!(sampler.keeps_trace_state(), *keeps, "{sampler:?}");
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            for remote in [true, false] {
                let with = parent(flags, remote);
                let (ids, none) = ((with.trace_id(), with.span_id()), TraceState::NONE);
                let without = SpanContext::new(ids.0, ids.1, flags, remote, none.clone());
                let below = |parent: &SpanContext| {
                    let context = Context::new().with_remote_span_context(parent.clone());
                    result(sampler, &context)
                };
                let [seen, unseen] = [below(&with), below(&without)];
                if *keeps {
                    assert_eq!(seen.decision, unseen.decision, "{sampler:?}");
                    assert_eq!(
                        (&seen.trace_state, &unseen.trace_state),
                        (with.trace_state(), &none)
                    );
                }
            }
        }
    }
}
