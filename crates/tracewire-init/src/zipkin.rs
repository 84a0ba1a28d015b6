//! Spans to a Zipkin server: its JSON v2, by the mapping of the [specification].
//!
//! [specification]: https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, Value as Json, json};

use crate::body::{Format, Source, fill};
use crate::count::Failure;
use crate::env::{self, Env, Origin};
use crate::error::InitError;
use crate::http_client::{HttpClient, Target, shown};
use crate::queue::{Deliver, Encoded};
use crate::stop::Stop;
use crate::{otlp, proxy};

const ENDPOINT: &str = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
const TIMEOUT: &str = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";
/// What may name the other side of a call, best first.
const PEERS: [&str; 5] = [
    "peer.service",
    "server.address",
    "network.peer.address",
    "server.socket.domain",
    "db.namespace",
];

/// What code says about Zipkin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
}

/// Spans over HTTP.
#[derive(Debug)]
pub(crate) struct ZipkinSpans {
    client: HttpClient,
    service: String,
}

impl ZipkinSpans {
    /// `export_timeout` is the processor's limit.
    pub(crate) fn new(
        env: &Env,
        code: &Settings,
        resource: &Resource,
        export_timeout: Duration,
        stop: Arc<Stop>,
    ) -> Result<Self, InitError> {
        let (text, variable, origin) = if let Some(text) = &code.endpoint {
            env.overridden(&[ENDPOINT]);
            (text.clone(), "zipkin_endpoint", Origin::Code)
        } else if let Some(text) = env.text(ENDPOINT) {
            (text, ENDPOINT, Origin::Variable(ENDPOINT.to_owned()))
        } else {
            ("http://localhost:9411/api/v2/spans".to_owned(), ENDPOINT, Origin::Default)
        };
        let url = otlp::usable(text.trim(), variable)?;
        env.decide(ENDPOINT, shown(&url), origin);
        let timeout = env.pick(&[TIMEOUT], None, env::milliseconds(0), Duration::from_secs(10));
        let target = Target {
            headers: HeaderMap::new(),
            gzip: false,
            timeout: [timeout, export_timeout].into_iter().filter(|limit| !limit.is_zero()).min(),
            #[cfg(feature = "__rustls")]
            tls: if url.scheme() == "https" {
                Some(crate::tls::config(&crate::tls::Files::default())?.http)
            } else {
                None
            },
            proxy: proxy::choose(env, &url),
            url,
        };
        let service = resource.get(&"service.name".into());
        Ok(Self {
            client: HttpClient::new(target, stop)?,
            service: service.map(|name| name.to_string()).unwrap_or_default(),
        })
    }
}

impl Deliver<SpanData> for ZipkinSpans {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<SpanData>) -> Encoded<Vec<u8>> {
        let body = self.client.compressed(fill(self, batch));
        Encoded { bytes: body.capacity(), body }
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.client.post("application/json", body).map(drop).map_err(Failure::all)
    }
}

/// A list of spans: each says its scope itself.
impl Format<SpanData> for ZipkinSpans {
    type Scope = ();

    fn begin(&self, body: &mut Vec<u8>) {
        body.push(b'[');
    }

    fn begin_scope(&self, _: &mut Vec<u8>, _: Source<'_>) {}

    fn item(&self, body: &mut Vec<u8>, item: &SpanData) {
        if body.last() != Some(&b'[') {
            body.push(b',');
        }
        serde_json::to_writer(body, &span(item, &self.service))
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
    let annotations: Vec<Json> = span
        .events
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
        .collect();
    let start = micros(span.start_time);
    let mut object = json!({
        "traceId": span.span_context.trace_id().to_string(),
        "id": span.span_context.span_id().to_string(),
        "name": span.name,
        "timestamp": start,
        // Zipkin takes zero for unknown.
        "duration": micros(span.end_time).saturating_sub(start).max(1),
        "localEndpoint": {"serviceName": service},
        "tags": tags,
        "annotations": annotations,
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
    use crate::console::sample::Sample;

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

    #[test]
    fn the_endpoint_is_codes_then_the_environments() {
        let endpoint = |variables: &[(&str, &str)], code: Option<&str>| {
            let env = Env::of(variables);
            let settings = Settings { endpoint: code.map(str::to_owned) };
            let resource = Resource::builder_empty().build();
            ZipkinSpans::new(&env, &settings, &resource, Duration::ZERO, Arc::default())
                .map(|_| env.take_decisions()[0].value.clone())
        };
        let variable = (ENDPOINT, "http://zipkin:9411/api/v2/spans");
        assert_eq!(endpoint(&[], None).unwrap(), "http://localhost:9411/api/v2/spans");
        assert_eq!(endpoint(&[variable], None).unwrap(), variable.1);
        assert_eq!(endpoint(&[variable], Some("http://code/")).unwrap(), "http://code/");
        let error = endpoint(&[(ENDPOINT, "zipkin:9411")], None).unwrap_err();
        assert!(error.to_string().contains(ENDPOINT) && error.is_configuration(), "{error}");
    }
}
