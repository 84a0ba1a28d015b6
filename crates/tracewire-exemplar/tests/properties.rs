//! What holds whatever is measured, in whatever order.

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use proptest::prelude::*;
use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};
use tracewire_exemplar::{Exemplar, Exemplars};

const BOUNDARIES: [f64; 4] = [0.1, 0.5, 1.0, 5.0];

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("scope").with_version("1").build()
}

fn span(id: u64, is_sampled: bool) -> SpanContext {
    let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let trace = TraceId::from(u128::from(id));
    SpanContext::new(trace, SpanId::from(id), flags, false, TraceState::NONE)
}

fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

fn id(exemplar: &Exemplar) -> u64 {
    u64::from_be_bytes(exemplar.span_id.to_bytes())
}

fn bucket(value: f64) -> usize {
    BOUNDARIES.iter().filter(|&&boundary| boundary < value).count()
}

#[derive(Clone, Debug)]
struct Measurement {
    value: f64,
    series: u8,
    is_sampled: bool,
    /// Milliseconds since the one before.
    later: u64,
    collects: bool,
}

fn measurements() -> impl Strategy<Value = Vec<Measurement>> {
    let one = (0.0..10.0, 0..4_u8, any::<bool>(), 0..200_u64, prop::bool::weighted(0.1));
    let one = one.prop_map(|(value, series, is_sampled, later, collects)| Measurement {
        value,
        series,
        is_sampled,
        later,
        collects,
    });
    prop::collection::vec(one, 0..200)
}

proptest! {
    /// A reader that goes on where it stopped sees only sampled spans, each at most once, in the series
    /// and the time that they were measured in, and one for every bucket that was hit.
    #[test]
    fn every_bucket_hit_by_a_sampled_span_has_an_exemplar_once(all in measurements()) {
        let exemplars = Exemplars::new();
        let reservoirs = exemplars.instrument(&scope(), "duration", &BOUNDARIES);
        let (mut now, mut from) = (1_000, 1_000);
        let mut hit = HashSet::new();
        let mut seen = HashSet::new();
        for (measurement, number) in all.iter().zip(1..) {
            now += measurement.later + 1;
            let attributes = [KeyValue::new("series", i64::from(measurement.series))];
            let span = span(number, measurement.is_sampled);
            reservoirs.offer(measurement.value, &attributes, &span, at(now));
            if measurement.is_sampled {
                hit.insert((measurement.series, bucket(measurement.value)));
            }
            if !measurement.collects {
                continue;
            }
            for series in exemplars.collect(&scope(), "duration", at(from)..=at(now)) {
                for exemplar in &series.exemplars {
                    let origin = &all[id(exemplar) as usize - 1];
                    prop_assert!(origin.is_sampled);
                    prop_assert_eq!(origin.value, exemplar.value);
                    let series_of = KeyValue::new("series", i64::from(origin.series));
                    prop_assert_eq!(&*series.attributes, &[series_of]);
                    prop_assert!(seen.insert(id(exemplar)));
                    prop_assert!(hit.remove(&(origin.series, bucket(exemplar.value))));
                }
            }
            prop_assert!(hit.is_empty(), "{:?}", hit);
            from = now + 1;
        }
    }

    #[test]
    fn the_order_of_attributes_does_not_matter(numbers in prop::collection::hash_set(0..100_u8, 0..8)) {
        let attributes: Vec<_> =
            numbers.iter().map(|n| KeyValue::new(format!("key{n}"), i64::from(*n))).collect();
        let reversed: Vec<_> = attributes.iter().rev().cloned().collect();
        let exemplars = Exemplars::new();
        let reservoirs = exemplars.instrument(&scope(), "duration", &[]);
        reservoirs.offer(1.0, &attributes, &span(1, true), at(1_000));
        reservoirs.offer(2.0, &reversed, &span(2, true), at(2_000));
        let all = exemplars.collect(&scope(), "duration", at(0)..=at(9_000));
        prop_assert_eq!(all.len(), 1);
        prop_assert_eq!(all[0].exemplars[0].value, 2.0);
    }
}

