//! The latest values of the metrics that were received.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use tracewire_live::MetricRow;
use tracewire_text::cut;

/// Series that are kept. Further ones are counted as received and not shown.
const MOST_SERIES: usize = 2_000;
const MOST_ATTRIBUTES: usize = 32;
const MOST_TEXT: usize = 256;
/// OTLP's number for values that count from the export before.
const DELTA: i32 = 1;

/// A name and its attributes, the service's name first.
type Series = (String, Vec<(String, String)>);

/// Keeps the latest value of each series.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<BTreeMap<Series, MetricRow>>);

/// A value of one series.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    value: f64,
    count: Option<u64>,
}

impl Metrics {
    pub(crate) fn rows(&self) -> Vec<MetricRow> {
        self.lock().values().cloned().collect()
    }

    /// Takes a metric of a service, and returns how many points it had.
    pub(crate) fn take(&self, service: &str, metric: Metric) -> u64 {
        let service =
            (!service.is_empty()).then(|| ("service.name".to_owned(), service.to_owned()));
        let Metric { name, unit, data, .. } = metric;
        let mut points = 0;
        let mut note = |kind: &str, is_delta: bool, attributes: &[KeyValue], point: Point| {
            points += 1;
            let own = attributes.iter().take(MOST_ATTRIBUTES).map(pair_text);
            let attributes: Vec<_> = service.clone().into_iter().chain(own).collect();
            let row = MetricRow {
                name: cut(&*name, MOST_TEXT).into_owned(),
                unit: cut(&*unit, MOST_TEXT).into_owned(),
                kind: kind.to_owned(),
                attributes,
                value: point.value,
                count: point.count,
            };
            self.keep(row, is_delta);
        };
        match data {
            None => {}
            Some(Data::Gauge(gauge)) => {
                for point in gauge.data_points {
                    note("gauge", false, &point.attributes, number(&point));
                }
            }
            Some(Data::Sum(sum)) => {
                let kind = if sum.is_monotonic { "counter" } else { "updowncounter" };
                let is_delta = sum.aggregation_temporality == DELTA;
                for point in sum.data_points {
                    note(kind, is_delta, &point.attributes, number(&point));
                }
            }
            Some(Data::Histogram(histogram)) => {
                for point in histogram.data_points {
                    let mean = mean(point.sum.unwrap_or_default(), point.count);
                    note("histogram", false, &point.attributes, mean);
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                for point in histogram.data_points {
                    let mean = mean(point.sum.unwrap_or_default(), point.count);
                    note("histogram", false, &point.attributes, mean);
                }
            }
            Some(Data::Summary(summary)) => {
                for point in summary.data_points {
                    note("histogram", false, &point.attributes, mean(point.sum, point.count));
                }
            }
        }
        points
    }

    fn keep(&self, mut row: MetricRow, is_delta: bool) {
        let mut rows = self.lock();
        let series = (row.name.clone(), row.attributes.clone());
        let known = rows.get(&series).map(|known| known.value);
        if known.is_none() && rows.len() >= MOST_SERIES {
            return;
        }
        if is_delta {
            row.value += known.unwrap_or_default();
        }
        rows.insert(series, row);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Series, MetricRow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(point: &NumberDataPoint) -> Point {
    let value = match point.value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        #[expect(clippy::cast_precision_loss, reason = "it is drawn, not counted with")]
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        None => 0.0,
    };
    Point { value, count: None }
}

fn mean(sum: f64, count: u64) -> Point {
    #[expect(clippy::cast_precision_loss, reason = "it is drawn, not counted with")]
    let value = if count == 0 { 0.0 } else { sum / count as f64 };
    Point { value, count: Some(count) }
}

fn pair_text(pair: &KeyValue) -> (String, String) {
    let value = pair.value.as_ref().map(text).unwrap_or_default();
    (cut(&*pair.key, MOST_TEXT).into_owned(), cut(value, MOST_TEXT).into_owned())
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
