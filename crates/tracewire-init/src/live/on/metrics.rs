//! The process's metrics, read on demand while a browser shows them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};
use tracewire_export::wiring::quietly;
use tracewire_live::MetricRow;
use tracewire_text::shortened;

/// Rows that are made at most.
const MOST_ROWS: usize = 2_000;
const MOST_TEXT: usize = 256;

/// A reader of a meter provider. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct MetricRows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: ManualReader,
    /// Whether it reads through the reader of an exporter.
    is_taken: AtomicBool,
}

/// The reader of an exporter, whose sums the page reads as well.
#[derive(Debug)]
pub(super) struct Through<R> {
    reader: R,
    rows: MetricRows,
}

/// Whether the sums of a reader count since the start. Others begin anew whenever they are read, so a
/// second one who reads them would take them from the first.
pub(super) fn is_cumulative(reader: &impl MetricReader) -> bool {
    [InstrumentKind::Counter, InstrumentKind::UpDownCounter, InstrumentKind::Histogram]
        .into_iter()
        .all(|kind| reader.temporality(kind) == Temporality::Cumulative)
}

impl MetricRows {
    pub(super) fn new() -> Self {
        let reader = ManualReader::builder().with_temporality(Temporality::Cumulative).build();
        Self(Arc::new(Inner { reader, is_taken: AtomicBool::new(false) }))
    }

    /// Reads through a reader from here on.
    pub(super) fn through<R>(&self, reader: R) -> Through<R> {
        self.0.is_taken.store(true, Relaxed);
        Through { reader, rows: self.clone() }
    }

    pub(super) fn is_taken(&self) -> bool {
        self.0.is_taken.load(Relaxed)
    }

    /// The current values; none after the shutdown.
    pub(super) fn rows(&self) -> Vec<MetricRow> {
        let mut metrics = ResourceMetrics::default();
        // Callbacks of instruments run here, and are other people's code.
        if quietly(|| self.0.reader.collect(&mut metrics)).is_err() {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
            let mut add = |kind: &str, attributes: &mut dyn Iterator<Item = &KeyValue>, point| {
                if rows.len() < MOST_ROWS {
                    rows.push(row(metric, kind, attributes, point));
                }
            };
            match metric.data() {
                AggregatedMetrics::F64(data) => points(data, |value| value, &mut add),
                AggregatedMetrics::U64(data) => points(data, |value| value as f64, &mut add),
                AggregatedMetrics::I64(data) => points(data, |value| value as f64, &mut add),
            }
        }
        rows
    }
}

/// A value and, of a histogram, how many values it is the mean of.
type Point = (f64, Option<u64>);
type Add<'a> = dyn FnMut(&str, &mut dyn Iterator<Item = &KeyValue>, Point) + 'a;

fn points<T: Copy>(data: &MetricData<T>, number: impl Fn(T) -> f64, add: &mut Add<'_>) {
    let mean = |sum: T, count: u64| {
        let value = if count == 0 { 0.0 } else { number(sum) / count as f64 };
        (value, Some(count))
    };
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                add("gauge", &mut point.attributes(), (number(point.value()), None));
            }
        }
        MetricData::Sum(sum) => {
            let kind = if sum.is_monotonic() { "counter" } else { "updowncounter" };
            for point in sum.data_points() {
                add(kind, &mut point.attributes(), (number(point.value()), None));
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                add("histogram", &mut point.attributes(), mean(point.sum(), point.count()));
            }
        }
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                let count = point.count() as u64;
                add("histogram", &mut point.attributes(), mean(point.sum(), count));
            }
        }
    }
}

fn row(
    metric: &Metric,
    kind: &str,
    attributes: &mut dyn Iterator<Item = &KeyValue>,
    (value, count): Point,
) -> MetricRow {
    let text = |text: &str| shortened(text, MOST_TEXT);
    MetricRow {
        name: text(metric.name()),
        unit: text(metric.unit()),
        kind: kind.to_owned(),
        attributes: attributes
            .map(|pair| (text(pair.key.as_str()), text(&pair.value.as_str())))
            .collect(),
        value,
        count,
    }
}

impl MetricReader for MetricRows {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.reader.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.reader.temporality(kind)
    }
}

impl<R: MetricReader> MetricReader for Through<R> {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.rows.register_pipeline(Weak::clone(&pipeline));
        self.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let result = self.reader.shutdown_with_timeout(timeout);
        // After the last export, which reads once more.
        let _ = self.rows.shutdown_with_timeout(timeout);
        result
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.reader.temporality(kind)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    #[test]
    fn the_page_reads_through_an_exporters_reader_and_takes_nothing_from_it() {
        let (rows, exporter) = (MetricRows::new(), MetricRows::new());
        let through = rows.through(exporter.clone());
        assert!(rows.is_taken() && is_cumulative(&through));
        let provider = SdkMeterProvider::builder().with_reader(through).build();
        let counter = provider.meter("test").u64_counter("lamps").build();
        for total in [7.0, 14.0] {
            counter.add(7, &[]);
            for reader in [&rows, &rows, &exporter] {
                let values: Vec<_> = reader.rows().into_iter().map(|row| row.value).collect();
                assert_eq!(values, [total]);
            }
        }
        provider.shutdown().unwrap();
        assert_eq!(rows.rows().len(), 0);
    }

    #[test]
    fn a_reader_whose_sums_begin_anew_is_not_read_through() {
        for (temporality, expected) in [
            (Temporality::Cumulative, true),
            (Temporality::Delta, false),
            (Temporality::LowMemory, false),
        ] {
            let reader = ManualReader::builder().with_temporality(temporality).build();
            assert_eq!(is_cumulative(&reader), expected, "{temporality:?}");
        }
    }
}
