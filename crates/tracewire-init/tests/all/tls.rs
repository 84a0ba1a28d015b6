//! Collectors behind TLS, with real handshakes.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::collector::{Answer, Collector};
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use tracewire_init::{Builder, Metrics, Otlp, Telemetry, Traces, TracesExporter};

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "tls"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

pub(crate) type Identity = CertifiedKey<KeyPair>;

pub(crate) fn identity(name: &str) -> Identity {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// The configuration of a server that shows `server` and asks for nothing.
#[cfg(feature = "otlp-grpc")]
pub(crate) fn server_config(server: &Identity) -> ServerConfig {
    let key = PrivateKeyDer::try_from(server.signing_key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.cert.der().clone()], key)
        .unwrap()
}

/// A collector that shows `server`, and wants to see `client` if given.
fn collector(server: &Identity, client: Option<&Identity>) -> Collector {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(server.signing_key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![server.cert.der().clone()], key).unwrap());
    Collector::start_with("https", [Answer::Accept], move |stream| {
        Some(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).ok()?, stream))
    })
}

/// PEM files of an identity, which are gone with it.
pub(crate) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(crate) fn write(name: &str, identity: &Identity) -> Self {
        let directory =
            std::env::temp_dir().join(format!("tracewire-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("certificate.pem"), identity.cert.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), identity.signing_key.serialize_pem()).unwrap();
        Self { directory }
    }

    pub(crate) fn certificate(&self) -> String {
        self.directory.join("certificate.pem").to_str().unwrap().to_owned()
    }

    fn key(&self) -> String {
        self.directory.join("key.pem").to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn builder(collector: &Collector) -> Builder {
    Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([]))
        .otlp(Otlp::new().endpoint(collector.url()))
}

fn export(builder: Builder) -> String {
    let telemetry = builder.build().unwrap();
    telemetry.tracer_provider().unwrap().tracer("test").start("span");
    telemetry.shutdown().to_string()
}

#[test]
fn spans_arrive_at_a_collector_whose_authority_is_given() {
    let server = identity("127.0.0.1");
    let files = Files::write("authority", &server);
    let collector = collector(&server, None);
    let report =
        export(builder(&collector).otlp(Otlp::new().certificate_authorities(files.certificate())));
    assert_eq!(report, "spans to otlp: 1 exported");
    assert_eq!(collector.spans(), 1);
}

#[test]
fn an_unknown_authority_is_told_of() {
    let collector = collector(&identity("127.0.0.1"), None);
    let report = export(builder(&collector));
    assert!(report.starts_with("spans to otlp: 0 exported, 1 failed"), "{report}");
    assert!(report.contains("certificate"), "{report}");
    assert_eq!(collector.spans(), 0);
}

#[test]
fn another_host_name_is_told_of() {
    let server = identity("collector.example");
    let files = Files::write("host", &server);
    let collector = collector(&server, None);
    let report =
        export(builder(&collector).otlp(Otlp::new().certificate_authorities(files.certificate())));
    assert!(report.contains("1 failed") && report.contains("certificate"), "{report}");
}

#[test]
fn a_client_certificate_is_shown() {
    let (server, client) = (identity("127.0.0.1"), identity("shop"));
    let authority = Files::write("mutual-server", &server);
    let own = Files::write("mutual-client", &client);
    let collector = collector(&server, Some(&client));
    let with_authority =
        || builder(&collector).otlp(Otlp::new().certificate_authorities(authority.certificate()));

    let report = export(with_authority());
    assert!(report.contains("1 failed"), "{report}");
    let report =
        export(with_authority().otlp(Otlp::new().client_certificate(own.certificate(), own.key())));
    assert_eq!(report, "spans to otlp: 1 exported");
}

#[test]
fn swapped_files_are_an_error() {
    let collector = collector(&identity("127.0.0.1"), None);
    let own = Files::write("swapped", &identity("shop"));
    let error = builder(&collector)
        .otlp(Otlp::new().client_certificate(own.key(), own.certificate()))
        .build()
        .unwrap_err();
    assert!(error.is_configuration());
    assert!(error.to_string().starts_with("Otlp::client_certificate="), "{error}");
}
