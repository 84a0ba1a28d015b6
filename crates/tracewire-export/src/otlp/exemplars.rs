//! Exemplars in the messages of OTLP, which protobuf, JSON and gRPC are written from.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric as Message};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use tracewire_exemplar::Exemplars;

use crate::exemplars::{Joined, join};

/// Exemplars for one exporter, which sends each of them once.
#[derive(Debug)]
pub(super) struct Filler {
    exemplars: Exemplars,
    /// When each metric was last collected, by scope, version and name.
    collected: Mutex<HashMap<Name, SystemTime>>,
}

type Name = (String, Option<String>, String);

impl Filler {
    pub(super) fn new(exemplars: Exemplars) -> Self {
        Self { exemplars, collected: Mutex::default() }
    }

    /// Adds what was measured since the last call to the `request` that was made of `metrics`.
    pub(super) fn fill(
        &self,
        request: &mut ExportMetricsServiceRequest,
        metrics: &ResourceMetrics,
    ) {
        let mut before = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        let mut collected = HashMap::new();
        let scopes = request.resource_metrics.iter_mut().flat_map(|all| &mut all.scope_metrics);
        for (message, scope) in scopes.zip(metrics.scope_metrics()) {
            for (message, metric) in message.metrics.iter_mut().zip(scope.metrics()) {
                let Some(time) = time(metric.data()) else { continue };
                let name = name(scope, metric);
                let after = before.get(&name).copied().unwrap_or(SystemTime::UNIX_EPOCH);
                add(message, join(&self.exemplars, scope.scope(), metric, after));
                collected.insert(name, time);
            }
        }
        *before = collected;
    }
}

fn name(scope: &ScopeMetrics, metric: &Metric) -> Name {
    let version = scope.scope().version().map(ToOwned::to_owned);
    (scope.scope().name().to_owned(), version, metric.name().to_owned())
}

/// When a histogram was collected.
fn time(data: &AggregatedMetrics) -> Option<SystemTime> {
    fn of<T>(data: &MetricData<T>) -> Option<SystemTime> {
        match data {
            MetricData::Histogram(histogram) => Some(histogram.time()),
            MetricData::ExponentialHistogram(histogram) => Some(histogram.time()),
            MetricData::Gauge(_) | MetricData::Sum(_) => None,
        }
    }
    match data {
        AggregatedMetrics::F64(data) => of(data),
        AggregatedMetrics::U64(data) => of(data),
        AggregatedMetrics::I64(data) => of(data),
    }
}

fn add(message: &mut Message, joined: Vec<Vec<Joined>>) {
    let joined = joined.into_iter().map(|all| all.into_iter().map(exemplar));
    match &mut message.data {
        Some(Data::Histogram(histogram)) => {
            for (point, exemplars) in histogram.data_points.iter_mut().zip(joined) {
                point.exemplars.extend(exemplars);
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for (point, exemplars) in histogram.data_points.iter_mut().zip(joined) {
                point.exemplars.extend(exemplars);
            }
        }
        _ => {}
    }
}

fn exemplar(Joined { exemplar, dropped, .. }: Joined) -> Exemplar {
    let since = exemplar.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Exemplar {
        filtered_attributes: dropped.iter().map(KeyValue::from).collect(),
        time_unix_nano: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
        span_id: exemplar.span_id.to_bytes().to_vec(),
        trace_id: exemplar.trace_id.to_bytes().to_vec(),
        value: Some(Value::AsDouble(exemplar.value)),
    }
}

#[cfg(test)]
mod tests;
