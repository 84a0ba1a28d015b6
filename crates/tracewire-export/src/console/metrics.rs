//! Metrics as short lines.

use super::paint::Paint;
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogramDataPoint, HistogramDataPoint, MetricData,
    ResourceMetrics, ScopeMetrics,
};
use std::fmt::{Display, Write as _};
use tracewire_text::{printable, shortened};

const MOST_VALUE: usize = 80;

/// One line for each instrument and one below it for each series.
pub(crate) fn render(metrics: &ResourceMetrics, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold("metrics"));
    for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
        let _ = writeln!(
            out,
            "  {} {}",
            paint.cyan(printable(metric.name())),
            paint.dim(printable(metric.unit())),
        );
        match metric.data() {
            AggregatedMetrics::F64(data) => lines(data, paint, &mut out),
            AggregatedMetrics::U64(data) => lines(data, paint, &mut out),
            AggregatedMetrics::I64(data) => lines(data, paint, &mut out),
        }
    }
    out.push('\n'); // as after each trace
    out
}

fn lines<T: Display + Copy>(data: &MetricData<T>, paint: Paint, out: &mut String) {
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                line(out, paint, &number(point.value()), point.attributes());
            }
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                line(out, paint, &number(point.value()), point.attributes());
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                line(out, paint, &explicit(point), point.attributes());
            }
        }
        MetricData::ExponentialHistogram(histogram) => {
            for point in histogram.data_points() {
                line(out, paint, &exponential(point), point.attributes());
            }
        }
    }
}

fn line<'a>(
    out: &mut String,
    paint: Paint,
    value: &str,
    attributes: impl Iterator<Item = &'a KeyValue>,
) {
    let _ = write!(out, "    {value}");
    for attribute in attributes {
        let key = shortened(attribute.key.as_str(), MOST_VALUE);
        let value = shortened(&attribute.value.as_str(), MOST_VALUE);
        let _ = write!(out, "  {}", paint.dim(format_args!("{key}={value}")));
    }
    out.push('\n');
}

fn explicit<T: Display + Copy>(point: &HistogramDataPoint<T>) -> String {
    summary(point.count(), point.sum(), point.min(), point.max())
}

fn exponential<T: Display + Copy>(point: &ExponentialHistogramDataPoint<T>) -> String {
    summary(point.count() as u64, point.sum(), point.min(), point.max())
}

fn summary<T: Display>(count: u64, sum: T, min: Option<T>, max: Option<T>) -> String {
    let mut text = format!("count {count}  sum {}", number(sum));
    for (name, value) in [("min", min), ("max", max)] {
        if let Some(value) = value {
            let _ = write!(text, "  {name} {}", number(value));
        }
    }
    text
}

/// Fractions to six places, without the noise of binary floating point.
fn number(value: impl Display) -> String {
    let text = value.to_string();
    match text.parse::<f64>() {
        Ok(fraction) if text.contains('.') => {
            format!("{fraction:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text,
    }
}
