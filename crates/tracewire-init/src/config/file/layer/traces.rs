//! `tracer_provider`.

use super::{Mapper, sampler};
use crate::builder::{Batching, Maker, Traces, TracesExporter, Zipkin};
use crate::config::file::schema::{AttributeLimits, Processor, SpanExporter, TracerProvider};

/// Without the node there is no provider.
pub(super) fn traces(
    provider: Option<&TracerProvider>,
    general: Option<&AttributeLimits>,
    mapper: &Mapper<'_>,
) -> Traces {
    let Some(provider) = provider else {
        return Traces {
            exporters: mapper.given_by_file(Vec::new()),
            has_provider: mapper.given_by_file(false),
            ..Traces::default()
        };
    };
    let mut traces = limits(provider, general, mapper);
    let mut exporters = Vec::new();
    for processor in &provider.processors {
        let (exporter, batching) = match processor {
            Processor::Batch(batch) => (&batch.exporter, mapper.batching(batch)),
            // The console has no batches.
            Processor::Simple { exporter: exporter @ SpanExporter::Console(_), .. } => {
                (exporter, Batching::default())
            }
            Processor::Simple { exporter, place } => (exporter, mapper.one_by_one(place)),
            Processor::Custom(node) => {
                let made = mapper.make(node, |maker| match maker {
                    Maker::SpanProcessor(make) => Some(make),
                    _ => None,
                });
                // Those before the exporters may change what is exported.
                let first = exporters.is_empty();
                if first { &mut traces.processors_first } else { &mut traces.processors }
                    .extend(made);
                continue;
            }
        };
        exporters.extend(exporter_of(exporter, mapper).map(|made| made.batching(batching)));
    }
    traces.exporters = mapper.given(&provider.place, exporters);
    traces.sampler =
        provider.sampler.as_ref().and_then(|sampler| sampler::choice(sampler, provider, mapper));
    traces.id_generator = provider.id_generator.as_ref().and_then(|node| {
        let made = mapper.make(node, |maker| match maker {
            Maker::IdGenerator(make) => Some(make),
            _ => None,
        });
        mapper.given(&node.place, made?)
    });
    traces
}

fn limits(
    provider: &TracerProvider,
    general: Option<&AttributeLimits>,
    mapper: &Mapper<'_>,
) -> Traces {
    let own = provider.limits.as_ref();
    let attributes = own.map(|limits| &limits.attributes);
    let count = mapper.limit(attributes, general, |limits| &limits.count);
    let of_general = || mapper.limit(None, general, |limits| &limits.count);
    let limit = |given: Option<_>| given.and_then(|given| mapper.setting(given, |limit| limit));
    Traces {
        attributes: count,
        value_length: mapper.limit(attributes, general, |limits| &limits.value_length),
        events: limit(own.map(|limits| &limits.events)),
        links: limit(own.map(|limits| &limits.links)),
        event_attributes: limit(own.map(|limits| &limits.event_attributes)).or_else(of_general),
        link_attributes: limit(own.map(|limits| &limits.link_attributes)).or_else(of_general),
        ..Traces::default()
    }
}

fn exporter_of(exporter: &SpanExporter, mapper: &Mapper<'_>) -> Option<TracesExporter> {
    Some(match exporter {
        SpanExporter::Otlp(otlp) => TracesExporter::otlp_with(mapper.otlp(otlp)),
        SpanExporter::OtlpFile(node) => TracesExporter::otlp_file_with(mapper.otlp_file(node)),
        SpanExporter::Console(_) => TracesExporter::console(),
        SpanExporter::Zipkin(zipkin) => TracesExporter::zipkin_with(Zipkin {
            endpoint: mapper.setting(&zipkin.endpoint, Into::into),
            timeout: mapper.setting(&zipkin.timeout, |timeout| timeout),
            http_client: None,
        }),
        SpanExporter::Custom(node) => mapper.make(node, |maker| match maker {
            Maker::SpanExporter(make) => Some(make),
            _ => None,
        })?,
    })
}
