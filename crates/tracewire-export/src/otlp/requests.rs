//! What is exported, as requests of the protocol.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;
use tracewire_exemplar::Exemplars;
#[cfg(feature = "logs")]
use {crate::logs::Log, opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest};

use super::client::{Client, Item};
use super::divide::{divide, points};
use super::encode::Protobuf;
use super::exemplars::Filler;
#[cfg(feature = "otlp-json")]
use super::json::Json;
use crate::pipeline::counts::Failure;
use crate::pipeline::metrics::{DeliverMetrics, Dispatch};
use crate::pipeline::queue::{Deliver, Encoded};

/// What every request of a signal has, in each form it may take.
#[derive(Debug)]
pub(super) struct Forms {
    pub(super) protobuf: Protobuf,
    #[cfg(feature = "otlp-json")]
    pub(super) json: Json,
}

impl Forms {
    fn new(resource: &Resource, _names: Names) -> Self {
        let ResourceAttributesWithSchema { attributes, schema_url } = resource.into();
        let message = ResourceMessage { attributes: attributes.0, ..Default::default() };
        let schema_url = schema_url.unwrap_or_default();
        Self {
            protobuf: Protobuf::new(&message, &schema_url),
            #[cfg(feature = "otlp-json")]
            json: Json::new(_names, &message, &schema_url),
        }
    }
}

/// The names of a signal's fields in JSON: of resources, of scopes and of items.
pub(super) type Names = [&'static str; 3];

pub(super) const SPANS: Names = ["resourceSpans", "scopeSpans", "spans"];
#[cfg(feature = "logs")]
const LOGS: Names = ["resourceLogs", "scopeLogs", "logRecords"];

/// A client and what its requests have, once the resource is known.
#[derive(Debug)]
struct Requests {
    client: Client,
    names: Names,
    forms: OnceLock<Forms>,
}

impl Requests {
    fn new(client: Client, names: Names) -> Self {
        Self { client, names, forms: OnceLock::new() }
    }

    /// The first one counts: a processor has one provider.
    fn set_resource(&self, resource: &Resource) {
        let _ = self.forms.set(Forms::new(resource, self.names));
    }

    fn encode<T: Item>(&self, batch: &mut VecDeque<T>) -> Encoded<Vec<u8>> {
        let nobody = || Forms::new(&Resource::builder_empty().build(), self.names);
        self.client.encode(batch, self.forms.get_or_init(nobody))
    }
}

/// Spans over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpSpans(Requests);

impl OtlpSpans {
    pub(crate) fn new(client: Client) -> Self {
        Self(Requests::new(client, SPANS))
    }
}

impl Deliver<Arc<SpanData>> for OtlpSpans {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<Arc<SpanData>>) -> Encoded<Vec<u8>> {
        self.0.encode(batch)
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.0.client.send::<ExportTraceServiceRequest>(body)
    }

    fn set_resource(&self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Metrics over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    client: Arc<Client>,
    exemplars: Option<Filler>,
}

impl OtlpMetrics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client: Arc::new(client), exemplars: None }
    }
}

impl DeliverMetrics for OtlpMetrics {
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch {
        let client = Arc::clone(&self.client);
        let mut request = ExportMetricsServiceRequest::from(metrics);
        if let Some(exemplars) = &self.exemplars {
            exemplars.fill(&mut request, metrics);
        }
        let parts = divide(request, client.most_message());
        let parts: Vec<_> =
            parts.into_iter().map(|part| (points(&part), client.encode_message(part))).collect();
        Box::new(move || send_all(&client, parts))
    }

    fn set_exemplars(&mut self, exemplars: Exemplars) {
        self.exemplars = Some(Filler::new(exemplars));
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
pub(crate) struct OtlpLogs(Requests);

#[cfg(feature = "logs")]
impl OtlpLogs {
    pub(crate) fn new(client: Client) -> Self {
        Self(Requests::new(client, LOGS))
    }
}

#[cfg(feature = "logs")]
impl Deliver<Arc<Log>> for OtlpLogs {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<Arc<Log>>) -> Encoded<Vec<u8>> {
        self.0.encode(batch)
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.0.client.send::<ExportLogsServiceRequest>(body)
    }

    fn set_resource(&self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
