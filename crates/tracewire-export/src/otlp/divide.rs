//! Metrics in several requests, because many series make one that collectors refuse.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        ExponentialHistogram, Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum,
        metric::Data,
    },
};
use prost::Message;
use std::mem::take;

/// Divides a request into some of at most `most` bytes each, unless a single data point is larger.
pub(super) fn divide(
    request: ExportMetricsServiceRequest,
    most: usize,
) -> Vec<ExportMetricsServiceRequest> {
    if request.encoded_len() <= most {
        return vec![request];
    }
    let mut parts = Vec::new();
    for resource in request.resource_metrics {
        let around = ResourceMetrics { scope_metrics: Vec::new(), ..resource };
        for scope in resource.scope_metrics {
            let empty = ScopeMetrics { metrics: Vec::new(), ..scope };
            let headers = around.encoded_len() + empty.encoded_len() + 4 * LENGTH;
            let metrics = pieces(scope.metrics, most.saturating_sub(headers));
            parts.extend(metrics.into_iter().map(|metrics| ExportMetricsServiceRequest {
                resource_metrics: vec![ResourceMetrics {
                    scope_metrics: vec![ScopeMetrics { metrics, ..empty.clone() }],
                    ..around.clone()
                }],
            }));
        }
    }
    parts
}

/// How many data points a request has.
pub(super) fn points(request: &ExportMetricsServiceRequest) -> u64 {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let points = metrics.map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    });
    points.sum::<usize>() as u64
}

/// What the tag and the length of a message take at most.
const LENGTH: usize = 6;

/// Metrics in groups that fit.
fn pieces(metrics: Vec<Metric>, most: usize) -> Vec<Vec<Metric>> {
    let metrics = metrics.into_iter().flat_map(|metric| of_metric(metric, most)).collect();
    groups(metrics, most)
}

/// A metric, in several if its data points do not fit together.
fn of_metric(metric: Metric, most: usize) -> Vec<Metric> {
    if metric.encoded_len() + LENGTH <= most {
        return vec![metric];
    }
    let Metric { name, description, unit, metadata, data } = metric;
    let header = Metric { name, description, unit, metadata, data: None };
    let most = most.saturating_sub(header.encoded_len() + 4 * LENGTH);
    let data = match data {
        None => return vec![header],
        Some(Data::Gauge(Gauge { data_points })) => {
            each(data_points, most, |data_points| Data::Gauge(Gauge { data_points }))
        }
        Some(Data::Sum(mut of)) => each(take(&mut of.data_points), most, |data_points| {
            Data::Sum(Sum { data_points, ..of.clone() })
        }),
        Some(Data::Histogram(mut of)) => each(take(&mut of.data_points), most, |data_points| {
            Data::Histogram(Histogram { data_points, ..of.clone() })
        }),
        Some(Data::ExponentialHistogram(mut of)) => {
            each(take(&mut of.data_points), most, |data_points| {
                Data::ExponentialHistogram(ExponentialHistogram { data_points, ..of.clone() })
            })
        }
        // The SDK makes none.
        Some(summary @ Data::Summary(_)) => vec![summary],
    };
    data.into_iter().map(|data| Metric { data: Some(data), ..header.clone() }).collect()
}

/// The data of a metric, for each group of its data points.
fn each<T: Message>(points: Vec<T>, most: usize, with: impl Fn(Vec<T>) -> Data) -> Vec<Data> {
    groups(points, most).into_iter().map(with).collect()
}

/// Messages in groups of at most `most` bytes, each of at least one message.
fn groups<T: Message>(messages: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let more = message.encoded_len() + LENGTH;
        match groups.last_mut() {
            Some(group) if bytes + more <= most => group.push(message),
            _ => {
                groups.push(vec![message]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint},
        resource::v1::Resource,
    };

    fn attributes(number: usize) -> Vec<KeyValue> {
        let value = Some(Value::StringValue(format!("{number:0>200}")));
        vec![KeyValue {
            key: "key".to_owned(),
            value: Some(AnyValue { value }),
            ..KeyValue::default()
        }]
    }

    fn numbers(count: usize) -> Vec<NumberDataPoint> {
        let point = |n| NumberDataPoint { attributes: attributes(n), ..Default::default() };
        (0..count).map(point).collect()
    }

    fn metric(name: &str, data: Data) -> Metric {
        Metric { name: name.to_owned(), data: Some(data), ..Metric::default() }
    }

    fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
        let resource = Some(Resource { attributes: attributes(0), ..Resource::default() });
        let scope_metrics =
            vec![ScopeMetrics { metrics, schema_url: "schema".to_owned(), ..Default::default() }];
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource,
                scope_metrics,
                schema_url: "schema".to_owned(),
            }],
        }
    }

    #[test]
    fn a_small_request_stays_whole() {
        let whole = request(vec![metric("a", Data::Sum(Sum::default()))]);
        assert_eq!(divide(whole.clone(), 1_000), [whole]);
    }

    #[test]
    fn every_data_point_is_in_one_part_and_none_is_too_large() {
        let histograms = (0..300)
            .map(|n| HistogramDataPoint { attributes: attributes(n), ..Default::default() });
        let exponential = (0..300).map(|n| ExponentialHistogramDataPoint {
            attributes: attributes(n),
            ..Default::default()
        });
        let whole = request(vec![
            metric(
                "sum",
                Data::Sum(Sum {
                    data_points: numbers(500),
                    is_monotonic: true,
                    aggregation_temporality: 2,
                }),
            ),
            metric("small", Data::Gauge(Gauge { data_points: numbers(1) })),
            metric("gauge", Data::Gauge(Gauge { data_points: numbers(100) })),
            metric(
                "histogram",
                Data::Histogram(Histogram {
                    data_points: histograms.collect(),
                    aggregation_temporality: 1,
                }),
            ),
            metric(
                "exponential",
                Data::ExponentialHistogram(ExponentialHistogram {
                    data_points: exponential.collect(),
                    aggregation_temporality: 1,
                }),
            ),
        ]);
        let parts = divide(whole.clone(), 10_000);
        assert!((25..40).contains(&parts.len()), "{}", parts.len());
        assert_eq!(parts.iter().map(points).sum::<u64>(), 1_201);
        assert_eq!(points(&whole), 1_201);
        for part in &parts {
            assert!(part.encoded_len() <= 10_000, "{}", part.encoded_len());
            let resource = &part.resource_metrics[0];
            let expected = &whole.resource_metrics[0];
            assert_eq!(
                (&resource.resource, &resource.schema_url),
                (&expected.resource, &expected.schema_url)
            );
            assert_eq!(resource.scope_metrics[0].schema_url, "schema");
            for metric in &resource.scope_metrics[0].metrics {
                if let Some(Data::Sum(sum)) = &metric.data {
                    assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (true, 2));
                }
            }
        }
    }

    #[test]
    fn a_data_point_that_is_too_large_goes_alone() {
        let whole = request(vec![metric("a", Data::Gauge(Gauge { data_points: numbers(3) }))]);
        let parts = divide(whole, 100);
        assert_eq!(parts.iter().map(points).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
