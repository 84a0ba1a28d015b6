//! OTLP requests, read.

use crate::{Log, Logs, Metrics, Signal, Span, value::attributes};
use bytes::{Buf, Bytes};
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use std::io::Read;

/// What one request holds.
pub(crate) enum Export {
    Spans(Vec<Span>),
    Metrics(Metrics),
    Logs(Logs),
}

/// How the message is written.
#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Protobuf,
    #[cfg(feature = "json")]
    Json,
}

impl Encoding {
    /// The encoding that the content type names.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let content_type = text(headers, header::CONTENT_TYPE.as_str());
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-protobuf" | "application/grpc" | "application/grpc+proto" => {
                Ok(Self::Protobuf)
            }
            #[cfg(feature = "json")]
            "application/json" => Ok(Self::Json),
            other => Err(format!("content type {other:?} is not OTLP")),
        }
    }

    pub(crate) fn decode(self, signal: Signal, body: &[u8]) -> Result<Export, String> {
        Ok(match signal {
            Signal::Traces => Export::Spans(spans(self.message(body)?)),
            Signal::Metrics => {
                let request: ExportMetricsServiceRequest = self.message(body)?;
                Export::Metrics(Metrics::from_proto(request.resource_metrics))
            }
            Signal::Logs => Export::Logs(logs(self.message(body)?)),
        })
    }

    #[cfg(not(feature = "json"))]
    fn message<M: Message + Default>(self, body: &[u8]) -> Result<M, String> {
        match self {
            Self::Protobuf => M::decode(body).map_err(|error| error.to_string()),
        }
    }

    #[cfg(feature = "json")]
    fn message<M>(self, body: &[u8]) -> Result<M, String>
    where
        M: Message + Default + for<'de> serde::Deserialize<'de>,
    {
        match self {
            Self::Protobuf => M::decode(body).map_err(|error| error.to_string()),
            Self::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
        }
    }
}

/// A body as it was before its content encoding.
pub(crate) fn decompress(encoding: &str, body: Bytes) -> Result<Bytes, String> {
    match encoding {
        "" | "identity" => Ok(body),
        "gzip" => {
            let mut plain = Vec::new();
            let read = flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain);
            read.map(|_| plain.into()).map_err(|error| error.to_string())
        }
        other => Err(format!("content encoding {other:?} is unknown")),
    }
}

/// The one message of a unary gRPC call: a flag for compression, four bytes of length, the message.
pub(crate) fn grpc_message(headers: &HeaderMap, mut body: Bytes) -> Result<Bytes, String> {
    if body.len() < 5 {
        return Err(String::from("no gRPC message"));
    }
    let compressed = body.get_u8() == 1;
    let length = body.get_u32() as usize;
    if body.len() != length {
        return Err(format!("{length} bytes announced, {} sent", body.len()));
    }
    let encoding = if compressed { text(headers, "grpc-encoding") } else { "" };
    decompress(encoding, body)
}

/// A gRPC message of no bytes.
pub(crate) fn empty_grpc_message(gzip: bool) -> Bytes {
    if !gzip {
        return Bytes::from_static(&[0; 5]);
    }
    let nothing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish();
    let nothing = nothing.expect("a vector takes what is written");
    let mut message = vec![1];
    message.extend(u32::try_from(nothing.len()).expect("nothing is short").to_be_bytes());
    message.extend(nothing);
    message.into()
}

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in request.resource_spans {
        let resource = attributes(group.resource.unwrap_or_default().attributes);
        for scoped in group.scope_spans {
            let scope = scoped.scope.unwrap_or_default();
            spans.extend(scoped.spans.into_iter().map(|span| Span {
                scope: scope.name.clone(),
                scope_version: scope.version.clone(),
                schema_url: scoped.schema_url.clone(),
                resource: resource.clone(),
                ..Span::from_proto(span)
            }));
        }
    }
    spans
}

fn logs(request: ExportLogsServiceRequest) -> Logs {
    let scoped = request.resource_logs.into_iter().flat_map(|group| group.scope_logs);
    let logs = scoped.flat_map(|scoped| {
        let scope = scoped.scope.unwrap_or_default().name;
        scoped.log_records.into_iter().map(move |log| Log::from_proto(log, scope.clone()))
    });
    Logs(logs.collect())
}
