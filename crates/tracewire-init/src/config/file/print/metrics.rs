//! `meter_provider`.

use opentelemetry_sdk::metrics::Temporality;

use super::otlp::otlp;
use super::otlp_file::otlp_file;
use super::processors::is_nowhere;
use super::yaml::{Yaml, quoted};
use crate::MetricsExporter;
use crate::builder::{HistogramAggregation, Metrics, MetricsKind};
use crate::config::otlp::Signal;

const HISTOGRAMS: &str = "default_histogram_aggregation";

pub(super) fn metrics(metrics: &Metrics, yaml: &mut Yaml) {
    let exporters = metrics.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "meter_provider", yaml) {
        return;
    }
    let default = vec![MetricsExporter::otlp()];
    let exporters = exporters.unwrap_or(&default);
    // All readers need the same, and a page has none.
    let is_page = |exporter: &MetricsExporter| matches!(exporter.kind, MetricsKind::Prometheus(_));
    let has_page = exporters.iter().any(is_page);
    // Without OTLP the variable has no effect.
    let is_otlp =
        |kind: &MetricsKind| matches!(kind, MetricsKind::Otlp(_) | MetricsKind::OtlpFile(_));
    let has_otlp = exporters.iter().any(|exporter| is_otlp(&exporter.kind));
    let histograms = if has_page || !has_otlp { &None } else { &metrics.histograms };
    if has_page && metrics.histograms.is_some() {
        yaml.line(0, "# no default_histogram_aggregation beside prometheus: use a view");
    }
    yaml.line(0, "meter_provider:");
    yaml.line(1, "readers:");
    for exporter in exporters {
        if let MetricsKind::Prometheus(_) = exporter.kind {
            yaml.line(2, "- pull:");
            yaml.line(4, "exporter:");
            yaml.line(5, "prometheus/development:");
            yaml.value(6, "host", &metrics.prometheus.host, |host| quoted(host));
            yaml.number(6, "port", &metrics.prometheus.port);
            continue;
        }
        yaml.line(2, "- periodic:");
        yaml.duration(4, "interval", &metrics.interval);
        if let MetricsKind::Console = exporter.kind {
            yaml.line(4, "exporter:");
            yaml.line(5, "console:");
            yaml.value(6, HISTOGRAMS, histograms, aggregation);
            continue;
        }
        yaml.duration(4, "timeout", &metrics.timeout);
        yaml.line(4, "exporter:");
        let depth = match &exporter.kind {
            MetricsKind::OtlpFile(own) => otlp_file(own, &metrics.otlp, yaml),
            _ => otlp(5, &metrics.otlp, Signal::Metrics, yaml),
        };
        yaml.value(depth, "temporality_preference", &metrics.temporality, |found| match found {
            Temporality::Delta => "delta".to_owned(),
            Temporality::LowMemory => "low_memory".to_owned(),
            _ => "cumulative".to_owned(),
        });
        yaml.value(depth, HISTOGRAMS, histograms, aggregation);
    }
    if metrics.exemplars.as_ref().is_some_and(|given| !given.value) {
        yaml.line(1, "exemplar_filter: always_off");
    }
}

fn aggregation(aggregation: &HistogramAggregation) -> String {
    let words = HistogramAggregation::WORDS.into_iter();
    let word = words.filter(|(_, known)| known == aggregation).map(|(word, _)| word).next();
    word.unwrap_or("explicit_bucket_histogram").to_owned()
}
