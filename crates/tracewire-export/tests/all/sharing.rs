//! One span for all that take it.

use opentelemetry::trace::{Span as _, SpanContext, SpanId, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData},
};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use tracewire_export::{Batch, BatchSpanProcessor, Exports, OtlpExporter, SpanSink};
use tracewire_testing::{Answer, Collector};

/// Keeps what it was offered.
#[derive(Debug, Default)]
struct Kept {
    started: Mutex<Vec<SpanId>>,
    spans: Mutex<Vec<(Arc<SpanData>, usize)>>,
    resource: Mutex<Option<Resource>>,
    flushed: Mutex<u32>,
}

impl SpanSink for Kept {
    fn start(&self, span: &SpanContext) {
        self.started.lock().unwrap().push(span.span_id());
    }

    fn offer(&self, span: &Arc<SpanData>, bytes: usize) {
        self.spans.lock().unwrap().push((Arc::clone(span), bytes));
    }

    fn set_resource(&self, resource: &Resource) {
        *self.resource.lock().unwrap() = Some(resource.clone());
    }

    fn flush(&self, deadline: Instant) -> OTelSdkResult {
        assert!(deadline > Instant::now());
        *self.flushed.lock().unwrap() += 1;
        Ok(())
    }
}

#[test]
fn a_span_is_shared_by_all_queues_and_sinks_and_released_as_it_is_written() {
    let collectors = [Collector::answering(Answer::Hang), Collector::start()];
    let (exports, kept) = (Exports::new(), Arc::new(Kept::default()));
    let mut processor = BatchSpanProcessor::new(&exports).sink(Arc::clone(&kept) as _);
    for collector in &collectors {
        let otlp = OtlpExporter::new(format!("{}/v1/traces", collector.endpoint()));
        processor = processor.otlp(otlp, Batch::spans()).unwrap();
    }
    let resource = Resource::builder_empty().with_service_name("shop").build();
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build();
    provider.tracer("test").start("work").end();
    let (span, bytes) = kept.spans.lock().unwrap()[0].clone();
    assert_eq!(*kept.started.lock().unwrap(), [span.span_context.span_id()]);
    assert!(bytes >= size_of::<SpanData>());
    assert_eq!(kept.resource.lock().unwrap().as_ref().map(Resource::len), Some(1));
    // Both queues have it, this test and the sink: nobody made a copy.
    assert_eq!(Arc::strong_count(&span), 4);
    // The one that hangs has its body and not the span any more.
    let _ = std::thread::scope(|scope| {
        let flush = scope.spawn(|| provider.force_flush());
        collectors[0].received_requests(1).block();
        collectors[1].received(1).block();
        assert_eq!(Arc::strong_count(&span), 2);
        collectors[0].answer(Answer::Accept);
        drop(collectors);
        flush.join().unwrap()
    });
    assert_eq!(*kept.flushed.lock().unwrap(), 1);
    let _ = provider.shutdown();
    // A sink is flushed at the end unless it does something else.
    assert_eq!(*kept.flushed.lock().unwrap(), 2);
}

#[test]
fn spans_that_are_not_sampled_reach_nobody() {
    let kept = Arc::new(Kept::default());
    let processor = BatchSpanProcessor::new(&Exports::new()).sink(Arc::clone(&kept) as _);
    let provider = SdkTracerProvider::builder()
        .with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff)
        .with_span_processor(processor)
        .build();
    provider.tracer("test").start("work").end();
    assert!(kept.spans.lock().unwrap().is_empty() && kept.started.lock().unwrap().is_empty());
}
