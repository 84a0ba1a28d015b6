//! Settings of OTLP.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::HttpClient;
use tracewire_export::{Compression, OtlpFile, Protocol};

use crate::config::otlp::Endpoint;
use crate::settings::{Setting, in_code, settings};

settings! {
    /// How telemetry is sent over OTLP: for all signals ([`Builder::otlp`](crate::Builder::otlp)), for
    /// one ([`Traces::otlp`](crate::Traces::otlp) and its likes), or for one exporter
    /// ([`TracesExporter::otlp_with`](crate::TracesExporter::otlp_with) and its likes).
    ///
    /// What is not set for an exporter is taken from its signal, then from all signals, then from the
    /// environment (`OTEL_EXPORTER_OTLP_*`). One exception: an exporter with an endpoint of its own has
    /// only headers of its own, because headers are often credentials for an address.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracewire_init::{Compression, Otlp};
    ///
    /// let otlp = Otlp::new()
    ///     .endpoint("https://collector.example:4318")
    ///     .header("api-key", "secret")
    ///     .compression(Compression::Gzip)
    ///     .timeout(Duration::from_secs(5));
    /// # drop(otlp);
    /// ```
    #[derive(Clone)]
    pub struct Otlp {
        endpoint: Setting<Endpoint>,
        protocol: Setting<Protocol>,
        insecure: Setting<bool>,
        headers: Setting<Vec<(String, String)>>,
        timeout: Setting<Duration>,
        compression: Setting<Compression>,
        max_request_size: Setting<usize>,
        certificate_authorities: Setting<String>,
        client_certificate: Setting<String>,
        client_key: Setting<String>,
        http_client: Setting<Arc<dyn HttpClient>>,
        /// Where exporters of lines write.
        file: Setting<OtlpFile>,
    }
}

impl Otlp {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the collector's base URL, to which `v1/traces`, `v1/metrics` or `v1/logs` is appended
    /// (`OTEL_EXPORTER_OTLP_ENDPOINT`); `http://localhost:4318` unless set, and port 4317 with gRPC,
    /// which has no paths.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = in_code(Endpoint::Base(url.into()));
        self
    }

    /// Sets the whole URL to send to, to which nothing is appended, as
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` has it. It replaces [`endpoint`](Self::endpoint).
    pub fn full_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = in_code(Endpoint::Whole(url.into()));
        self
    }

    /// Sets how OTLP is spoken (`OTEL_EXPORTER_OTLP_PROTOCOL`); protobuf over HTTP unless set. What is
    /// not compiled in is an error of [`init`](crate::Builder::init).
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = in_code(protocol);
        self
    }

    /// Sets whether to connect without TLS to a gRPC endpoint that has no scheme, such as `localhost:4317`
    /// (`OTEL_EXPORTER_OTLP_INSECURE`); `false` unless set. An endpoint with a scheme ignores this setting.
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = in_code(insecure);
        self
    }

    /// Adds a header to each request; all of them replace those of `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// The value is taken as it is, without percent-encoding, and is never shown.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut headers = self.headers.take().map_or_else(Vec::new, |given| given.value);
        headers.push((name.into(), value.into()));
        self.headers = in_code(headers);
        self
    }

    /// Sets how long one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`); ten seconds
    /// unless set, and zero is no limit. The shorter one of this and the timeout of the batch or of the
    /// metrics counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = in_code(timeout);
        self
    }

    /// Sets how bodies are compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`); not at all unless set.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = in_code(compression);
        self
    }

    /// Sets how many bytes a request may have before compression, unless a single span, log record or series
    /// has more; 1 MiB unless set, and at most. Zero is as if unset.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.max_request_size = in_code(bytes);
        self
    }

    /// Sets the PEM file with the only authorities to trust (`OTEL_EXPORTER_OTLP_CERTIFICATE`); the
    /// platform's unless set.
    pub fn certificate_authorities(mut self, file: impl Into<String>) -> Self {
        self.certificate_authorities = in_code(file.into());
        self
    }

    /// Sets the PEM files with the certificate and the key to show to the collector
    /// (`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`); none unless set.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.client_certificate = in_code(certificate.into());
        self.client_key = in_code(key.into());
        self
    }

    /// Sets where the exporters `otlp_file` write (`TRACEWIRE_OTLP_FILE`), such as
    /// [`TracesExporter::otlp_file`](crate::TracesExporter::otlp_file); stdout unless set.
    pub fn file(mut self, file: OtlpFile) -> Self {
        self.file = in_code(file);
        self
    }

    /// Sets the client that sends over HTTP, such as one that signs requests or speaks over a Unix
    /// socket; this project's own unless set.
    ///
    /// Certificates and proxies are then that client's affair, and gRPC does not use it. It is called on
    /// threads of the exporter, outside any runtime: a client that needs tokio spawns its work on a
    /// runtime's handle. Where it does not answer in time, its future is dropped.
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http_client = in_code(Arc::new(client));
        self
    }
}
