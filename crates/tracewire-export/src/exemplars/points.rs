//! What is to be known of a histogram's data points.

use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogram, Histogram, MetricData,
};

pub(super) struct Points<'a> {
    pub(super) start: SystemTime,
    pub(super) time: SystemTime,
    pub(super) points: Vec<Point<'a>>,
}

pub(super) struct Point<'a> {
    /// Sorted by key.
    pub(super) attributes: Vec<&'a KeyValue>,
    pub(super) has_exemplars: bool,
    buckets: Buckets,
}

enum Buckets {
    Fixed { bounds: Vec<f64>, counts: Vec<u64> },
    Exponential { lowest: Option<f64>, highest: Option<f64> },
}

impl Point<'_> {
    pub(super) fn has_fixed_buckets(&self) -> bool {
        matches!(self.buckets, Buckets::Fixed { .. })
    }

    /// The bucket that counts `value`: the only one where buckets are not fixed.
    pub(super) fn bucket(&self, value: f64) -> Option<usize> {
        match &self.buckets {
            Buckets::Fixed { bounds, counts } => {
                let bucket = bounds.partition_point(|&bound| bound < value);
                (*counts.get(bucket)? > 0).then_some(bucket)
            }
            Buckets::Exponential { lowest, highest } => {
                let is_counted = lowest.is_none_or(|lowest| lowest <= value)
                    && highest.is_none_or(|highest| value <= highest);
                is_counted.then_some(0)
            }
        }
    }
}

/// `None` if it is no histogram.
pub(super) fn points(data: &AggregatedMetrics) -> Option<Points<'_>> {
    match data {
        AggregatedMetrics::F64(data) => of(data, |value| value),
        AggregatedMetrics::U64(data) => of(data, |value| value as f64),
        AggregatedMetrics::I64(data) => of(data, |value| value as f64),
    }
}

fn of<T: Copy>(data: &MetricData<T>, number: fn(T) -> f64) -> Option<Points<'_>> {
    match data {
        MetricData::Histogram(histogram) => Some(fixed(histogram)),
        MetricData::ExponentialHistogram(histogram) => Some(exponential(histogram, number)),
        MetricData::Gauge(_) | MetricData::Sum(_) => None,
    }
}

fn fixed<T: Copy>(histogram: &Histogram<T>) -> Points<'_> {
    let points = histogram.data_points().map(|point| Point {
        attributes: sorted(point.attributes()),
        has_exemplars: point.exemplars().next().is_some(),
        buckets: Buckets::Fixed {
            bounds: point.bounds().collect(),
            counts: point.bucket_counts().collect(),
        },
    });
    Points { start: histogram.start_time(), time: histogram.time(), points: points.collect() }
}

fn exponential<T: Copy>(histogram: &ExponentialHistogram<T>, number: fn(T) -> f64) -> Points<'_> {
    let points = histogram.data_points().map(|point| Point {
        attributes: sorted(point.attributes()),
        has_exemplars: point.exemplars().next().is_some(),
        buckets: Buckets::Exponential {
            lowest: point.min().map(number),
            highest: point.max().map(number),
        },
    });
    Points { start: histogram.start_time(), time: histogram.time(), points: points.collect() }
}

fn sorted<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<&'a KeyValue> {
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}
