//! Target rates, with a clock of the test's own.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::SamplingDecision;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use support::{decide, parent};
use tracewire_sampling::{
    Composable, Intent, MonotonicClock, OtelTraceState, ParentBranches, ParentThreshold,
    Probability, RateTarget, RuleBased, Sampler, SamplingParameters,
};

/// A clock that only a test moves.
#[derive(Clone, Debug, Default)]
struct Manual(Arc<AtomicU64>);

impl Manual {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl MonotonicClock for Manual {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed)) + Duration::from_secs(1)
    }
}

/// Numbers for trace ids: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[derive(Debug, Default)]
struct Second {
    kept: u32,
    counted: f64,
    /// The variance of `counted`, as far as it is due to sampling.
    variance: f64,
}

/// Sends `rate` requests in a second, at even distances.
fn second(
    sampler: &Sampler,
    clock: &Manual,
    numbers: &mut Numbers,
    rate: u32,
    route: &'static str,
) -> Second {
    let mut second = Second::default();
    let attributes = [KeyValue::new("http.route", route)];
    for _ in 0..rate {
        clock.advance(Duration::from_secs(1) / rate);
        let random = numbers.next() >> 8;
        let result = decide(sampler, &Context::new(), random, SpanKind::Server, &attributes);
        if result.decision != SamplingDecision::RecordAndSample {
            continue;
        }
        let threshold = OtelTraceState::of(&result.trace_state).threshold().expect("it was kept");
        second.kept += 1;
        second.counted += threshold.adjusted_count();
        // Of one kept at p, (1 − p) / p² on average.
        second.variance += (1.0 - threshold.probability()) * threshold.adjusted_count().powi(2);
    }
    second
}

fn limited(text: &str) -> (Sampler, Manual) {
    let clock = Manual::default();
    let rules = RuleBased::parse(text, "shop").unwrap();
    (Sampler::new(ParentThreshold::new(rules)).with_clock(clock.clone()), clock)
}

#[test]
fn a_steady_load_is_kept_at_the_target_and_counted_in_full() {
    let (sampler, clock) = limited("100/s");
    let mut numbers = Numbers(1);
    let seconds: Vec<_> =
        (0..80).map(|_| second(&sampler, &clock, &mut numbers, 10_000, "/")).collect();
    let late = &seconds[20..];
    let kept: u32 = late.iter().map(|second| second.kept).sum();
    let mean = f64::from(kept) / late.len() as f64;
    assert!((90.0..=110.0).contains(&mean), "{mean} a second");
    let counted: f64 = seconds.iter().map(|second| second.counted).sum();
    let sigma = seconds.iter().map(|second| second.variance).sum::<f64>().sqrt();
    let error = counted - 800_000.0;
    assert!(error.abs() <= 3.0 * sigma, "{counted} counted, sigma {sigma}");
}

#[test]
fn a_step_of_the_load_settles_within_15_seconds() {
    let (sampler, clock) = limited("100/s");
    let mut numbers = Numbers(2);
    for _ in 0..30 {
        let before = second(&sampler, &clock, &mut numbers, 10, "/");
        assert_eq!(before.kept, 10, "below the target nothing is dropped");
    }
    let after: Vec<_> =
        (0..25).map(|_| second(&sampler, &clock, &mut numbers, 10_000, "/").kept).collect();
    assert!(after[0] < 3_000, "{after:?}");
    let settled = f64::from(after[15..].iter().sum::<u32>()) / 10.0;
    assert!((90.0..=110.0).contains(&settled), "{after:?}");
    // And back: nothing is dropped for long once there is less to do.
    let quiet: Vec<_> =
        (0..25).map(|_| second(&sampler, &clock, &mut numbers, 10, "/").kept).collect();
    assert_eq!(quiet[20..], [10; 5], "{quiet:?}");
}

#[test]
fn the_rules_own_probability_is_never_exceeded() {
    let (sampler, clock) = limited("0.25 100/s");
    let mut numbers = Numbers(3);
    for _ in 0..20 {
        let second = second(&sampler, &clock, &mut numbers, 100, "/");
        assert!((100.0 - second.counted).abs() < 100.0);
    }
    let status = &sampler.rates()[0].1[0];
    assert_eq!((status.probability, status.limited), (0.25, 0));
    assert!((status.arriving - 100.0).abs() < 1.0, "{status:?}");
}

#[test]
fn a_busy_route_takes_nothing_from_a_quiet_one() {
    let (sampler, clock) = limited("50/s/route");
    let mut numbers = Numbers(4);
    let mut quiet = 0;
    for _ in 0..20 {
        second(&sampler, &clock, &mut numbers, 5_000, "/busy");
        quiet += second(&sampler, &clock, &mut numbers, 10, "/quiet").kept;
    }
    assert_eq!(quiet, 200);
    let (rule, status) = &sampler.rates()[0];
    assert_eq!(rule, "1 50/s/route");
    let busy = status.iter().find(|one| one.route.as_deref() == Some("/busy")).unwrap();
    assert!(busy.probability < 0.05 && busy.limited > 0, "{busy:?}");
}