#[test]
fn ten_thousand_series_of_many_instruments_stay_below_the_limit() {
    let exemplars = Exemplars::new();
    let boundaries: Vec<f64> = (1..15).map(f64::from).collect();
    for instrument in 0..10 {
        let name = format!("duration{instrument}");
        let reservoirs = exemplars.instrument(&scope(), &name, &boundaries);
        for series in 0..1_000 {
            let attributes = [
                KeyValue::new("http.route", format!("/route/{series}")),
                KeyValue::new("http.request.method", "GET"),
            ];
            reservoirs.offer(1.0, &attributes, &span(series + 1, true), at(1));
        }
    }
    assert!(exemplars.bytes() <= 2 << 20, "{}", exemplars.bytes());
    let first = exemplars.collect(&scope(), "duration0", at(0)..=at(1));
    assert_eq!(first.len(), 1_000);
    assert!(exemplars.collect(&scope(), "duration9", at(0)..=at(1)).is_empty());
}

#[test]
fn ten_thousand_series_allocate_no_more_than_they_are_counted_for() {
    let mut counted = 0;
    let allocated = allocation_counter::measure(|| {
        let exemplars = Exemplars::new();
        let boundaries: Vec<f64> = (1..15).map(f64::from).collect();
        let reservoirs = exemplars.instrument(&scope(), "duration", &boundaries);
        for series in 0..10_000 {
            let attributes = [KeyValue::new("http.route", format!("/route/{series}"))];
            reservoirs.offer(1.0, &attributes, &span(series + 1, true), at(1));
        }
        counted = exemplars.bytes();
        std::mem::forget(exemplars);
    });
    assert!(allocated.bytes_current <= 2 << 20, "{allocated:?}, {counted} counted");
}

#[test]
fn a_series_with_cells_allocates_nothing_and_neither_does_a_span_that_is_not_sampled() {
    let exemplars = Exemplars::new();
    let reservoirs = exemplars.instrument(&scope(), "duration", &BOUNDARIES);
    let attributes = [KeyValue::new("http.route", "/")];
    let unsampled = allocation_counter::measure(|| {
        reservoirs.offer(1.0, &attributes, &span(1, false), at(1));
    });
    assert_eq!(unsampled.count_total, 0);
    reservoirs.offer(1.0, &attributes, &span(1, true), at(1));
    let reservoir = reservoirs.reservoir(&attributes).unwrap();
    let sampled = allocation_counter::measure(|| {
        reservoirs.offer(1.0, &attributes, &span(2, true), at(1_000));
        reservoir.offer(3.0, &span(3, true), at(2_000));
    });
    assert_eq!(sampled.count_total, 0);
}

#[test]
fn instruments_of_other_scopes_and_versions_are_others() {
    let exemplars = Exemplars::new();
    let reservoirs = exemplars.instrument(&scope(), "duration", &[]);
    reservoirs.offer(1.0, &[], &span(1, true), at(1));
    let newer = InstrumentationScope::builder("scope").with_version("2").build();
    for (scope, name, found) in
        [(&scope(), "duration", 1), (&newer, "duration", 0), (&scope(), "other", 0)]
    {
        assert_eq!(exemplars.collect(scope, name, at(0)..=at(1)).len(), found);
    }
}

#[test]
fn the_process_has_the_store_that_was_installed_last() {
    assert!(tracewire_exemplar::installed().is_none());
    let exemplars = Exemplars::new();
    tracewire_exemplar::install(exemplars.clone());
    let reservoirs = tracewire_exemplar::installed().unwrap().instrument(&scope(), "duration", &[]);
    reservoirs.offer(1.0, &[], &span(1, true), at(1));
    assert_eq!(exemplars.collect(&scope(), "duration", at(0)..=at(1)).len(), 1);
    tracewire_exemplar::uninstall();
    assert!(tracewire_exemplar::installed().is_none());
}

#[test]
fn threads_that_measure_at_once_keep_whole_exemplars() {
    let exemplars = Exemplars::new();
    let reservoirs = exemplars.instrument(&scope(), "duration", &[]);
    std::thread::scope(|threads| {
        for thread in 1..=4_u64 {
            let reservoirs = &reservoirs;
            threads.spawn(move || {
                for round in 0..10_000 {
                    let span = span(thread, true);
                    reservoirs.offer(thread as f64, &[], &span, at(1_000 + round * 200));
                }
            });
        }
        for _ in 0..1_000 {
            for series in exemplars.collect(&scope(), "duration", at(0)..=at(u64::from(u32::MAX))) {
                for exemplar in series.exemplars {
                    assert_eq!(exemplar.value, id(&exemplar) as f64);
                    assert_eq!(exemplar.trace_id, TraceId::from(u128::from(id(&exemplar))));
                }
            }
        }
    });
}
