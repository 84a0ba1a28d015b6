//! Metrics on a page that a Prometheus server reads: its formats, and a server for them.

mod connections;
mod format;
mod name;
mod page;
mod server;
mod service;

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};
use tracewire_text::host;

use self::format::Format;
pub(crate) use self::server::Server;
use crate::env::{self, Env, Origin};
use crate::log;
use crate::shown::Shown;

const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";
const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";

/// What code says about Prometheus: where to listen.
pub(crate) type Settings = Option<(String, u16)>;

/// Where the page is served.
pub(crate) fn address(env: &Env, code: Settings) -> (String, u16) {
    let (host, port) = code.unzip();
    let (host, origin) = match (host, env.read(&[HOST], host_name)) {
        (Some(host), _) => {
            env.overridden(&[HOST]);
            (host, Origin::Code)
        }
        (None, Some(found)) => (found.value, Origin::Variable(found.variable)),
        (None, None) => ("localhost".to_owned(), Origin::Default),
    };
    env.decide(HOST, Shown::value(&host).text(), origin);
    let port = env.pick(&[PORT], port.map(u32::from), env::integer(0), 9464);
    let port = u16::try_from(port).unwrap_or_else(|_| {
        env.warn(format!("{PORT}={port} is ignored: it must be at most 65535"));
        9464
    });
    (host, port)
}

fn host_name(text: &str) -> Result<String, String> {
    let bare = host::without_brackets(text);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bare.parse::<IpAddr>().is_ok() || !text.is_empty() && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("it must be the name or the address of a host, without scheme and port".to_owned())
}

/// A reader that collects when it is asked, shared by the provider and the page.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<ManualReader>);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Arc::new(ManualReader::builder().with_temporality(Temporality::Cumulative).build()))
    }

    /// The page as of now; `None` if metrics cannot be collected, as after shutdown.
    fn page(&self, format: Format) -> Option<String> {
        let mut metrics = ResourceMetrics::default();
        if let Err(error) = self.0.collect(&mut metrics) {
            log::debug(&format!("metrics cannot be collected for Prometheus: {error}"));
            return None;
        }
        Some(page::render(&metrics, format))
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_wins_over_environment_and_environment_over_default() {
        let found = |variables: &[(&str, &str)], code: Settings| {
            let env = Env::of(variables);
            (address(&env, code), env.take_warnings().len())
        };
        let variables = [(HOST, "0.0.0.0"), (PORT, "9000")];
        assert_eq!(found(&[], None), (("localhost".to_owned(), 9464), 0));
        assert_eq!(found(&variables, None), (("0.0.0.0".to_owned(), 9000), 0));
        assert_eq!(found(&variables, Some(("::1".to_owned(), 1))), (("::1".to_owned(), 1), 2));
        assert_eq!(found(&[], Some(("::1".to_owned(), 1))), (("::1".to_owned(), 1), 0));
        for bad in ["http://h", "u:p@h", "h:9464"] {
            assert_eq!(found(&[(HOST, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
        for bad in ["-1", "70000", "http"] {
            assert_eq!(found(&[(PORT, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
    }
}
