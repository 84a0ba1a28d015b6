//! The settings of TLS.

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;
use url::Url;

use crate::error::ExportError;

/// The settings of the HTTP client, before it is made.
type HttpConfig = ConfigBuilder<AgentScope>;

/// Which certificates a connection to `https` trusts and shows.
///
/// Without any of them the platform's authorities are trusted and no certificate is shown. Files are
/// read when the exporter is made. `https` needs the cargo feature `tls` or `tls-ring`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The PEM file with the only authorities to trust.
    pub certificate_authorities: Option<String>,
    /// The PEM file with the certificate to show to the collector; its key must be set too.
    pub client_certificate: Option<String>,
    /// The PEM file with the key of that certificate.
    pub client_key: Option<String>,
}

#[cfg(feature = "__rustls")]
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
        let (http, _) = super::rustls_config::config(self)?;
        Ok(client.tls_config(http))
    }

    /// The configuration of a connection, if `url` needs any.
    #[cfg(feature = "otlp-grpc")]
    pub(crate) fn for_grpc(&self, url: &Url) -> Result<Option<rustls::ClientConfig>, ExportError> {
        let needs_tls = url.scheme() == "https";
        needs_tls.then(|| super::rustls_config::config(self).map(|(_, rustls)| rustls)).transpose()
    }
}

/// Without TLS compiled in, endpoints of `https` were refused before.
#[cfg(not(feature = "__rustls"))]
impl Tls {
    pub(super) fn configure(&self, client: HttpConfig, _: &Url) -> Result<HttpConfig, ExportError> {
        Ok(client)
    }
}
