//! Calls whose text was seen before, under parents that are sampled or not.

use opentelemetry::{
    Context, global,
    trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    },
    trace::{InMemorySpanExporter, Sampler, SdkTracerProvider},
};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tracewire_propagation::{
    default_propagator,
    providers::{Binding, Unboxed},
    set_default, set_drop_unsampled,
};
use tracewire_span::{current, database::Database, provider, span};

static DB: Database = Database::new("sqlite").namespace("shop");

struct Sdk {
    tracer_provider: SdkTracerProvider,
    spans: InMemorySpanExporter,
    meter_provider: SdkMeterProvider,
    metrics: InMemoryMetricExporter,
}

impl Sdk {
    fn new(sampler: Sampler) -> Self {
        let spans = InMemorySpanExporter::default();
        let metrics = InMemoryMetricExporter::default();
        Self {
            tracer_provider: SdkTracerProvider::builder()
                .with_simple_exporter(spans.clone())
                .with_sampler(sampler)
                .build(),
            spans,
            meter_provider: SdkMeterProvider::builder()
                .with_reader(PeriodicReader::builder(metrics.clone()).build())
                .build(),
            metrics,
        }
    }

    /// As `init` does.
    fn set(&self, drops_unsampled: bool) {
        global::set_tracer_provider(Unboxed(self.tracer_provider.clone()));
        global::set_meter_provider(Binding(self.meter_provider.clone()));
        set_drop_unsampled(drops_unsampled);
        set_default(default_propagator());
    }

    fn names(&self) -> Vec<String> {
        let spans = self.spans.get_finished_spans().expect("exporters in memory never fail");
        spans.into_iter().map(|span| span.name.into_owned()).collect()
    }

    /// How many durations there are of each outcome.
    fn durations(&self) -> Vec<(String, u64)> {
        self.meter_provider.force_flush().expect("exporters in memory never fail");
        let exports = self.metrics.get_finished_metrics().expect("exporters in memory never fail");
        let metrics = exports.last().into_iter().flat_map(|export| export.scope_metrics());
        let mut found = Vec::new();
        for metric in metrics.flat_map(|scope| scope.metrics()) {
            if let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() {
                for point in histogram.data_points() {
                    let error = point.attributes().find(|own| own.key.as_str() == "error.type");
                    let error = error.map_or(String::new(), |own| own.value.to_string());
                    found.push((error, point.count()));
                }
            }
        }
        found.sort();
        found
    }
}

fn parent(flags: TraceFlags) -> Context {
    let ids = (TraceId::from(1), SpanId::from(2));
    let caller = SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(caller)
}

async fn call(result: Result<u8, fmt::Error>) -> (Result<u8, fmt::Error>, SpanContext) {
    let mut inside = SpanContext::NONE;
    let work = async {
        tokio::task::yield_now().await;
        inside = current().span_context();
        result
    };
    let code = |_: &fmt::Error| Some(String::from("5"));
    let result = DB.query("SELECT a FROM b WHERE c = 'x'").run_with_code(work, code).await;
    (result, inside)
}

/// All in one, because providers are the process's.
#[tokio::test]
async fn calls_follow_the_process() {
    // Without an SDK, and then with one: nothing from before stays.
    assert!(call(Ok(1)).await.0.is_ok());
    let first = Sdk::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    first.set(true);

    // Bound from the second call on; failures are series of their own.
    for n in 0..5 {
        assert!(call(Ok(n)).await.0.is_ok());
    }
    assert!(call(Err(fmt::Error)).await.0.is_err());
    assert_eq!(first.names(), ["SELECT b"; 6]);
    assert_eq!(first.durations(), [(String::new(), 5), ("5".to_owned(), 1)]);
    for span in first.spans.get_finished_spans().unwrap() {
        assert!(!format!("{span:?}").contains("'x'"), "{span:?}");
    }

    // Under a parent that was not sampled the work runs in the parent, and is measured.
    let refused = parent(TraceFlags::NOT_SAMPLED);
    let inside = span("carry").parent(refused.clone()).start();
    for context in [refused.clone(), inside.context().clone()] {
        let expected = context.span().span_context().clone();
        assert_eq!(call(Ok(1)).with_context(context).await.1, expected);
    }
    assert_eq!(first.names().len(), 6);
    assert_eq!(first.durations()[0].1, 7);

    // A panic there ends nothing of the parent's.
    let _attached = refused.clone().attach();
    let broken = async { if true { panic!("broken") } else { Ok::<u8, fmt::Error>(1) } };
    let mut broken = Box::pin(DB.query("COMMIT").run(broken));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| broken.as_mut().poll(&mut cx).is_ready())).is_err());
    drop((broken, _attached));
    assert!(first.durations().contains(&("panic".to_owned(), 1)));

    // A sampler that ignores the parent is asked, and what it keeps has all attributes.
    let second = Sdk::new(Sampler::AlwaysOn);
    second.set(false);
    assert!(call(Ok(1)).with_context(refused.clone()).await.0.is_ok());
    let spans = second.spans.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].name, "SELECT b");
    let keys: Vec<_> = spans[0].attributes.iter().map(|own| own.key.as_str()).collect();
    let expected = ["db.system.name", "db.namespace", "db.query.summary", "db.query.text"];
    assert_eq!(keys, expected);
    assert_eq!(second.durations(), [(String::new(), 1)]);

    // A provider that the context carries is asked even under a parent that was not sampled.
    second.set(true);
    let tenant = Sdk::new(Sampler::AlwaysOn);
    let context = provider::with_provider(&refused, tenant.tracer_provider.clone());
    assert!(call(Ok(1)).with_context(context).await.0.is_ok());
    assert_eq!(tenant.names(), ["SELECT b"]);
}
