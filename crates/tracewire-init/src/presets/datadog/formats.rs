//! Which headers are read and written, and what becomes of the trace in them.

use std::time::Duration;

use opentelemetry::trace::{Span as _, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::config::extraction::Restarted;
use crate::config::propagators::Formats;
use crate::settings::{Given, Setting};
use crate::variables::{Reader, map};

pub(super) const STYLE: &str = "DD_TRACE_PROPAGATION_STYLE";
pub(super) const STYLE_EXTRACT: &str = "DD_TRACE_PROPAGATION_STYLE_EXTRACT";
pub(super) const STYLE_INJECT: &str = "DD_TRACE_PROPAGATION_STYLE_INJECT";

/// `…_EXTRACT` and `…_INJECT` win over the style for both.
pub(super) fn styles(reader: &mut Reader<'_>) -> Setting<Formats> {
    let mut style = |name| map(reader.raw(name), |style| standard(&style));
    let (both, extract, inject) = (style(STYLE), style(STYLE_EXTRACT), style(STYLE_INJECT));
    match extract.as_ref().or(inject.as_ref()) {
        None => map(both, Formats::Named),
        Some(Given { origin, .. }) => {
            let origin = origin.clone();
            let formats = Formats::Split {
                extract: extract.or_else(|| both.clone()),
                inject: inject.or(both),
            };
            Some(Given { value: formats, origin })
        }
    }
}

/// Datadog's names of styles as names of propagators.
fn standard(style: &str) -> String {
    let words = style.split(',').map(|word| match word.trim().to_ascii_lowercase().as_str() {
        "b3 single header" | "b3single" => "b3".to_owned(),
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(",")
}

/// Links the first span of a trace to the caller's, where a new trace begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestartLinks;

impl SpanProcessor for RestartLinks {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if context.span().span_context().is_valid() {
            return; // below another span
        }
        if let Some(Restarted(caller)) = context.get() {
            let reason = KeyValue::new("reason", "propagation_behavior_extract");
            span.add_link(caller.clone(), vec![reason]);
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceFlags, TraceState, Tracer as _, TracerProvider as _,
    };
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    #[test]
    fn the_first_span_of_a_new_trace_links_to_the_caller_s() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(RestartLinks)
            .with_simple_exporter(exporter.clone())
            .build();
        let caller = SpanContext::new(
            7.into(),
            SpanId::from(7),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let context = Context::new().with_value(Restarted(caller.clone()));
        let tracer = provider.tracer("test");
        let request = tracer.start_with_context("request", &context);
        let inside = context.with_span(request);
        drop(tracer.start_with_context("work", &inside));
        drop(inside);
        let spans = exporter.get_finished_spans().unwrap();
        let links = |name: &str| {
            let span = spans.iter().find(|span| span.name == name).unwrap();
            span.links.iter().map(|link| link.span_context.clone()).collect::<Vec<_>>()
        };
        assert_eq!((links("request"), links("work")), (vec![caller], vec![]));
    }
}
