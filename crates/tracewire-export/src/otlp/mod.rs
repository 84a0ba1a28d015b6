//! The OTLP exporter: what is exported as requests in protobuf or JSON, over HTTP or gRPC.

mod client;
mod divide;
mod encode;
mod endpoint;
mod exemplars;
mod field;
mod file;
mod forms;
#[cfg(all(feature = "logs", feature = "otlp-grpc", feature = "otlp-json"))]
pub(crate) mod fuzzing;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-json")]
mod json;
#[cfg(feature = "otlp-json")]
mod lines;
mod names;
#[cfg(feature = "otlp-json")]
mod numbers;
pub(crate) mod parts;
mod requests;
mod wire;

#[cfg(all(feature = "logs", feature = "otlp-json"))]
pub(crate) use self::json::{WriteJson, json};
pub(crate) use self::{
    client::Client,
    endpoint::take_credentials,
    requests::{OtlpMetrics, OtlpSpans},
};
#[cfg(feature = "logs")]
pub(crate) use self::{encode::Write, wire::Buffer};
pub use self::{endpoint::usable, file::OtlpFile};
#[cfg(feature = "logs")]
pub(crate) use self::{names::LOGS, requests::Requests};

use self::client::Endpoint;
use crate::{
    diagnostics::shown::Shown,
    error::ExportError,
    exports::Exports,
    pipeline::{batch::shorter, deadline::Deadline},
    self_metrics::component::Exporter,
    transport::{
        http::{Poster, Target},
        proxy::Proxy,
        tls::Tls,
        ureq_client::UreqClient,
    },
};
use http::header::{AUTHORIZATION, HeaderMap};
use opentelemetry_http::HttpClient;
use std::{fmt, sync::Arc, time::Duration};

/// The settings of an exporter over OTLP, for one signal.
///
/// ```
/// use tracewire_export::{Compression, OtlpExporter};
///
/// let mut otlp = OtlpExporter::new("https://collector.example/v1/traces");
/// otlp.compression = Compression::Gzip;
/// otlp.headers.insert("api-key", "secret".parse().unwrap());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct OtlpExporter {
    /// Where to send: over HTTP the whole URL, `http://localhost:4318/v1/traces`, and over gRPC scheme,
    /// host and port, `http://localhost:4317`. Credentials in it become a header.
    pub endpoint: String,
    /// How OTLP is spoken; protobuf over HTTP unless set.
    pub protocol: Protocol,
    /// Headers of each request, none unless set. They are never shown.
    pub headers: HeaderMap,
    /// How long one export may take, retries included; 10 seconds unless set, and zero is no limit.
    pub timeout: Duration,
    /// How bodies are compressed; not at all unless set.
    pub compression: Compression,
    /// How many bytes a request may have before compression, unless a single item has more; 1 MiB unless
    /// set, and at most. Zero is not set.
    pub max_request_size: usize,
    /// Whether spans that are recorded without being sampled are exported too; not unless set. For back ends
    /// that count every request before they sample themselves.
    pub unsampled: bool,
    /// Which certificates are trusted and shown.
    pub tls: Tls,
    /// The proxy to go through; none unless set. The variables for proxies are not read.
    pub proxy: Option<Proxy>,
    /// Where lines of JSON are written in place of sending anything; then `endpoint` and what is about it have
    /// no effect. It needs the cargo feature `otlp-json`.
    pub file: Option<OtlpFile>,
    /// The client that sends over HTTP, in place of the one of this crate; then `tls` and `proxy` have
    /// no effect. gRPC does not use it.
    ///
    /// It is called on threads of the exporter, outside any runtime, and dropped where it does not
    /// answer in time. A client that needs tokio spawns its work on a runtime's handle.
    pub client: Option<Arc<dyn HttpClient>>,
}

/// How OTLP is spoken. What is not compiled in is an error when the exporter is made.
///
/// ```
/// use tracewire_export::{OtlpExporter, Protocol};
///
/// let mut otlp = OtlpExporter::new("http://localhost:4317");
/// otlp.protocol = Protocol::Grpc;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// Protobuf over HTTP.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP; needs the cargo feature `otlp-json`.
    HttpJson,
    /// gRPC, over HTTP/2; needs the cargo feature `otlp-grpc`.
    Grpc,
}

/// How OTLP bodies are compressed.
///
/// ```
/// use tracewire_export::{Compression, OtlpExporter};
///
/// let mut otlp = OtlpExporter::new("https://otlp.example/v1/traces");
/// otlp.compression = Compression::Gzip;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

impl Protocol {
    /// Its name in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
            Self::Grpc => "grpc",
        }
    }

    /// The cargo feature that it needs, unless this build has it.
    pub fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::HttpJson if !cfg!(feature = "otlp-json") => Some("otlp-json"),
            Self::Grpc if !cfg!(feature = "otlp-grpc") => Some("otlp-grpc"),
            _ => None,
        }
    }
}

