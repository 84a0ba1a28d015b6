//! Exemplars of database calls and of the application's own histograms.

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::time::SystemTime;
use tracewire_exemplar::{Exemplar, Exemplars};
use tracewire_span::{Histogram, Tracer, database::Database, histogram, span};
use tracewire_testing::Capture;

fn exemplars_of(exemplars: &Exemplars, library: &str, instrument: &str) -> Vec<Exemplar> {
    let scope = InstrumentationScope::builder(library.to_owned())
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let times = SystemTime::UNIX_EPOCH..=SystemTime::now();
    let series = exemplars.collect(&scope, instrument, times);
    series.into_iter().flat_map(|series| series.exemplars).collect()
}

/// Runs a future with this store beside the providers of the capture.
async fn keeping<T>(capture: &Capture, exemplars: &Exemplars, work: impl Future<Output = T>) -> T {
    use opentelemetry::context::FutureExt;
    let inside = async { work.with_context(Context::current_with_value(exemplars.clone())).await };
    capture.run(inside).await
}

#[tokio::test]
async fn an_exemplar_of_a_database_call_has_the_ids_of_its_span() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let database = Database::new("postgresql");
    for _ in 0..3 {
        let call = database.query("SELECT 1").run(async { Ok::<_, std::fmt::Error>(1) });
        keeping(&capture, &exemplars, call).await.unwrap();
        let found = exemplars_of(&exemplars, "tracewire-span", "db.client.operation.duration");
        let spans = capture.spans();
        let last = spans.iter().last().unwrap();
        assert!(found.iter().any(|exemplar| {
            exemplar.span_id == last.span_id && exemplar.trace_id == last.trace_id
        }));
    }
}

#[tokio::test]
async fn a_failed_call_has_an_exemplar_of_its_own_series() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let database = Database::new("postgresql");
    let call = database.query("SELECT 1").run(async { Err::<u8, _>(std::fmt::Error) });
    keeping(&capture, &exemplars, call).await.unwrap_err();
    let found = exemplars_of(&exemplars, "tracewire-span", "db.client.operation.duration");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].span_id, capture.spans().only().span_id);
}

#[tokio::test]
async fn a_histogram_of_ones_own_has_exemplars_of_the_current_span() {
    static SIZE: Histogram = histogram!("shop.cart.size").boundaries(&[1.0, 10.0]);
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let attributes = [KeyValue::new("payment", "card")];
    keeping(&capture, &exemplars, async {
        SIZE.record(3.0, &attributes);
        span("checkout").in_scope(|| SIZE.record(5.0, &attributes));
    })
    .await;
    let found = exemplars_of(&exemplars, "tracewire-span", "shop.cart.size");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].value, found[0].span_id), (5.0, capture.spans().only().span_id));
    assert_eq!(capture.metrics().one("shop.cart.size").only().count, 2);
}

#[tokio::test]
async fn the_span_of_a_caller_is_no_exemplar() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let size = Histogram::new(Tracer::new("shop").version(env!("CARGO_PKG_VERSION")), "size");
    keeping(&capture, &exemplars, async {
        let (trace, span) = (TraceId::from(1), SpanId::from(1));
        let remote = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
        let _guard = Context::current().with_remote_span_context(remote).attach();
        size.record(1.0, &[]);
    })
    .await;
    assert!(exemplars_of(&exemplars, "shop", "size").is_empty());
    assert_eq!(capture.metrics().one("size").only().count, 1);
}

/// Threads that record and a reader that collects meet at the same buckets: an exemplar is always one
/// measurement, in its own bucket, with the span that it was taken in.
#[test]
fn measurements_and_collections_at_once_keep_whole_exemplars() {
    static SIZE: Histogram = histogram!("shop.order.size").boundaries(&[100.0, 200.0, 300.0]);
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 5_000;
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let value =
        |span: SpanId| f64::from(span.to_bytes()[7]) + f64::from(span.to_bytes()[6] % 2) * 256.0;
    let is_whole = |exemplar: &Exemplar| exemplar.value == value(exemplar.span_id);
    let measure = || {
        let _store = Context::current_with_value(exemplars.clone()).attach();
        for round in 0..ROUNDS {
            span("order").in_scope(|| {
                let span = Context::current().span().span_context().span_id();
                let payment = ["card", "cash"][round as usize % 2];
                SIZE.record(value(span), &[KeyValue::new("payment", payment)]);
            });
        }
    };
    std::thread::scope(|threads| {
        let measuring: Vec<_> =
            (0..THREADS).map(|_| threads.spawn(|| capture.in_scope(measure))).collect();
        while !measuring.iter().all(|thread| thread.is_finished()) {
            let found = exemplars_of(&exemplars, "tracewire-span", "shop.order.size");
            assert!(found.len() <= 2 * 4 && found.iter().all(is_whole), "{found:?}");
        }
    });
    let metrics = capture.metrics();
    let counted = metrics.one("shop.order.size").points.iter().map(|point| point.count);
    assert_eq!(counted.sum::<u64>(), u64::from(THREADS * ROUNDS));
    let found = exemplars_of(&exemplars, "tracewire-span", "shop.order.size");
    assert!(found.len() >= 2 && found.iter().all(is_whole), "{found:?}");
}
