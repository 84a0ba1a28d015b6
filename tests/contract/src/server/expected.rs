//! What a request must leave: its whole span, and metrics that agree with it.

use super::{Protocol, caller::USER_AGENT};
use opentelemetry::{
    KeyValue, Value,
    trace::{SpanKind, Status},
};
use std::{collections::BTreeMap, net::SocketAddr};
use tracewire_testing::{MetricKind, Metrics, Span};

/// Everything a server span must show: an attribute too many fails as well.
#[derive(Clone, Debug)]
pub struct Expected {
    name: String,
    scope: &'static str,
    status: Status,
    attributes: BTreeMap<&'static str, Value>,
}

impl Expected {
    /// A successful `GET` of `path`, where no route matched.
    pub fn get(
        protocol: Protocol,
        scope: &'static str,
        server: SocketAddr,
        client: SocketAddr,
        path: &str,
    ) -> Self {
        let version = match protocol {
            Protocol::Http1 => "1.1",
            Protocol::Http2 => "2",
        };
        let attributes = BTreeMap::from([
            ("client.address", client.ip().to_string().into()),
            ("http.request.method", "GET".into()),
            ("http.response.status_code", 200.into()),
            ("network.peer.address", client.ip().to_string().into()),
            ("network.peer.port", i64::from(client.port()).into()),
            ("network.protocol.version", version.into()),
            ("server.address", server.ip().to_string().into()),
            ("server.port", i64::from(server.port()).into()),
            ("url.path", path.to_owned().into()),
            ("url.scheme", "http".into()),
            ("user_agent.original", USER_AGENT.into()),
        ]);
        Self { name: "GET".into(), scope, status: Status::Unset, attributes }
    }

    pub fn route(mut self, route: &'static str) -> Self {
        self.name = format!("{} {route}", self.name);
        self.set("http.route", route)
    }

    /// Of another method; set it before the route.
    pub fn method(mut self, method: &'static str) -> Self {
        self.name = method.into();
        self.set("http.request.method", method)
    }

    /// Of a method that is not known; set it before the route.
    pub fn unknown_method(mut self, method: &'static str) -> Self {
        self.name = "HTTP".into();
        self.set("http.request.method", "_OTHER").set("http.request.method_original", method)
    }

    /// Answered before a router was asked.
    pub fn unrouted(mut self) -> Self {
        self.name.truncate(self.name.find(' ').expect("had a route so far"));
        self.unset("http.route")
    }

    pub fn status(self, code: i64) -> Self {
        self.set("http.response.status_code", code)
    }

    pub fn error(mut self, error: &'static str) -> Self {
        self.status = Status::error("");
        self.set("error.type", error)
    }

    /// Ended before a response was made.
    pub fn unanswered(self, error: &'static str) -> Self {
        self.unset("http.response.status_code").error(error)
    }

    pub fn set(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.insert(key, value.into());
        self
    }

    pub fn unset(mut self, key: &'static str) -> Self {
        self.attributes.remove(key).expect("was expected so far");
        self
    }

    #[track_caller]
    pub fn check(self, span: &Span) {
        span.has_exactly(self.attributes).is_status(self.status).is_kind(SpanKind::Server);
        assert_eq!(span.name, self.name);
        assert_eq!(span.scope, self.scope);
        assert_eq!(span.schema_url, "https://opentelemetry.io/schemas/1.44.0");
        assert!(span.events.is_empty(), "{span:?}");
        assert_eq!(span.dropped, 0);
    }
}

/// The duration's attributes: a closed list.
const MEASURED: [&str; 6] = [
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "network.protocol.version",
    "url.scheme",
];

/// The metrics say what these server spans say: as many requests, of the same attributes, that took
/// as long, streams excepted; and none is active any more.
#[track_caller]
pub(super) fn check_metrics(metrics: &Metrics, scope: &str, spans: &[Span]) {
    if spans.is_empty() {
        return assert!(metrics.is_empty(), "{metrics}");
    }
    let duration = metrics.one("http.server.request.duration");
    assert_eq!(duration.unit, "s");
    assert_eq!(duration.description, "Duration of HTTP server requests.");
    assert_eq!(duration.kind, MetricKind::Histogram);
    assert_eq!(duration.scope, scope);
    let mut counted = 0;
    for point in &duration.points {
        let same: Vec<_> = spans.iter().filter(|span| measured(span) == point.attributes).collect();
        assert_eq!(point.count, same.len() as u64, "{metrics}\n\n{spans:?}");
        let took: f64 = same
            .iter()
            .map(|span| span.end_time.duration_since(span.start_time).unwrap().as_secs_f64())
            .sum();
        // Spans are in nanoseconds, and a sum of floats rounds.
        let off = point.value - took;
        assert!(off < 1e-6 && (off > -1e-6 || same.iter().any(is_stream)), "{point:?} {took}");
        assert!(point.value > 0.0);
        assert_eq!(
            point.bounds,
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
        );
        counted += same.len();
    }
    assert_eq!(counted, spans.len(), "{metrics}\n\n{spans:?}");

    let active = metrics.one("http.server.active_requests");
    assert_eq!(active.unit, "{request}");
    assert_eq!(active.kind, MetricKind::UpDownCounter);
    for point in &active.points {
        let keys: Vec<_> = point.attributes.iter().map(|own| own.key.as_str()).collect();
        assert_eq!(keys, ["http.request.method", "url.scheme"]);
        assert_eq!(point.value, 0.0, "{metrics}");
    }
    assert_eq!(metrics.len(), 2, "{metrics}");
}

/// Whether a span is a stream's, whose duration is measured at the head of its response.
fn is_stream(span: &&Span) -> bool {
    let path = span.attribute("url.path").map(ToString::to_string);
    matches!(path.as_deref(), Some("/endless" | "/upgrade"))
}

/// Those of the span's attributes that the duration has too, sorted by key as they are.
fn measured(span: &Span) -> Vec<KeyValue> {
    let attributes = span.attributes.iter();
    attributes.filter(|own| MEASURED.contains(&own.key.as_str())).cloned().collect()
}
