//! What is exported, as requests of the protocol.

use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;
#[cfg(feature = "logs")]
use {crate::logs::Log, opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest};

use super::client::Client;
use super::divide::{divide, points};
use super::encode::Protobuf;
#[cfg(feature = "otlp-json")]
use super::json::{self, Json};
use crate::count::Failure;
use crate::metrics::{DeliverMetrics, Dispatch};
use crate::queue::{Deliver, Encoded};

/// What every request of a signal has, in each form it may take.
#[derive(Debug)]
pub(super) struct Forms {
    pub(super) protobuf: Protobuf,
    #[cfg(feature = "otlp-json")]
    pub(super) json: Json,
}

impl Forms {
    fn new(resource: &Resource, #[cfg(feature = "otlp-json")] names: json::Names) -> Self {
        let ResourceAttributesWithSchema { attributes, schema_url } = resource.into();
        let message = ResourceMessage { attributes: attributes.0, ..Default::default() };
        let schema_url = schema_url.unwrap_or_default();
        Self {
            protobuf: Protobuf::new(&message, &schema_url),
            #[cfg(feature = "otlp-json")]
            json: Json::new(names, &message, &schema_url),
        }
    }
}

/// Spans over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpSpans {
    client: Client,
    forms: Forms,
}

impl OtlpSpans {
    pub(crate) fn new(client: Client, resource: &Resource) -> Self {
        let forms = Forms::new(
            resource,
            #[cfg(feature = "otlp-json")]
            json::SPANS,
        );
        Self { client, forms }
    }
}

impl Deliver<SpanData> for OtlpSpans {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<SpanData>) -> Encoded<Vec<u8>> {
        self.client.encode(batch, &self.forms)
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.client.send::<ExportTraceServiceRequest>(body)
    }
}

/// Metrics over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    client: Arc<Client>,
}

impl OtlpMetrics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client: Arc::new(client) }
    }
}

impl DeliverMetrics for OtlpMetrics {
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch {
        let client = Arc::clone(&self.client);
        let parts = divide(ExportMetricsServiceRequest::from(metrics), client.most_message());
        let parts: Vec<_> =
            parts.into_iter().map(|part| (points(&part), client.encode_message(part))).collect();
        Box::new(move || send_all(&client, parts))
    }
}

/// Sends the parts of an export until one fails: the rest fails with it.
fn send_all(client: &Client, parts: Vec<(u64, Vec<u8>)>) -> Result<(), Failure> {
    let mut left: u64 = parts.iter().map(|(points, _)| points).sum();
    let mut rejected: Option<Failure> = None;
    for (points, body) in parts {
        match client.send::<ExportMetricsServiceRequest>(body) {
            Ok(()) => {}
            Err(Failure { items: Some(items), reason }) => {
                let before = rejected.and_then(|failure| failure.items).unwrap_or(0);
                rejected = Some(Failure { items: Some(before + items.min(points)), reason });
            }
            Err(Failure { items: None, reason }) => {
                let before = rejected.and_then(|failure| failure.items).unwrap_or(0);
                return Err(Failure { items: Some(before + left), reason });
            }
        }
        left -= points;
    }
    rejected.map_or(Ok(()), Err)
}

/// Log records over OTLP.
#[cfg(feature = "logs")]
#[derive(Debug)]
pub(crate) struct OtlpLogs {
    client: Client,
    forms: Forms,
}

#[cfg(feature = "logs")]
impl OtlpLogs {
    pub(crate) fn new(client: Client, resource: &Resource) -> Self {
        let forms = Forms::new(
            resource,
            #[cfg(feature = "otlp-json")]
            json::LOGS,
        );
        Self { client, forms }
    }
}

#[cfg(feature = "logs")]
impl Deliver<Log> for OtlpLogs {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<Log>) -> Encoded<Vec<u8>> {
        self.client.encode(batch, &self.forms)
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.client.send::<ExportLogsServiceRequest>(body)
    }
}