impl OtlpExporter {
    /// The defaults, for this endpoint.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            protocol: Protocol::default(),
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(10),
            compression: Compression::default(),
            max_request_size: 0,
            unsampled: false,
            tls: Tls::default(),
            proxy: None,
            file: None,
            client: None,
        }
    }

    /// How metrics name an exporter with these settings.
    pub(crate) fn component(&self, signal: &str) -> Exporter {
        if self.file.is_some() {
            return Exporter::local(match signal {
                "spans" => "otlp_file_span_exporter",
                "log records" => "otlp_file_log_exporter",
                _ => "otlp_file_metric_exporter",
            });
        }
        let kind = match (self.protocol, signal) {
            (Protocol::HttpProtobuf, "spans") => "otlp_http_span_exporter",
            (Protocol::HttpProtobuf, "log records") => "otlp_http_log_exporter",
            (Protocol::HttpProtobuf, _) => "otlp_http_metric_exporter",
            (Protocol::HttpJson, "spans") => "otlp_http_json_span_exporter",
            (Protocol::HttpJson, "log records") => "otlp_http_json_log_exporter",
            (Protocol::HttpJson, _) => "otlp_http_json_metric_exporter",
            (Protocol::Grpc, "spans") => "otlp_grpc_span_exporter",
            (Protocol::Grpc, "log records") => "otlp_grpc_log_exporter",
            (Protocol::Grpc, _) => "otlp_grpc_metric_exporter",
        };
        Exporter::to(kind, self.endpoint.trim())
    }

    /// The client with these settings. `export_timeout` is the limit of the processor that uses it.
    pub(crate) fn client(
        self,
        export_timeout: Duration,
        exports: &Exports,
        deadline: Arc<Deadline>,
    ) -> Result<Client, ExportError> {
        if let Some(file) = self.file {
            let timeout = shorter(self.timeout, export_timeout);
            return file_client(file, timeout, deadline, self.max_request_size);
        }
        if let Some(feature) = self.protocol.missing_feature() {
            return Err(ExportError::not_compiled_in(
                "protocol",
                &Shown::value(self.protocol.name()),
                &format!("it needs the cargo feature `{feature}`; without it, http/protobuf works"),
            ));
        }
        let mut url = usable(self.endpoint.trim())?;
        let mut headers = self.headers;
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        if let Some(credentials) = take_credentials(&mut url) {
            headers.entry(AUTHORIZATION).or_insert(credentials);
        }
        let gzip = self.compression == Compression::Gzip;
        let timeout = shorter(self.timeout, export_timeout);
        #[cfg(feature = "otlp-grpc")]
        if self.protocol == Protocol::Grpc {
            let target =
                grpc::Target { url, headers, gzip, timeout, proxy: self.proxy, tls: self.tls };
            let runtime = exports.runtimes().get()?;
            let client = grpc::GrpcClient::new(target, runtime, deadline)?;
            return Ok(Client::new(Endpoint::Grpc(client), self.max_request_size));
        }
        #[cfg(not(feature = "otlp-grpc"))]
        let _ = exports; // which have the runtime that gRPC needs
        let client = match self.client {
            Some(client) => client,
            None => Arc::new(UreqClient::new(&url, &self.tls, self.proxy)?),
        };
        let poster = Poster::new(Target { client, url, headers, gzip, timeout }, deadline)?;
        let to = match self.protocol {
            #[cfg(feature = "otlp-json")]
            Protocol::HttpJson => Endpoint::Json(poster),
            _ => Endpoint::Protobuf(poster),
        };
        Ok(Client::new(to, self.max_request_size))
    }
}

#[cfg(feature = "otlp-json")]
fn file_client(
    file: OtlpFile,
    timeout: Option<Duration>,
    deadline: Arc<Deadline>,
    max_request_size: usize,
) -> Result<Client, ExportError> {
    let lines = lines::Lines::new(file, timeout, deadline)?;
    Ok(Client::new(Endpoint::File(lines), max_request_size))
}

#[cfg(not(feature = "otlp-json"))]
fn file_client(
    _file: OtlpFile,
    _timeout: Option<Duration>,
    _deadline: Arc<Deadline>,
    _max_request_size: usize,
) -> Result<Client, ExportError> {
    let allowed = "it needs the cargo feature `otlp-json`";
    Err(ExportError::not_compiled_in("file", &Shown::nothing(), allowed))
}

/// Without the headers, and with the endpoint as it may be shown.
impl fmt::Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter")
            .field("endpoint", &Shown::endpoint(&self.endpoint).text())
            .field("protocol", &self.protocol)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("file", &self.file)
            .field("client", &self.client.is_some())
            .finish_non_exhaustive()
    }
}
