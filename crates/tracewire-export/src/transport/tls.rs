//! The settings of TLS.

use ureq::{config::ConfigBuilder, typestate::AgentScope};
#[cfg(not(feature = "__rustls"))]
use {crate::error::ExportError, url::Url};

/// The settings of the HTTP client, before it is made.
pub(super) type HttpConfig = ConfigBuilder<AgentScope>;

/// Which certificates a connection to `https` trusts and shows.
///
/// Without any of them the platform's authorities are trusted and no certificate is shown. Files are
/// read when the exporter is made. `https` needs the cargo feature `tls` or `tls-ring`.
///
/// ```
/// use tracewire_export::{OtlpExporter, Tls};
///
/// let mut tls = Tls::default();
/// tls.certificate_authorities = Some("/etc/collector/ca.pem".into());
/// let mut otlp = OtlpExporter::new("https://collector.internal:4318/v1/traces");
/// otlp.tls = tls;
/// ```
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

/// Without TLS compiled in, endpoints of `https` were refused before.
#[cfg(not(feature = "__rustls"))]
impl Tls {
    pub(super) fn configure(&self, client: HttpConfig, _: &Url) -> Result<HttpConfig, ExportError> {
        Ok(client)
    }
}
