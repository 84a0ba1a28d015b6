//! What each sampler does to `th`.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, SamplingResult, ShouldSample,
};
use proptest::prelude::*;
use support::{decide, outcome, parent, trace};
use tracewire_sampling::{
    AlwaysOff, AlwaysOn, Annotating, Composable, Intent, OtelTraceState, ParentBranches,
    ParentThreshold, Probability, Randomness, RateTarget, RuleBased, Sampler, SamplingParameters,
    Threshold,
};

/// Kept by half, and not by a quarter.
const R: u64 = 0x0090_0000_0000_0000;

fn half() -> Probability {
    Probability::new(0.5).unwrap()
}

fn quarter() -> Probability {
    Probability::new(0.25).unwrap()
}

#[test]
fn roots_carry_the_threshold_that_kept_them() {
    let root = Context::new();
    for (sampler, expected) in [
        (Sampler::new(AlwaysOn), (true, "ot=th:0")),
        (Sampler::new(AlwaysOff), (false, "")),
        (Sampler::new(half()), (true, "ot=th:8")),
        (Sampler::new(quarter()), (false, "")),
        (Sampler::new(Probability::new(0.0).unwrap()), (false, "")),
        (Sampler::new(ParentThreshold::new(half())), (true, "ot=th:8")),
        (Sampler::new(ParentThreshold::new(quarter())), (false, "")),
        (Sampler::parent_based(SdkSampler::AlwaysOn), (true, "")),
        (Sampler::wrap(SdkSampler::AlwaysOn), (true, "")),
        (Sampler::wrap(SdkSampler::TraceIdRatioBased(1.0)), (true, "")),
    ] {
        let (kept, state) = outcome(&sampler, &root, R);
        assert_eq!((kept, state.as_str()), expected, "{sampler:?}");
    }
}

#[test]
fn children_of_a_sampled_parent() {
    let caller = parent(R, true, true, "a=1,ot=th:4;x:y,b=2");
    for (sampler, expected) in [
        // An independent decision replaces the parent's threshold.
        (Sampler::new(AlwaysOn), (true, "ot=th:0;x:y,a=1,b=2")),
        (Sampler::new(half()), (true, "ot=th:8;x:y,a=1,b=2")),
        (Sampler::new(quarter()), (false, "ot=x:y,a=1,b=2")),
        (Sampler::new(AlwaysOff), (false, "ot=x:y,a=1,b=2")),
        // Who follows the parent keeps it.
        (Sampler::new(ParentThreshold::new(AlwaysOff)), (true, "a=1,ot=th:4;x:y,b=2")),
        (Sampler::parent_based(SdkSampler::AlwaysOff), (true, "a=1,ot=th:4;x:y,b=2")),
        (Sampler::wrap(SdkSampler::AlwaysOn), (true, "a=1,ot=th:4;x:y,b=2")),
        // Nobody can say how a ratio or an unknown sampler came to its decision.
        (Sampler::wrap(SdkSampler::TraceIdRatioBased(1.0)), (true, "ot=x:y,a=1,b=2")),
    ] {
        let (kept, state) = outcome(&sampler, &caller, 0);
        assert_eq!((kept, state.as_str()), expected, "{sampler:?}");
    }
}

#[test]
fn an_unsampled_parent_is_followed_or_not() {
    for text in ["", "ot=th:4", "ot=th:c"] {
        let caller = parent(R, false, true, text);
        let follows = Sampler::new(ParentThreshold::new(AlwaysOn));
        assert_eq!(outcome(&follows, &caller, 0), (false, String::new()), "{text}");
        assert_eq!(outcome(&Sampler::new(half()), &caller, 0), (true, "ot=th:8".to_owned()));
    }
}

#[test]
fn a_sampled_parent_without_a_threshold_cannot_be_counted() {
    let sampler = Sampler::new(ParentThreshold::new(AlwaysOn));
    for text in ["", "ot=th:", "ot=th:X"] {
        let caller = parent(R, true, true, text);
        assert_eq!(outcome(&sampler, &caller, 0), (true, String::new()), "{text}");
    }
}

#[test]
fn a_threshold_that_contradicts_the_flag_is_taken_out() {
    let sampler = Sampler::new(ParentThreshold::new(AlwaysOn));
    let caller = parent(R, true, true, "ot=th:c,a=1");
    assert_eq!(outcome(&sampler, &caller, 0), (true, "a=1".to_owned()));
}

