//! What is exported, as requests of the protocol.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;
#[cfg(feature = "logs")]
use {
    crate::logs::Log,
    opentelemetry_proto::tonic::{
        collector::logs::v1::ExportLogsServiceRequest, logs::v1::ResourceLogs, resource,
    },
};

use super::Client;
use crate::count::Failure;
use crate::metrics::DeliverMetrics;
use crate::queue::Deliver;

/// Spans over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpSpans {
    client: Client,
    resource: ResourceAttributesWithSchema,
}

impl OtlpSpans {
    pub(crate) fn new(client: Client, resource: &Resource) -> Self {
        Self { client, resource: resource.into() }
    }
}

impl Deliver<SpanData> for OtlpSpans {
    fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        self.client.send(ExportTraceServiceRequest { resource_spans })
    }
}

/// Metrics over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    client: Client,
}

impl OtlpMetrics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl DeliverMetrics for OtlpMetrics {
    fn deliver(&self, metrics: &ResourceMetrics) -> Result<(), Failure> {
        self.client.send(ExportMetricsServiceRequest::from(metrics))
    }
}

/// Log records over OTLP.
#[cfg(feature = "logs")]
#[derive(Debug)]
pub(crate) struct OtlpLogs {
    client: Client,
    resource: ResourceAttributesWithSchema,
}

#[cfg(feature = "logs")]
impl OtlpLogs {
    pub(crate) fn new(client: Client, resource: &Resource) -> Self {
        Self { client, resource: resource.into() }
    }
}

#[cfg(feature = "logs")]
impl Deliver<Log> for OtlpLogs {
    fn deliver(&self, batch: Vec<Log>) -> Result<(), Failure> {
        let resource_logs = ResourceLogs {
            resource: Some(resource::v1::Resource {
                attributes: self.resource.attributes.0.clone(),
                ..Default::default()
            }),
            schema_url: self.resource.schema_url.clone().unwrap_or_default(),
            scope_logs: crate::logs::by_scope(batch),
        };
        self.client.send(ExportLogsServiceRequest { resource_logs: vec![resource_logs] })
    }
}
