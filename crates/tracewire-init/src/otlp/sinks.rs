//! What is exported, as requests of the protocol.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-json"))]
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
#[cfg(feature = "logs")]
use {
    crate::logs::Log,
    opentelemetry_proto::tonic::{
        collector::logs::v1::ExportLogsServiceRequest, logs::v1::ResourceLogs,
    },
};

use super::client::{Client, Outgoing};
use super::encode;
use crate::count::Failure;
use crate::metrics::DeliverMetrics;
use crate::queue::Deliver;

/// Spans over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpSpans {
    client: Client,
    resource: ResourceAttributesWithSchema,
    encoded_resource: Vec<u8>,
}

impl OtlpSpans {
    pub(crate) fn new(client: Client, resource: &Resource) -> Self {
        let resource = ResourceAttributesWithSchema::from(resource);
        let encoded_resource = message(&resource).encode_to_vec();
        Self { client, resource, encoded_resource }
    }
}

impl Deliver<SpanData> for OtlpSpans {
    fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
        self.client.send(SpanBatch { batch, sink: self })
    }
}

/// Spans that become a request.
struct SpanBatch<'a> {
    batch: Vec<SpanData>,
    sink: &'a OtlpSpans,
}

impl Outgoing for SpanBatch<'_> {
    type Request = ExportTraceServiceRequest;

    #[cfg(any(feature = "otlp-grpc", feature = "otlp-json"))]
    fn into_message(self) -> ExportTraceServiceRequest {
        let resource_spans = group_spans_by_resource_and_scope(self.batch, &self.sink.resource);
        ExportTraceServiceRequest { resource_spans }
    }

    fn into_protobuf(self) -> Vec<u8> {
        let OtlpSpans { resource, encoded_resource, .. } = self.sink;
        let schema_url = resource.schema_url.as_deref().unwrap_or_default();
        encode::request(&self.batch, encoded_resource, schema_url)
    }
}

fn message(resource: &ResourceAttributesWithSchema) -> ResourceMessage {
    ResourceMessage { attributes: resource.attributes.0.clone(), ..Default::default() }
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
            resource: Some(message(&self.resource)),
            schema_url: self.resource.schema_url.clone().unwrap_or_default(),
            scope_logs: crate::logs::by_scope(batch),
        };
        self.client.send(ExportLogsServiceRequest { resource_logs: vec![resource_logs] })
    }
}