#[test]
fn the_callers_random_number_decides_and_stays() {
    let sampler = Sampler::new(half());
    for (rv, kept) in [("80000000000000", true), ("7fffffffffffff", false)] {
        let caller = parent(R, true, true, &format!("a=1,ot=rv:{rv}"));
        let expected =
            if kept { format!("ot=th:8;rv:{rv},a=1") } else { format!("a=1,ot=rv:{rv}") };
        assert_eq!(outcome(&sampler, &caller, 0), (kept, expected));
    }
    // One that is malformed counts as absent and is not sent on.
    let caller = parent(R, true, true, "a=1,ot=rv:7FFFFFFFFFFFFF");
    assert_eq!(outcome(&sampler, &caller, 0), (true, "ot=th:8,a=1".to_owned()));
}

#[test]
fn attributes_are_added_to_what_is_kept() {
    let rule = [KeyValue::new("rule", "a")];
    let tree = Annotating::new([KeyValue::new("outer", 1)], Annotating::new(rule, half()));
    let sampler = Sampler::new(tree);
    let kept = decide(&sampler, &Context::new(), R, SpanKind::Server, &[]);
    assert_eq!(kept.attributes, [KeyValue::new("rule", "a"), KeyValue::new("outer", 1)]);
    let dropped = decide(&sampler, &Context::new(), 1, SpanKind::Server, &[]);
    assert_eq!((dropped.decision, dropped.attributes.len()), (SamplingDecision::Drop, 0));
}

#[test]
fn a_sampler_of_the_application_may_set_a_threshold_itself() {
    /// Sets what it is told to.
    #[derive(Clone, Debug)]
    struct Sets(&'static str);
    impl ShouldSample for Sets {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: opentelemetry::TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[opentelemetry::trace::Link],
        ) -> SamplingResult {
            SamplingResult {
                decision: SamplingDecision::RecordAndSample,
                attributes: Vec::new(),
                trace_state: support::state(self.0),
            }
        }
    }
    let caller = parent(R, true, true, "ot=th:4,a=1");
    for (set, expected) in [("ot=th:8,a=1", "ot=th:8,a=1"), ("ot=th:4,a=1", "a=1"), ("", "")] {
        let (_, state) = outcome(&Sampler::wrap(Sets(set)), &caller, 0);
        assert_eq!(state, expected, "{set}");
    }
}

#[test]
fn our_own_sampler_is_not_wrapped_twice() {
    let sampler = Sampler::new(ParentThreshold::new(half()));
    let caller = parent(R, true, true, "ot=th:4");
    let wrapped = Sampler::wrap(sampler.clone());
    assert_eq!(outcome(&wrapped, &caller, 0), (true, "ot=th:4".to_owned()));
    sampler.replace(Sampler::new(AlwaysOff));
    assert_eq!(outcome(&wrapped, &caller, 0), (false, String::new()));
}

#[test]
fn dropped_spans_can_be_recorded() {
    let sampler = Sampler::always_record(Sampler::new(half()));
    for (random, expected) in
        [(R, SamplingDecision::RecordAndSample), (1, SamplingDecision::RecordOnly)]
    {
        let result = decide(&sampler, &Context::new(), random, SpanKind::Server, &[]);
        assert_eq!(result.decision, expected);
    }
    let silent = tracewire_propagation::untraced(&Context::new());
    let result = decide(&sampler, &silent, R, SpanKind::Server, &[]);
    assert_eq!(result.decision, SamplingDecision::Drop);
}

#[test]
fn an_uncounted_threshold_is_compared_with_a_number_of_its_own() {
    #[derive(Debug)]
    struct Uncounted;
    impl Composable for Uncounted {
        fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
            Threshold::from_probability(0.5).map_or(Intent::drop(), Intent::keep_uncounted)
        }
    }
    let sampler = Sampler::new(Uncounted);
    let outcomes: Vec<_> = (0..200).map(|_| outcome(&sampler, &Context::new(), 1)).collect();
    assert!(outcomes.iter().any(|(kept, _)| *kept) && !outcomes.iter().all(|(kept, _)| *kept));
    assert!(outcomes.iter().all(|(_, state)| state.is_empty()));
}

#[test]
fn without_a_context_a_span_is_a_root() {
    let sampler = Sampler::new(ParentThreshold::new(half()));
    let result = sampler.should_sample(None, trace(R), "span", &SpanKind::Server, &[], &[]);
    assert_eq!(result.trace_state.header(), "ot=th:8");
}

/// Panics wherever it is asked.
#[derive(Clone, Debug)]
struct Broken;

impl Composable for Broken {
    fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
        panic!("a sampler of the application")
    }

    fn drops_unsampled(&self) -> bool {
        panic!("a sampler of the application")
    }

    fn visit_rate_targets<'a>(&'a self, _: &str, _: &mut dyn FnMut(String, &'a RateTarget)) {
        panic!("a sampler of the application")
    }
}

