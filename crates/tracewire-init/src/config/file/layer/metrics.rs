//! `meter_provider`.

use opentelemetry_sdk::metrics::Temporality;

use super::{Mapper, views};
use crate::builder::{HistogramAggregation, Maker, Metrics, MetricsExporter, Prometheus};
use crate::config::file::schema::{
    self, MeterProvider, MetricExporter, MetricTarget, Periodic, PullExporter, Reader, Tracewire,
};
use crate::config::own_metrics::{self, OwnMetrics};

/// Without the node there is no provider.
pub(super) fn metrics(
    provider: Option<&MeterProvider>,
    ours: Option<&Tracewire>,
    mapper: &Mapper<'_>,
) -> Metrics {
    let Some(provider) = provider else {
        return Metrics { exporters: mapper.given_by_file(Vec::new()), ..Metrics::default() };
    };
    let own = ours.and_then(|ours| mapper.setting(&ours.metrics, |groups| groups));
    let mut metrics = Metrics {
        process_metrics: own_metrics::is_named(&own, OwnMetrics::Process),
        runtime_metrics: own_metrics::is_named(&own, OwnMetrics::Runtime),
        self_metrics: own_metrics::is_named(&own, OwnMetrics::Telemetry),
        ..Metrics::default()
    };
    let mut exporters = Vec::new();
    for reader in &provider.readers {
        match reader {
            Reader::Periodic(periodic) => {
                exporters.extend(exporter(periodic, mapper));
                let histograms = mapper.setting(&periodic.exporter.histograms, aggregation);
                metrics.histograms = metrics.histograms.or(histograms);
            }
            Reader::Pull(pull) => match &pull.exporter {
                PullExporter::Prometheus(page) => {
                    exporters.push(MetricsExporter::prometheus_with(Prometheus {
                        host: mapper.setting(&page.host, |host| host),
                        port: mapper.setting(&page.port, |port| port),
                        is_mounted: None,
                    }));
                }
                PullExporter::Custom(node) => {
                    metrics.readers.extend(mapper.make(node, |maker| match maker {
                        Maker::MetricReader(make) => Some(make),
                        _ => None,
                    }));
                }
            },
        }
    }
    metrics.exporters = mapper.given(&provider.place, exporters);
    if provider.exemplars_are_off {
        metrics.exemplars = mapper.given(&provider.place, false);
    }
    metrics.file_views = mapper.given(&provider.place, views::views(provider));
    metrics
}

fn exporter(periodic: &Periodic, mapper: &Mapper<'_>) -> Option<MetricsExporter> {
    let MetricExporter { target, temporality, .. } = &periodic.exporter;
    let mut exporter = match target {
        MetricTarget::Otlp(otlp) => MetricsExporter::otlp_with(mapper.otlp(otlp)),
        MetricTarget::OtlpFile(node) => MetricsExporter::otlp_file_with(mapper.otlp_file(node)),
        MetricTarget::Console(_) => MetricsExporter::console(),
        MetricTarget::Custom(node) => mapper.make(node, |maker| match maker {
            Maker::MetricExporter(make) => Some(make),
            _ => None,
        })?,
    };
    exporter.interval = mapper.setting(&periodic.interval, |interval| interval);
    exporter.timeout = mapper.setting(&periodic.timeout, |timeout| timeout);
    exporter.temporality = mapper.setting(temporality, |temporality| match temporality {
        schema::Temporality::Cumulative => Temporality::Cumulative,
        schema::Temporality::Delta => Temporality::Delta,
        schema::Temporality::LowMemory => Temporality::LowMemory,
    });
    Some(exporter)
}

fn aggregation(histograms: schema::Histograms) -> HistogramAggregation {
    match histograms {
        schema::Histograms::ExplicitBuckets => HistogramAggregation::ExplicitBuckets,
        schema::Histograms::Base2Exponential => HistogramAggregation::Base2Exponential,
    }
}
