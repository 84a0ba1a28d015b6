//! Who exports, as metrics of telemetry itself name it.

use opentelemetry::{KeyValue, StringValue, Value};
use url::Url;

const TYPE: &str = "otel.component.type";
const NAME: &str = "otel.component.name";

/// The type of a page for Prometheus.
pub(crate) const PAGE: &str = "prometheus_http_text_metric_exporter";

/// The attributes of an exporter, and of what is before it: a processor with its queue, or a reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) kind: &'static str,
    pub(crate) exporter: Vec<KeyValue>,
    pub(crate) before: Vec<KeyValue>,
}

/// What kind of exporter there is, and where it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exporter {
    /// One of the conventions' types, or the name of a Rust type.
    pub(crate) kind: &'static str,
    /// `server.address` and `server.port`.
    pub(crate) server: Option<(String, u16)>,
}

impl Exporter {
    /// An exporter in this process.
    pub(crate) fn local(kind: &'static str) -> Self {
        Self { kind, server: None }
    }

    /// An exporter to this endpoint.
    pub(crate) fn to(kind: &'static str, endpoint: &str) -> Self {
        let server = Url::parse(endpoint).ok().and_then(|url| {
            let host = tracewire_text::host::without_brackets(url.host_str()?).to_owned();
            // Over gRPC a port may be left out as well.
            Some((host, url.port_or_known_default().unwrap_or(4317)))
        });
        Self { kind, server }
    }

    /// The attributes of its metrics. `number` tells it from others of its kind.
    fn attributes(&self, number: usize) -> Vec<KeyValue> {
        let mut attributes = component(self.kind, number);
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new("server.address", address.clone()));
            attributes.push(KeyValue::new("server.port", Value::I64((*port).into())));
        }
        attributes
    }
}

impl Identity {
    /// Names the exporter and what is before it, by how many of each there were before.
    pub(crate) fn new(exporter: &Exporter, number: usize, signal: &str, before: usize) -> Self {
        let before = match signal {
            "spans" => component("batching_span_processor", before),
            "log records" => component("batching_log_processor", before),
            // A page has no other reader.
            _ if exporter.kind == PAGE => component(PAGE, number),
            _ => component("periodic_metric_reader", before),
        };
        Self { kind: exporter.kind, exporter: exporter.attributes(number), before }
    }
}

/// The attributes of a component. Its name differs from those that the SDK gives its own components of the
/// same type.
fn component(kind: &'static str, number: usize) -> Vec<KeyValue> {
    let name = StringValue::from(format!("{kind}/tracewire-{number}"));
    vec![KeyValue::new(TYPE, kind), KeyValue::new(NAME, name)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_named_without_credentials_and_path() {
        for (endpoint, expected) in [
            (
                "http://user:hunter2QQ@collector:4318/v1/traces?token=hunter2QQ",
                Some(("collector", 4318)),
            ),
            ("https://collector/v1/traces", Some(("collector", 443))),
            ("http://[::1]:4317", Some(("::1", 4317))),
            ("nonsense", None),
        ] {
            let exporter = Exporter::to("otlp_http_span_exporter", endpoint);
            let found = exporter.server.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, expected, "{endpoint}");
            assert!(!format!("{:?}", exporter.attributes(0)).contains("hunter2QQ"));
        }
    }
}
