//! A Collector behind TLS, with a certificate that only the shop has been told about.

use super::{LOST, complains_not, order_lamp, server::Collector, shop};
use crate::{lab::Lab, relay::expect, row::Checks};
use std::path::{Path, PathBuf};

pub(super) fn check(lab: &Lab, checks: &mut Checks, protocol: &str) -> Result<(), String> {
    let folder = protocol.replace('/', "-");
    let server = Identity::new(lab, &folder, "server")?;
    let client = Identity::new(lab, &folder, "client")?;
    let stranger = Identity::new(lab, &folder, "stranger")?;

    checks.check(&format!("{protocol} over TLS: arrives by the given authority"), || {
        let collector = collector(lab, &server, None)?;
        arrives(lab, collector, protocol, &trusting(&server, None))
    });
    checks.check(&format!("{protocol} over TLS: an unknown server gets nothing"), || {
        let collector = collector(lab, &stranger, None)?;
        is_refused(lab, collector, protocol, &trusting(&server, None))
    });
    checks.check(&format!("{protocol} over TLS: arrives by the client's certificate"), || {
        let collector = collector(lab, &server, Some(&client))?;
        arrives(lab, collector, protocol, &trusting(&server, Some(&client)))
    });
    checks.check(&format!("{protocol} over TLS: an unknown client is refused"), || {
        let collector = collector(lab, &server, Some(&client))?;
        is_refused(lab, collector, protocol, &trusting(&server, Some(&stranger)))
    });
    Ok(())
}

/// A Collector that shows `server`, and wants to see `client` if given.
fn collector(lab: &Lab, server: &Identity, client: Option<&Identity>) -> Result<Collector, String> {
    let mut configs = vec!["config.yaml", "tls.yaml"];
    let mut environment = vec![("CERTIFICATE", server.certificate()), ("KEY", server.key())];
    if let Some(client) = client {
        configs.push("mutual.yaml");
        environment.push(("CLIENT_AUTHORITY", client.certificate()));
    }
    Collector::start_with(lab, "https", &configs, environment)
}

fn arrives(
    lab: &Lab,
    mut collector: Collector,
    protocol: &str,
    environment: &[(&str, String)],
) -> Result<(), String> {
    let environment: Vec<_> =
        environment.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let shop = shop(lab, &collector, protocol, &environment)?;
    order_lamp(&shop)?;
    complains_not(&shop.stop()?)?;
    let output = collector.output()?;
    expect("spans", output.spans.len(), 4)?;
    expect("metrics", output.metrics.is_empty(), false)?;
    expect(
        "logs",
        output.logs.iter().any(|log| log.value["body"]["stringValue"] == "order received"),
        true,
    )
}

fn is_refused(
    lab: &Lab,
    mut collector: Collector,
    protocol: &str,
    environment: &[(&str, String)],
) -> Result<(), String> {
    let mut environment: Vec<_> =
        environment.iter().map(|(key, value)| (*key, value.as_str())).collect();
    environment.push(("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"));
    let shop = shop(lab, &collector, protocol, &environment)?;
    order_lamp(&shop)?;
    let said = shop.stop()?;
    if !(said.contains(LOST) && said.contains("spans to otlp: 0 exported, 4 failed")) {
        return Err(format!("the loss of four spans is not reported:\n{said}"));
    }
    let output = collector.output()?;
    expect("spans", output.spans.len(), 0)?;
    expect("metrics", output.metrics.len(), 0)?;
    expect("logs", output.logs.len(), 0)
}

/// What a service is told so that it trusts `server` alone, and shows itself as `client`.
fn trusting(server: &Identity, client: Option<&Identity>) -> Vec<(&'static str, String)> {
    let mut environment = vec![("OTEL_EXPORTER_OTLP_CERTIFICATE", server.certificate())];
    if let Some(client) = client {
        environment.push(("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", client.certificate()));
        environment.push(("OTEL_EXPORTER_OTLP_CLIENT_KEY", client.key()));
    }
    environment
}

/// A certificate signed by itself, and its key, in files.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Identity {
    fn new(lab: &Lab, folder: &str, name: &str) -> Result<Self, String> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])
            .map_err(|error| format!("cannot make a certificate: {error}"))?;
        let path = |end: &str| lab.cache(&format!("collector/{folder}/{name}.{end}"));
        let identity = Self { certificate: path("pem"), key: path("key") };
        write(&identity.certificate, &made.cert.pem())?;
        write(&identity.key, &made.signing_key.serialize_pem())?;
        Ok(identity)
    }

    fn certificate(&self) -> String {
        self.certificate.display().to_string()
    }

    fn key(&self) -> String {
        self.key.display().to_string()
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
