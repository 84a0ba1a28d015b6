//! Spans to a Zipkin server: its JSON v2, by the mapping of the [specification].
//!
//! [specification]: https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/

use crate::{
    diagnostics::shown::Shown,
    error::ExportError,
    otlp::{take_credentials, usable},
    pipeline::{
        batch::shorter,
        body::{Encoding, MOST_BODY_BYTES, Source, fill},
        deadline::Deadline,
        deliver::{Deliver, Encoded},
        failure::Failure,
    },
    transport::{
        http::{Poster, Target},
        proxy::Proxy,
        tls::Tls,
        ureq_client::UreqClient,
    },
};
use http::{HeaderMap, header::AUTHORIZATION};
use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, SpanKind, Status},
};
use opentelemetry_http::HttpClient;
use opentelemetry_sdk::{Resource, trace::SpanData};
use serde_json::{Map, Value as Json, json};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What may name the other side of a call, best first.
const PEERS: [&str; 5] = [
    "peer.service",
    "server.address",
    "network.peer.address",
    "server.socket.domain",
    "db.namespace",
];

/// The settings of an exporter of spans to a Zipkin server.
///
/// ```
/// use tracewire_export::{Batch, BatchSpanProcessor, Exports, ZipkinExporter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let zipkin = ZipkinExporter::new("http://zipkin.internal:9411/api/v2/spans");
/// let processor = BatchSpanProcessor::new(&Exports::new()).zipkin(zipkin, Batch::spans())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct ZipkinExporter {
    /// Where to send; `http://localhost:9411/api/v2/spans` by default. Credentials in it become a header.
    pub endpoint: String,
    /// Headers of each request, none unless set. They are never shown.
    pub headers: HeaderMap,
    /// How long one export may take, retries included; 10 seconds unless set, and zero is no limit.
    pub timeout: Duration,
    /// Which certificates are trusted and shown.
    pub tls: Tls,
    /// The proxy to go through; none unless set. The variables for proxies are not read.
    pub proxy: Option<Proxy>,
    /// The client that sends, in place of the one of this crate, as
    /// [`OtlpExporter::client`](field@crate::OtlpExporter::client).
    pub client: Option<Arc<dyn HttpClient>>,
}

impl ZipkinExporter {
    /// The defaults, for this endpoint.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(10),
            tls: Tls::default(),
            proxy: None,
            client: None,
        }
    }
}

impl Default for ZipkinExporter {
    fn default() -> Self {
        Self::new("http://localhost:9411/api/v2/spans")
    }
}

/// Without the headers, and with the endpoint as it may be shown.
impl fmt::Debug for ZipkinExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipkinExporter")
            .field("endpoint", &Shown::endpoint(&self.endpoint).text())
            .field("timeout", &self.timeout)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("client", &self.client.is_some())
            .finish_non_exhaustive()
    }
}

/// Spans over HTTP.
#[derive(Debug)]
pub(crate) struct ZipkinSpans {
    poster: Poster,
    format: Format,
}

impl ZipkinSpans {
    /// `export_timeout` is the processor's limit.
    pub(crate) fn new(
        settings: ZipkinExporter,
        export_timeout: Duration,
        deadline: Arc<Deadline>,
    ) -> Result<Self, ExportError> {
        let mut url = usable(settings.endpoint.trim())?;
        let mut headers = settings.headers;
        if let Some(credentials) = take_credentials(&mut url) {
            headers.entry(AUTHORIZATION).or_insert(credentials);
        }
        let client = match settings.client {
            Some(client) => client,
            None => Arc::new(UreqClient::new(&url, &settings.tls, settings.proxy)?),
        };
        let timeout = shorter(settings.timeout, export_timeout);
        let target = Target { client, url, headers, gzip: false, timeout };
        Ok(Self { poster: Poster::new(target, deadline)?, format: Format::default() })
    }
}

impl Deliver<Arc<SpanData>> for ZipkinSpans {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<Arc<SpanData>>) -> Encoded<Vec<u8>> {
        let body = fill(MOST_BODY_BYTES, &self.format, batch);
        Encoded { bytes: body.capacity(), body }
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.poster.post("application/json", body).map(drop)
    }

    fn set_resource(&self, resource: &Resource) {
        if let Some(name) = resource.get(&"service.name".into()) {
            let _ = self.format.0.set(name.to_string());
        }
    }
}

/// A list of spans, each of which says its scope itself. With the name of the service.
#[derive(Debug, Default)]
pub(crate) struct Format(pub(crate) OnceLock<String>);

impl Encoding<Arc<SpanData>> for Format {
    type Scope = ();

    fn begin(&self, body: &mut Vec<u8>) {
        body.push(b'[');
    }

