//! Models of a reload: the sampler is replaced while threads decide. shuttle runs them in many random
//! orders.

use super::*;
use crate::{Intent, Probability};
use opentelemetry::Value;
use shuttle::{check_pct, check_random, thread};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn check(model: fn()) {
    let orders = option_env!("MODEL_ORDERS").map_or(5_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}

/// A sampler that lets others run before and after it is asked.
#[derive(Debug)]
struct Slow<C>(C);

impl<C: Composable> Composable for Slow<C> {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        thread::yield_now();
        let intent = self.0.intent(parameters);
        thread::yield_now();
        intent
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        self.0.visit_rate_targets(path, visit);
    }
}

/// Keeps everything, and says that it did.
#[derive(Debug)]
struct Named([KeyValue; 1]);

impl Composable for Named {
    fn intent<'a>(&'a self, _parameters: &SamplingParameters<'a>) -> Intent<'a> {
        Intent::keep(Threshold::ALWAYS).with_attributes(&self.0)
    }
}

fn named(name: &'static str) -> Sampler {
    Sampler::new(Slow(Named([KeyValue::new("by", name)])))
}

fn decide(sampler: &Sampler) -> SamplingResult {
    let (context, trace) = (Context::new(), TraceId::from(u128::MAX));
    sampler.should_sample(Some(&context), trace, "span", &SpanKind::Server, &[], &[])
}

fn decided_by(sampler: &Sampler) -> Option<Value> {
    decide(sampler).attributes.first().map(|own| own.value.clone())
}

/// The sampler is replaced twice while another thread decides: each decision is by one of the three
/// whole, none goes back to an older one, and after a replacement all are by the new one.
#[test]
fn a_decision_is_by_one_sampler_and_never_by_an_older_one_again() {
    check(|| {
        let sampler = named("a");
        let decides = sampler.clone();
        let other = thread::spawn(move || [(); 3].map(|()| decided_by(&decides)));
        sampler.replace(named("b"));
        assert_eq!(decided_by(&sampler), Some("b".into()));
        sampler.replace(named("c"));
        let seen = other.join().unwrap();
        assert!(seen.is_sorted_by_key(|by| by.as_ref().map(Value::to_string)), "{seen:?}");
        assert_eq!(decided_by(&sampler), Some("c".into()));
    });
}

#[derive(Clone, Debug, Default)]
struct Manual(Arc<AtomicU64>);

impl MonotonicClock for Manual {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Two threads decide while a reload brings the same rate target again: its estimate goes on, and no
/// decision is missing from it.
#[test]
fn a_reload_loses_no_decision_of_a_rate_that_stays() {
    check(|| {
        let clock = Manual::default();
        let target = || {
            let all = Probability::new(1.0).expect("it is one");
            Sampler::new(Slow(RateTarget::new(all, 0.001)))
        };
        let sampler = target().with_clock(clock.clone());
        // From the second tick on every decision is a limited one.
        for millis in [1, 1_000] {
            clock.0.store(millis, Ordering::Relaxed);
            decide(&sampler);
        }
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (sampler, clock) = (sampler.clone(), clock.clone());
                thread::spawn(move || {
                    clock.0.fetch_add(100, Ordering::Relaxed);
                    decide(&sampler);
                    decide(&sampler);
                })
            })
            .collect();
        sampler.replace(target());
        decide(&sampler);
        for thread in threads {
            thread.join().unwrap();
        }
        let rates = sampler.rates();
        assert_eq!(rates[0].1[0].limited, 6, "{rates:?}");
    });
}
