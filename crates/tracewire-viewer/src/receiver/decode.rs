//! From a message to what the page keeps.

use http::StatusCode;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

use super::answer::{Answer, grpc};
use super::encoding::Encoding;
use crate::export::NotTaken;
use crate::intake::{Intake, encoded};
use crate::json::readable;
use crate::signal::{Signal, Taken};

/// Takes a request whose body has been read.
pub(super) fn take(
    encoding: Encoding,
    intake: &Intake,
    signal: Signal,
    message: &[u8],
) -> Result<Taken, Answer> {
    let taken = match (encoding, signal) {
        (Encoding::Grpc | Encoding::Protobuf, _) => intake.take(signal, message),
        (Encoding::Json, Signal::Traces) => {
            intake.take(signal, &json::<ExportTraceServiceRequest>(message)?)
        }
        (Encoding::Json, Signal::Logs) => {
            intake.take(signal, &json::<ExportLogsServiceRequest>(message)?)
        }
        (Encoding::Json, Signal::Metrics) => {
            intake.take(signal, &json::<ExportMetricsServiceRequest>(message)?)
        }
    };
    taken.map_err(|error| match error {
        NotTaken::NotOtlp(reason) => malformed(&reason),
        NotTaken::TooMany => too_many(error.to_string()),
    })
}

/// Objects and lists in one request. Each takes up to 100 bytes, and `{},` would take three of the text.
const MOST_PARTS: usize = 1_000_000;

fn json<M: Message + DeserializeOwned>(text: &[u8]) -> Result<bytes::Bytes, Answer> {
    if text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > MOST_PARTS {
        return Err(too_many(
            "more than 1,000,000 objects and lists; send smaller batches".to_owned(),
        ));
    }
    let message: M =
        serde_json::from_slice(&readable(text)).map_err(|error| malformed(&error.to_string()))?;
    Ok(encoded(&message))
}

fn too_many(message: String) -> Answer {
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, grpc::RESOURCE_EXHAUSTED, message)
}

fn malformed(reason: &str) -> Answer {
    Answer::new(StatusCode::BAD_REQUEST, grpc::INVALID_ARGUMENT, format!("not OTLP: {reason}"))
}