#[test]
fn routes_beyond_the_hundredth_share_one_estimate() {
    let (sampler, clock) = limited("50/s/route");
    for number in 0..300 {
        clock.advance(Duration::from_millis(1));
        let attributes = [KeyValue::new("http.route", format!("/{number}"))];
        decide(&sampler, &Context::new(), 1, SpanKind::Server, &attributes);
    }
    let status = &sampler.rates()[0].1;
    assert_eq!(status.len(), 101);
    let shared = status.iter().find(|one| one.route.is_none()).unwrap();
    assert!(shared.arriving > 100.0, "{shared:?}");
}

#[test]
fn spans_with_a_parent_are_not_limited() {
    let clock = Manual::default();
    let target = RateTarget::new(Probability::new(1.0).unwrap(), 1.0);
    let sampler = Sampler::new(target).with_clock(clock.clone());
    let mut numbers = Numbers(5);
    second(&sampler, &clock, &mut numbers, 10_000, "/");
    for remote in [true, false] {
        let caller = parent(1, true, remote, "");
        let result = decide(&sampler, &caller, 0, SpanKind::Server, &[]);
        assert_eq!(result.trace_state.header(), "ot=th:0");
    }
    let random = caller_that_defers();
    let result = decide(&sampler, &random, 0, SpanKind::Server, &[]);
    assert_eq!(result.decision, SamplingDecision::Drop);
}

/// Its trace id is kept by full probability only.
fn caller_that_defers() -> Context {
    let caller = parent(1, true, true, "");
    assert!(caller.span().span_context().is_valid());
    caller.with_value(tracewire_propagation::SamplingHint::Deferred)
}

#[test]
fn the_estimates_of_unchanged_rules_survive_a_replacement() {
    let (sampler, clock) = limited("/a: 10/s; /b: 10/s; on");
    let mut numbers = Numbers(6);
    for route in ["/a", "/b"] {
        for _ in 0..10 {
            second(&sampler, &clock, &mut numbers, 1_000, route);
        }
    }
    let before = sampler.rates();
    assert!(before.iter().all(|(_, status)| status[0].probability < 0.5), "{before:?}");
    let (next, _) = limited("/c: off; /b: 10/s; /a: 20/s; on");
    sampler.replace(next);
    let after = sampler.rates();
    let of = |rates: &[(String, Vec<_>)], rule: &str| {
        rates.iter().find(|(known, _)| known == rule).map(|(_, status)| status.clone())
    };
    assert_eq!(of(&after, "/b: 1 10/s"), of(&before, "/b: 1 10/s"));
    assert_eq!(of(&after, "/a: 1 20/s").unwrap()[0].probability, 1.0);
}

/// A sampler that looks as if it had one target, and has two.
#[derive(Debug)]
struct Two([RateTarget; 2]);

impl Composable for Two {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        let is_second = parameters.attributes().iter().any(|pair| pair.value.as_str() == "/b");
        self.0[usize::from(is_second)].intent(parameters)
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        self.0.iter().for_each(|target| target.visit_rate_targets(path, visit));
    }
}

#[test]
fn targets_that_look_the_same_go_on_each_with_its_own_estimate() {
    let target = || RateTarget::new(Probability::new(1.0).unwrap(), 10.0);
    let clock = Manual::default();
    let sampler = Sampler::new(Two([target(), target()])).with_clock(clock.clone());
    let mut numbers = Numbers(13);
    for _ in 0..10 {
        second(&sampler, &clock, &mut numbers, 1_000, "/a");
    }
    let before = sampler.rates();
    sampler.replace(Sampler::new(Two([target(), target()])));
    assert_eq!(sampler.rates(), before);
    assert_ne!(before[0].1, before[1].1);
    // They are not one estimate from here on.
    let quiet: u32 = (0..5).map(|_| second(&sampler, &clock, &mut numbers, 5, "/b").kept).sum();
    assert_eq!(quiet, 25);
}

#[test]
fn targets_are_found_wherever_they_are() {
    let clock = Manual::default();
    let target = || {
        let target = RateTarget::new(Probability::new(0.5).unwrap(), 10.0);
        Sampler::new(target).with_clock(clock.clone())
    };
    let branches = || ParentBranches::new().root(target()).remote_sampled(target());
    for (sampler, again, paths) in [
        (Sampler::parent_based(target()), Sampler::parent_based(target()), &["0.5 10/s"][..]),
        (
            Sampler::by_parent(branches()),
            Sampler::by_parent(branches()),
            &["root: 0.5 10/s", "remote_sampled: 0.5 10/s"],
        ),
        (Sampler::always_record(target()), Sampler::always_record(target()), &["0.5 10/s"]),
    ] {
        for _ in 0..3 {
            second(&sampler, &clock, &mut Numbers(14), 1_000, "/");
        }
        let rates = sampler.rates();
        assert_eq!(rates.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), paths);
        assert!(rates[0].1[0].limited > 0, "{rates:?}");
        sampler.replace(again);
        assert_eq!(sampler.rates(), rates);
    }
}

