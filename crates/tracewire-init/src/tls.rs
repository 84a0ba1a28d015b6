//! TLS for exporters: rustls, the platform's authorities or a file's, a client certificate if given.
//!
//! The configuration is made here whole and given to the client ready, so that it does not matter
//! which crypto provider, if any, the rest of the process has installed.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::env::Found;
use crate::error::InitError;

/// The PEM files that the environment or code names.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) authorities: Option<Found<String>>,
    pub(crate) certificate: Option<Found<String>>,
    pub(crate) key: Option<Found<String>>,
}

/// The configuration for connections that need no TLS: it trusts nobody and reads no file.
pub(crate) fn unused() -> Result<ClientConfig, InitError> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

pub(crate) fn config(files: &Files) -> Result<ClientConfig, InitError> {
    let builder = match &files.authorities {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| unreadable(file, error))?;
            }
            builder()?.with_root_certificates(roots)
        }
        None => builder()?.with_platform_verifier().map_err(|error| {
            InitError::exporter("the platform's certificate authorities cannot be read")
                .with_source(error)
        })?,
    };
    match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let private =
                PrivateKeyDer::from_pem_file(&key.value).map_err(|error| unreadable(key, error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, private)
                .map_err(|error| unreadable(certificate, error))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(lone), None) | (None, Some(lone)) => Err(InitError::configuration(
            &lone.variable,
            &lone.value,
            "a client certificate and its key go together, and the other one is not set",
        )),
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, InitError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| InitError::exporter("TLS cannot be set up").with_source(error))
}

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "tls"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

fn certificates(file: &Found<String>) -> Result<Vec<CertificateDer<'static>>, InitError> {
    let certificates = CertificateDer::pem_file_iter(&file.value)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(file, error))?;
    if certificates.is_empty() {
        return Err(InitError::configuration(
            &file.variable,
            &file.value,
            "the file must hold at least one certificate in PEM form",
        ));
    }
    Ok(certificates)
}

fn unreadable(
    file: &Found<String>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> InitError {
    InitError::configuration(
        &file.variable,
        &file.value,
        &format!("it must be a readable file in PEM form: {error}"),
    )
    .with_source(error)
}