    fn begin_scope(&self, _: &mut Vec<u8>, _: Source<'_>) {}

    fn item(&self, body: &mut Vec<u8>, item: &Arc<SpanData>) {
        if body.last() != Some(&b'[') {
            body.push(b',');
        }
        serde_json::to_writer(body, &span(item, self.0.get().map_or("", String::as_str)))
            .expect("a Vec takes every write of a value");
    }

    fn end_scope(&self, _: &mut Vec<u8>, _: Source<'_>, (): ()) {}

    fn end(&self, body: &mut Vec<u8>) {
        body.push(b']');
    }

    fn ending(&self, _: Source<'_>) -> usize {
        0
    }
}

fn span(span: &SpanData, service: &str) -> Json {
    let start = micros(span.start_time);
    let mut object = json!({
        "traceId": span.span_context.trace_id().to_string(),
        "id": span.span_context.span_id().to_string(),
        "name": span.name,
        "timestamp": start,
        // Zipkin takes zero for unknown.
        "duration": micros(span.end_time).saturating_sub(start).max(1),
        "localEndpoint": {"serviceName": service},
        "tags": tags(span),
        "annotations": annotations(span),
    });
    if span.parent_span_id != SpanId::INVALID {
        object["parentId"] = json!(span.parent_span_id.to_string());
    }
    if let Some(kind) = kind(&span.span_kind) {
        object["kind"] = json!(kind);
    }
    let leaves = matches!(span.span_kind, SpanKind::Client | SpanKind::Producer);
    if leaves && let Some(peer) = peer(&span.attributes) {
        object["remoteEndpoint"] = json!({"serviceName": peer});
    }
    object
}

/// The attributes, and what Zipkin has no place for.
fn tags(span: &SpanData) -> Map<String, Json> {
    let mut tags: Map<String, Json> = span.attributes.iter().map(tag).collect();
    let scope = &span.instrumentation_scope;
    for (key, value) in
        [("otel.scope.name", scope.name()), ("otel.scope.version", scope.version().unwrap_or(""))]
    {
        if !value.is_empty() {
            tags.insert(key.to_owned(), json!(value));
        }
    }
    if span.dropped_attributes_count > 0 {
        let dropped = span.dropped_attributes_count.to_string();
        tags.insert("otel.dropped_attributes_count".to_owned(), json!(dropped));
    }
    match &span.status {
        Status::Unset => {}
        Status::Ok => {
            tags.insert("otel.status_code".to_owned(), json!("OK"));
        }
        Status::Error { description } => {
            tags.insert("otel.status_code".to_owned(), json!("ERROR"));
            tags.insert("error".to_owned(), json!(description));
        }
    }
    tags
}

/// The events, each with its attributes as JSON.
fn annotations(span: &SpanData) -> Vec<Json> {
    span.events
        .iter()
        .map(|event| {
            let attributes: Map<String, Json> = event.attributes.iter().map(tag).collect();
            let value = if attributes.is_empty() {
                event.name.to_string()
            } else {
                json!({ event.name.as_ref(): attributes }).to_string()
            };
            json!({"timestamp": micros(event.timestamp), "value": value})
        })
        .collect()
}

fn kind(kind: &SpanKind) -> Option<&'static str> {
    match kind {
        SpanKind::Client => Some("CLIENT"),
        SpanKind::Server => Some("SERVER"),
        SpanKind::Producer => Some("PRODUCER"),
        SpanKind::Consumer => Some("CONSUMER"),
        SpanKind::Internal => None,
    }
}

fn peer(attributes: &[KeyValue]) -> Option<String> {
    PEERS.iter().find_map(|peer| {
        let found = attributes.iter().find(|attribute| attribute.key.as_str() == *peer)?;
        Some(found.value.to_string())
    })
}

/// Every value of a tag is text; that of a list is its JSON.
fn tag(attribute: &KeyValue) -> (String, Json) {
    let value = match &attribute.value {
        Value::String(text) => text.as_str().to_owned(),
        other => other.to_string(),
    };
    (attribute.key.to_string(), json!(value))
}

fn micros(time: SystemTime) -> u64 {
    let micros = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    u64::try_from(micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn a_span_has_its_place_kind_and_tags() {
        let sample = Sample::new(2)
            .under(1)
            .name("GET")
            .kind(SpanKind::Client)
            .time(0, 1_500)
            .attribute("http.response.status_code", 500)
            .attribute("server.address", "items")
            .error("out of luck")
            .span();
        assert_eq!(
            span(&sample, "shop"),
            json!({
                "traceId": "0000000000000000000000000000002a",
                "id": "0000000000000002",
                "parentId": "0000000000000001",
                "kind": "CLIENT",
                "name": "GET",
                "timestamp": 1_000_000,
                "duration": 1_500,
                "localEndpoint": {"serviceName": "shop"},
                "remoteEndpoint": {"serviceName": "items"},
                "tags": {
                    "http.response.status_code": "500",
                    "server.address": "items",
                    "otel.status_code": "ERROR",
                    "error": "out of luck",
                },
                "annotations": [],
            })
        );
    }

    #[test]
    fn an_internal_root_has_neither_kind_nor_parent() {
        let object = span(&Sample::new(1).span(), "shop");
        assert_eq!(object.get("kind"), None);
        assert_eq!(object.get("parentId"), None);
        assert_eq!(object["tags"], json!({}));
    }
}