#[test]
fn a_target_that_drops_everything_drops_everything() {
    let (sampler, clock) = limited("0 100/s");
    assert_eq!(second(&sampler, &clock, &mut Numbers(7), 1_000, "/").kept, 0);
}

/// The line that the guide gives: every order, one percent of the rest, no probe.
const TOTAL: &str = "/healthz: off; /orders: on; 0.01; total 100/s";

#[test]
fn a_total_holds_for_all_rules_together_and_counts_stay_true() {
    let (sampler, clock) = limited(TOTAL);
    let mut numbers = Numbers(8);
    let (mut orders, mut users) = (Vec::new(), Vec::new());
    for _ in 0..80 {
        orders.push(second(&sampler, &clock, &mut numbers, 500, "/orders"));
        users.push(second(&sampler, &clock, &mut numbers, 20_000, "/users"));
        assert_eq!(second(&sampler, &clock, &mut numbers, 10, "/healthz").kept, 0);
    }
    // Three seconds for each of these, one for each route.
    let late = orders[20..].iter().chain(&users[20..]);
    let mean = f64::from(late.map(|second| second.kept).sum::<u32>()) / 180.0;
    assert!((90.0..=110.0).contains(&mean), "{mean} a second");
    for (seconds, requests) in [(&orders, 40_000.0), (&users, 1_600_000.0)] {
        let counted: f64 = seconds.iter().map(|second| second.counted).sum();
        let sigma = seconds.iter().map(|second| second.variance).sum::<f64>().sqrt();
        assert!((counted - requests).abs() <= 3.0 * sigma, "{counted}, sigma {sigma}");
    }
    let rates = sampler.rates();
    let [(path, status)] = &rates[..] else { panic!("{rates:?}") };
    assert_eq!(path, "total 100/s");
    assert!(status[0].probability < 0.5 && status[0].limited > 0, "{status:?}");
}

#[test]
fn below_the_total_every_rule_keeps_what_it_says() {
    let (sampler, clock) = limited(TOTAL);
    let mut numbers = Numbers(9);
    let (mut orders, mut users) = (0, Second::default());
    for _ in 0..200 {
        orders += second(&sampler, &clock, &mut numbers, 20, "/orders").kept;
        let next = second(&sampler, &clock, &mut numbers, 1_000, "/users");
        users.kept += next.kept;
        users.counted += next.counted;
        users.variance += next.variance;
    }
    assert_eq!(orders, 4_000, "every order is kept");
    assert!((users.counted - 200_000.0).abs() <= 3.0 * users.variance.sqrt(), "{users:?}");
    assert_eq!(sampler.rates()[0].1[0].limited, 0);
}

#[test]
fn a_total_limits_roots_alone() {
    let clock = Manual::default();
    let rules = RuleBased::parse("on; total 1/s", "shop").unwrap();
    let sampler = Sampler::new(rules).with_clock(clock.clone());
    second(&sampler, &clock, &mut Numbers(10), 10_000, "/");
    let caller = parent(1, true, true, "");
    let child = decide(&sampler, &caller, 0, SpanKind::Server, &[]);
    assert_eq!(child.trace_state.header(), "ot=th:0");
    let root = decide(&sampler, &caller_that_defers(), 0, SpanKind::Server, &[]);
    assert_eq!(root.decision, SamplingDecision::Drop);
}

#[test]
fn a_clock_that_jumps_stops_no_target() {
    for text in ["100/s", "on; total 100/s", "100/s/route"] {
        let (sampler, clock) = limited(text);
        let mut numbers = Numbers(11);
        let hour = Duration::from_secs(3_600).as_nanos() as u64;
        for round in 0..6 {
            let settled: Vec<_> =
                (0..30).map(|_| second(&sampler, &clock, &mut numbers, 2_000, "/").kept).collect();
            let mean = f64::from(settled[20..].iter().sum::<u32>()) / 10.0;
            assert!((85.0..=115.0).contains(&mean), "{text} {round}: {mean}");
            if round % 2 == 0 {
                clock.0.fetch_sub(20 * 1_000_000_000, Ordering::Relaxed);
            } else {
                clock.0.fetch_add(hour, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn bursts_after_idle_time_are_counted_in_full() {
    for text in ["100/s", "on; total 100/s"] {
        let (sampler, clock) = limited(text);
        let mut numbers = Numbers(12);
        let mut sum = Second::default();
        for _ in 0..40 {
            clock.advance(Duration::from_secs(60));
            let burst = second(&sampler, &clock, &mut numbers, 5_000, "/");
            assert!(burst.kept < 2_000, "{text}: {} of a burst", burst.kept);
            sum.counted += burst.counted;
            sum.variance += burst.variance;
        }
        let error = (sum.counted - 200_000.0).abs();
        assert!(error <= 3.0 * sum.variance.sqrt(), "{text}: {sum:?}");
    }
}
