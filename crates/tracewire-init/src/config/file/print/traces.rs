//! `tracer_provider`.

use super::otlp::{otlp, url_of};
use super::otlp_file::otlp_file;
use super::processors::{batch, console, is_nowhere};
use super::sampler::sampler;
use super::yaml::Yaml;
use crate::TracesExporter;
use crate::builder::{Traces, TracesKind, Zipkin};
use crate::config::otlp::Signal;

pub(super) fn traces(traces: &Traces, yaml: &mut Yaml) {
    let exporters = traces.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "tracer_provider", yaml) {
        return;
    }
    let default = vec![TracesExporter::otlp()];
    yaml.line(0, "tracer_provider:");
    yaml.line(1, "processors:");
    for exporter in exporters.unwrap_or(&default) {
        match &exporter.kind {
            TracesKind::Console => console(yaml),
            TracesKind::OtlpFile(own) => {
                batch(&traces.batching, yaml);
                otlp_file(own, &traces.otlp, yaml);
            }
            TracesKind::Zipkin(_) => {
                batch(&traces.batching, yaml);
                zipkin(&traces.zipkin, yaml);
            }
            _ => {
                batch(&traces.batching, yaml);
                otlp(5, &traces.otlp, Signal::Traces, yaml);
            }
        }
    }
    limits(traces, yaml);
    if let Some(given) = &traces.sampler {
        sampler(&given.value, yaml);
    }
}

fn zipkin(zipkin: &Zipkin, yaml: &mut Yaml) {
    yaml.line(5, "zipkin:");
    if let Some(given) = &zipkin.endpoint {
        yaml.line(6, &format!("endpoint: {}", url_of(&given.value, "", &given.origin)));
    }
    yaml.duration(6, "timeout", &zipkin.timeout);
}

fn limits(traces: &Traces, yaml: &mut Yaml) {
    let limits = [
        ("attribute_value_length_limit", &traces.value_length),
        ("attribute_count_limit", &traces.attributes),
        ("event_count_limit", &traces.events),
        ("link_count_limit", &traces.links),
        ("event_attribute_count_limit", &traces.event_attributes),
        ("link_attribute_count_limit", &traces.link_attributes),
    ];
    if limits.iter().any(|(_, limit)| limit.is_some()) {
        yaml.line(1, "limits:");
    }
    for (key, limit) in limits {
        yaml.number(2, key, limit);
    }
}
