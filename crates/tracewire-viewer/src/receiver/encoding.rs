//! How a request is written, and what it is for.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::signal::Signal;

/// How a request is written, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Grpc,
    Protobuf,
    Json,
}

impl Encoding {
    /// Only content types that a page of another origin cannot send without asking first.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/grpc" | "application/grpc+proto" => Some(Self::Grpc),
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The signal that a path is for, over HTTP or gRPC.
pub(super) fn signal(path: &str) -> Option<Signal> {
    let path = path.strip_prefix("/opentelemetry.proto.collector.").unwrap_or(path);
    match path {
        "/v1/traces" | "trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/v1/logs" | "logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/v1/metrics" | "metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}
