//! What the metrics of the service say, as far as it is checked.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, metric::Data, number_data_point::Value},
};
use prost::{DecodeError, Message};

/// The latest values of cumulative metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Requests in the histogram of the server's durations.
    pub(crate) requests: u64,
    /// Calls in the histogram of the client's durations.
    pub(crate) calls: u64,
    /// The gauge of active requests, over all of its series.
    pub(crate) active: i64,
    /// How many series of the gauge are not zero.
    pub(crate) active_series: usize,
    /// How many series of the gauge are below zero.
    pub(crate) negative_series: usize,
}

impl Measured {
    pub(super) fn take(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let request = ExportMetricsServiceRequest::decode(body)?;
        let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            match metric.name.as_str() {
                "http.server.request.duration" => self.requests = count(metric),
                "http.client.request.duration" => self.calls = count(metric),
                "http.server.active_requests" => {
                    let values = values(metric);
                    self.active = values.iter().sum();
                    self.active_series = values.iter().filter(|value| **value != 0).count();
                    self.negative_series = values.iter().filter(|value| **value < 0).count();
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn count(metric: &Metric) -> u64 {
    match &metric.data {
        Some(Data::Histogram(histogram)) => {
            histogram.data_points.iter().map(|point| point.count).sum()
        }
        _ => 0,
    }
}

fn values(metric: &Metric) -> Vec<i64> {
    let Some(Data::Sum(sum)) = &metric.data else { return Vec::new() };
    let values = sum.data_points.iter().filter_map(|point| match point.value {
        Some(Value::AsInt(value)) => Some(value),
        _ => None,
    });
    values.collect()
}
