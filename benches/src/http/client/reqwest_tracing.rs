//! `reqwest-tracing`, whose newest OpenTelemetry is 0.32.

use crate::http::{
    Case, Records, Side, Variant,
    client::Client,
    subscriber::admitted,
    telemetry::{QUEUE, Seen, Telemetry},
};
use opentelemetry_032::{
    Context, SpanId, TraceFlags, TraceId, global,
    trace::{SpanContext, TraceContextExt, TraceState, TracerProvider},
};
use opentelemetry_sdk_032::{
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
};
use reqwest_tracing::TracingMiddleware;
use std::{
    future::{Future, ready},
    sync::OnceLock,
};
use tracing_subscriber::{layer::SubscriberExt, registry::Registry};

pub(super) const VARIANT: Variant = Variant {
    name: "reqwest-tracing",
    records: Records::Span,
    side: Side::Client(Client { set_up, wrap: |client| client.with(TracingMiddleware::default()) }),
};

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

fn set_up(case: &Case, telemetry: &mut Telemetry) {
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
    let processor = BatchSpanProcessor::builder(Exporter(telemetry.seen.clone()))
        .with_batch_config(config)
        .build();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    let layer = tracing_opentelemetry_033::layer().with_tracer(provider.tracer("subscriber"));
    tracing::subscriber::set_global_default(Registry::default().with(admitted()).with(layer))
        .expect("this process has set none before");
    global::set_text_map_propagator(TraceContextPropagator::new());
    // Its OpenTelemetry does not see what is current in ours.
    let flags = if case.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let (trace_id, span_id) = (TraceId::from(0x0af7_6519_16cd_43dd), SpanId::from(0xb7ad_6b71));
    let span = SpanContext::new(trace_id, span_id, flags, false, TraceState::NONE);
    std::mem::forget(Context::new().with_remote_span_context(span).attach());
    PROVIDER.set(provider).expect("this process has set none before");
    telemetry.flush_others = || {
        let flushed = PROVIDER.get().map(SdkTracerProvider::force_flush);
        flushed.transpose().expect("the exporter never fails");
    };
}

#[derive(Debug)]
struct Exporter(Seen);

impl SpanExporter for Exporter {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        if let Some(last) = batch.last() {
            let attributes =
                last.attributes.iter().map(|own| (own.key.to_string(), own.value.to_string()));
            self.0.span(&last.name, attributes, String::new(), batch.len());
        }
        ready(Ok(()))
    }
}
