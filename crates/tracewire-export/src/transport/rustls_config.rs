//! TLS for exporters: rustls, the platform's authorities or a file's, a client certificate if given.
//!
//! The crypto provider is named here, so that it does not matter which one, if any, the rest of the
//! process has installed; and none is installed for others.

use super::tls::{HttpConfig, Tls};
use crate::{diagnostics::shown::Shown, error::ExportError};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{fmt, sync::Arc};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use url::Url;

impl Tls {
    /// Configures the HTTP client, if `url` needs it.
    pub(super) fn configure(
        &self,
        client: HttpConfig,
        url: &Url,
    ) -> Result<HttpConfig, ExportError> {
        if url.scheme() != "https" {
            return Ok(client);
        }
        let (http, _) = config(self)?;
        Ok(client.tls_config(http))
    }

    /// The configuration of a connection, if `url` needs any.
    #[cfg(feature = "otlp-grpc")]
    pub(crate) fn for_grpc(&self, url: &Url) -> Result<Option<rustls::ClientConfig>, ExportError> {
        let needs_tls = url.scheme() == "https";
        needs_tls.then(|| config(self).map(|(_, rustls)| rustls)).transpose()
    }
}

/// A PEM file, and the setting that names it.
#[derive(Clone, Copy)]
struct File<'a> {
    setting: &'static str,
    path: &'a str,
}

impl<'a> File<'a> {
    fn of(setting: &'static str, path: &'a Option<String>) -> Option<Self> {
        path.as_deref().map(|path| Self { setting, path })
    }
}

/// The same for each client: the HTTP client's own form, and rustls' for gRPC.
///
/// The HTTP client makes rustls' configuration when it first connects, and takes it for granted that it
/// can; so it is made here as well, where a fault is still an error of set-up.
fn config(tls: &Tls) -> Result<(TlsConfig, ClientConfig), ExportError> {
    let provider = provider();
    let config = TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ExportError::exporter("TLS cannot be set up").with_source(error))?;
    let (builder, roots) = match File::of("certificate_authorities", &tls.certificate_authorities) {
        Some(file) => {
            let certificates = certificates(file)?;
            let mut roots = RootCertStore::empty();
            for certificate in &certificates {
                roots.add(certificate.clone()).map_err(|error| unreadable(file, error))?;
            }
            (
                builder.with_root_certificates(roots),
                RootCerts::new_with_certs(&owned(&certificates)),
            )
        }
        None => {
            let builder = builder.with_platform_verifier().map_err(|error| {
                ExportError::exporter("the platform's certificate authorities cannot be read")
                    .with_source(error)
            })?;
            (builder, RootCerts::PlatformVerifier)
        }
    };
    let config = config.root_certs(roots);
    let certificate = File::of("client_certificate", &tls.client_certificate);
    match (certificate, File::of("client_key", &tls.client_key)) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let pem = std::fs::read(key.path).map_err(|error| unreadable(key, error))?;
            let private = PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|error| unreadable(key, malformed(&error)))?;
            let client = PrivateKey::from_pem(&pem)
                .map(|private| ClientCert::new_with_certs(&owned(&chain), private))
                .map_err(|_| unreadable(key, "it contains no private key"))?;
            let rustls = builder
                .with_client_auth_cert(chain, private)
                .map_err(|error| unreadable(certificate, error))?;
            Ok((config.client_cert(Some(client)).build(), rustls))
        }
        (None, None) => Ok((config.build(), builder.with_no_client_auth())),
        (Some(lone), None) | (None, Some(lone)) => Err(ExportError::shown(
            lone.setting,
            &Shown::path(lone.path),
            "a client certificate needs its key, and a key its certificate; the other one is not set",
        )),
    }
}

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "tls"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

fn certificates(file: File<'_>) -> Result<Vec<CertificateDer<'static>>, ExportError> {
    let certificates = CertificateDer::pem_file_iter(file.path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(file, malformed(&error)))?;
    if certificates.is_empty() {
        return Err(ExportError::shown(
            file.setting,
            &Shown::path(file.path),
            "the file must contain at least one certificate in PEM format",
        ));
    }
    Ok(certificates)
}

fn owned(certificates: &[CertificateDer<'_>]) -> Vec<Certificate<'static>> {
    certificates.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn unreadable(file: File<'_>, why: impl fmt::Display) -> ExportError {
    ExportError::shown(
        file.setting,
        &Shown::path(file.path),
        &format!("it must be the path of a readable PEM file: {why}"),
    )
}

/// What is wrong with the form of a file. The error's own text quotes lines of it, and where line
/// breaks were lost a private key is one line.
fn malformed(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section is not closed".to_owned(),
        pem::Error::IllegalSectionStart { .. } => {
            "the first line of a section is malformed".to_owned()
        }
        pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it contains none".to_owned(),
        _ => "it is malformed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_broken_key_file_is_shown() {
        let path = std::env::temp_dir().join(format!("tracewire-{}.key", std::process::id()));
        for content in [
            "-----BEGIN PRIVATE KEY----- hunter2QQ -----END PRIVATE KEY----- hunter2QQ",
            "-----BEGIN PRIVATE KEY-----\nhunter2QQ!\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\nhunter2QQ",
            "hunter2QQ",
        ] {
            std::fs::write(&path, content).unwrap();
            let file = || Some(path.to_str().unwrap().to_owned());
            for (tls, setting) in [
                (
                    Tls { certificate_authorities: file(), ..Tls::default() },
                    "certificate_authorities",
                ),
                (
                    Tls { client_certificate: file(), client_key: file(), ..Tls::default() },
                    "client_certificate",
                ),
            ] {
                let error = config(&tls).unwrap_err();
                let said = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
                assert!(!said.contains("hunter2QQ"), "{said}");
                assert!(said.contains(setting) && said.contains(path.to_str().unwrap()));
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}
