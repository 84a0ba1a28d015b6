//! Spans of one test, written down as text.

use opentelemetry::trace::SpanId;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracewire_span::provider;

pub(crate) struct Recorder {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Self { exporter, provider }
    }

    pub(crate) fn provider(&self) -> SdkTracerProvider {
        self.provider.clone()
    }

    /// A context whose spans come here.
    pub(crate) fn context(&self) -> Context {
        provider::with_provider(&Context::new(), self.provider())
    }

    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("no exporter panicked")
    }

    /// Every ended span with all that it holds, in the order of their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let spans = self.spans();
        spans.iter().map(|span| line(span, &spans)).collect()
    }
}

fn line(span: &SpanData, all: &[SpanData]) -> String {
    let parent = match all.iter().find(|other| other.span_context.span_id() == span.parent_span_id)
    {
        Some(parent) => parent.name.as_ref(),
        None if span.parent_span_id == SpanId::INVALID => "-",
        None => "?",
    };
    let events: Vec<_> = span
        .events
        .iter()
        .map(|event| format!(" !{}{}", event.name, attributes(&event.attributes)))
        .collect();
    format!(
        "{parent} > {} {:?} {:?} {}{}",
        span.name,
        span.span_kind,
        span.status,
        attributes(&span.attributes),
        events.concat()
    )
}

fn attributes(attributes: &[KeyValue]) -> String {
    let mut pairs: Vec<_> =
        attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
    pairs.sort();
    format!("{{{}}}", pairs.join(", "))
}
