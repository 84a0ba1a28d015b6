//! How a request is written: its content type, and what it says of its body.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

use super::answer::{Answer, grpc};
use crate::intake::{Intake, Signal, Taken, encoded};

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

    /// Takes a request whose body has been read.
    pub(super) fn take(
        self,
        intake: &Intake,
        signal: Signal,
        message: &[u8],
    ) -> Result<Taken, Answer> {
        let taken = match (self, signal) {
            (Self::Grpc | Self::Protobuf, _) => intake.take(signal, message),
            (Self::Json, Signal::Traces) => {
                intake.take(signal, &json::<ExportTraceServiceRequest>(message)?)
            }
            (Self::Json, Signal::Logs) => {
                intake.take(signal, &json::<ExportLogsServiceRequest>(message)?)
            }
            (Self::Json, Signal::Metrics) => {
                intake.take(signal, &json::<ExportMetricsServiceRequest>(message)?)
            }
        };
        taken.map_err(|error| malformed(&error.to_string()))
    }
}

fn json<M: Message + DeserializeOwned>(text: &[u8]) -> Result<bytes::Bytes, Answer> {
    let message: M = serde_json::from_slice(text).map_err(|error| malformed(&error.to_string()))?;
    Ok(encoded(&message))
}

fn malformed(reason: &str) -> Answer {
    Answer::new(StatusCode::BAD_REQUEST, grpc::INVALID_ARGUMENT, format!("not OTLP: {reason}"))
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