#[test]
fn a_sampler_that_panics_drops_the_span_and_stops_nothing() {
    let caller = parent(R, true, true, "a=1,ot=th:4");
    let broken = Sampler::new(Broken);
    assert_eq!(outcome(&broken, &caller, R), (false, "a=1".to_owned()));
    for sampler in [
        broken.clone(),
        Sampler::new(ParentThreshold::new(Broken)),
        Sampler::new(RuleBased::new().fallback(Broken)),
        Sampler::new(Annotating::new([KeyValue::new("a", 1)], Broken)),
        Sampler::by_parent(ParentBranches::new().root(broken.clone())),
    ] {
        assert_eq!(outcome(&sampler, &Context::new(), R), (false, String::new()), "{sampler:?}");
    }
    let recorded = decide(
        &Sampler::always_record(broken.clone()),
        &Context::new(),
        R,
        SpanKind::Internal,
        &[],
    );
    assert_eq!(recorded.decision, SamplingDecision::RecordOnly);
    // What it drops is not known, so nothing is taken for granted.
    assert!(!broken.drops_unsampled() && broken.needs_unsampled_described());
    assert_eq!(broken.rates(), []);
    broken.replace(Sampler::new(half()));
    assert!(outcome(&broken, &Context::new(), R).0);
    broken.replace(Sampler::new(Broken));
    assert!(!outcome(&broken, &Context::new(), R).0);
    broken.replace(Sampler::new(half()));
    assert!(outcome(&broken, &Context::new(), R).0);
}

/// The first value of this key that `read` takes, of a member of at most 256 bytes.
fn first<T>(member: &str, key: &str, read: fn(&str) -> Option<T>) -> Option<T> {
    let parts = member.split(';').filter(|_| member.len() <= 256);
    parts.filter_map(|part| read(part.strip_prefix(key)?.strip_prefix(':')?)).next()
}

proptest! {
    #[test]
    fn whatever_a_callers_member_says_flag_and_random_number_decide(
        parts in proptest::collection::vec(
            prop_oneof![
                "th:[0-9a-f]{1,14}", "th:[0-9a-fA-F]{0,16}", "rv:[0-9a-f]{14}", "rv:[0-9a-fA-F]{12,15}",
                "[a-z]{1,3}:[a-zA-Z0-9]{0,5}", "a:b{100,250}", Just("th".to_owned()), Just(String::new()),
            ],
            0..4,
        ),
        random in 0u64..1 << 56,
        sampled: bool,
        remote: bool,
        probability in 1e-9f64..=1.0,
    ) {
        let member = parts.join(";");
        let text = if member.is_empty() { "v=1".to_owned() } else { format!("ot={member},v=1") };
        if text.parse::<TraceState>().is_err() {
            return Ok(()); // too long for a list of its type
        }
        let context = parent(random, sampled, remote, &text);
        let explicit = first(&member, "rv", Randomness::parse);
        let randomness = explicit.unwrap_or_else(|| Randomness::of_trace_id(trace(random)));
        let said = first(&member, "th", Threshold::parse);
        let consistent = said.filter(|threshold| sampled && threshold.keeps(randomness));
        let own = Probability::new(probability).unwrap();
        let own_threshold = own.threshold().filter(|threshold| threshold.keeps(randomness));
        for (sampler, kept, threshold) in [
            (Sampler::new(ParentThreshold::new(own)), sampled, consistent),
            (Sampler::new(own), own_threshold.is_some(), own_threshold),
            (Sampler::new(AlwaysOn), true, Some(Threshold::ALWAYS)),
            (Sampler::new(AlwaysOff), false, None),
        ] {
            let (is_kept, state) = outcome(&sampler, &context, random);
            prop_assert_eq!(is_kept, kept, "{:?} {}", &sampler, &text);
            let state: TraceState = state.parse().unwrap();
            let found = OtelTraceState::of(&state);
            // A member that is full has no room for one.
            let fits = found.threshold() == threshold || member.len() > 200;
            prop_assert!(fits, "{:?} {} {:?}", sampler, text, state);
            prop_assert_eq!(found.randomness(), explicit);
            prop_assert_eq!(state.get("v"), Some("1"));
        }
        // Where only the flag counts, nothing is changed.
        for sampler in [SdkSampler::AlwaysOn, SdkSampler::AlwaysOff] {
            let (is_kept, state) = outcome(&Sampler::parent_based(sampler), &context, random);
            prop_assert_eq!((is_kept, state), (sampled, context.span().span_context().trace_state().header()));
        }
    }
}
