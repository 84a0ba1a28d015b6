//! What is exported, as requests of the protocol.

use super::{
    client::{Client, Item, Request},
    divide::{divide, points},
    exemplars::Filler,
    forms::Forms,
    names::{Names, SPANS},
};
use crate::pipeline::{
    deliver::{Deliver, DeliverMetrics, Dispatch, Encoded},
    failure::Failure,
};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_sdk::{Resource, metrics::data::ResourceMetrics, trace::SpanData};
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};
use tracewire_exemplar::Exemplars;

/// A client and what its requests have, once the resource is known.
#[derive(Debug)]
pub(crate) struct Requests {
    client: Client,
    names: Names,
    forms: OnceLock<Forms>,
}

impl Requests {
    pub(crate) fn new(client: Client, names: Names) -> Self {
        Self { client, names, forms: OnceLock::new() }
    }

    /// The first one counts: a processor has one provider.
    pub(crate) fn set_resource(&self, resource: &Resource) {
        let _ = self.forms.set(Forms::new(resource, self.names));
    }

    pub(crate) fn encode<T: Item>(&self, batch: &mut VecDeque<T>) -> Encoded<Vec<u8>> {
        let nobody = || Forms::new(&Resource::builder_empty().build(), self.names);
        self.client.encode(batch, self.forms.get_or_init(nobody))
    }

    pub(crate) fn send<R: Request>(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.client.send::<R>(body)
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
        self.0.send::<ExportTraceServiceRequest>(body)
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
        if let Err(failure) = client.send::<ExportMetricsServiceRequest>(body) {
            let before = rejected.and_then(|failure| failure.items).unwrap_or(0);
            let Some(items) = failure.items else {
                return Err(Failure { items: Some(before + left), ..failure });
            };
            rejected = Some(Failure { items: Some(before + items.min(points)), ..failure });
        }
        left -= points;
    }
    rejected.map_or(Ok(()), Err)
}
