//! One request of any signal, and what the collector says to it.

#[cfg(feature = "otlp-grpc")]
use super::grpc::GrpcClient;
use super::{encode::Write, forms::Forms};
#[cfg(feature = "otlp-json")]
use super::{json::WriteJson, lines::Lines};
use crate::{
    pipeline::{
        body::{MOST_BODY_BYTES, Scoped, fill},
        deliver::{Encoded, HeapSize},
        failure::{ErrorType, Failure},
    },
    transport::http::Poster,
};
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use prost::Message;
use std::collections::VecDeque;

/// Sends to one endpoint. Blocks the calling thread, which must not be a runtime's.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) to: Endpoint,
    /// Bytes of a request, before compression.
    most_bytes: usize,
}

/// Where and how it is sent.
#[derive(Debug)]
pub(crate) enum Endpoint {
    Protobuf(Poster),
    #[cfg(feature = "otlp-json")]
    Json(Poster),
    /// Lines of JSON.
    #[cfg(feature = "otlp-json")]
    File(Lines),
    #[cfg(feature = "otlp-grpc")]
    Grpc(GrpcClient),
}

impl Client {
    /// A client whose requests have at most so many bytes; zero is no limit but that of all requests.
    pub(super) fn new(to: Endpoint, most_bytes: usize) -> Self {
        let most_bytes = match most_bytes {
            0 => MOST_BODY_BYTES,
            most => most.min(MOST_BODY_BYTES),
        };
        Self { to, most_bytes }
    }

    /// Encodes what fits into one request.
    pub(super) fn encode<T: Item>(
        &self,
        batch: &mut VecDeque<T>,
        forms: &Forms,
    ) -> Encoded<Vec<u8>> {
        let body = match &self.to {
            #[cfg(feature = "otlp-json")]
            Endpoint::Json(_) | Endpoint::File(_) => fill(self.most_bytes, &forms.json, batch),
            _ => fill(self.most_bytes, &forms.protobuf, batch),
        };
        let body = self.compressed(body);
        Encoded { bytes: body.capacity(), body }
    }

    /// How large a message may be for its body not to be too large.
    pub(super) fn most_message(&self) -> usize {
        match &self.to {
            // The same as JSON is several times as long.
            #[cfg(feature = "otlp-json")]
            Endpoint::Json(_) | Endpoint::File(_) => self.most_bytes / 4,
            _ => self.most_bytes,
        }
    }

    /// Encodes a whole request.
    pub(super) fn encode_message<R: Request>(&self, request: R) -> Vec<u8> {
        let body = match &self.to {
            #[cfg(feature = "otlp-json")]
            Endpoint::Json(_) | Endpoint::File(_) => {
                let mut body = Vec::new();
                super::json::json(&mut body, &request);
                body
            }
            _ => request.encode_to_vec(),
        };
        // The message must not stay in memory while it is compressed.
        drop(request);
        self.compressed(body)
    }

    fn compressed(&self, body: Vec<u8>) -> Vec<u8> {
        match &self.to {
            Endpoint::Protobuf(client) => client.compressed(body),
            #[cfg(feature = "otlp-json")]
            Endpoint::Json(client) => client.compressed(body),
            #[cfg(feature = "otlp-json")]
            Endpoint::File(_) => body,
            #[cfg(feature = "otlp-grpc")]
            Endpoint::Grpc(client) => client.compressed(body),
        }
    }

    /// Sends what was encoded as a request of this kind.
    pub(super) fn send<R: Request>(&self, body: Vec<u8>) -> Result<(), Failure> {
        match &self.to {
            #[cfg(feature = "otlp-json")]
            Endpoint::Json(client) => read_json::<R>(&client.post("application/json", body)?),
            #[cfg(feature = "otlp-json")]
            Endpoint::File(lines) => lines.write(body),
            Endpoint::Protobuf(client) => {
                read_protobuf::<R>(&client.post("application/x-protobuf", body)?)
            }
            #[cfg(feature = "otlp-grpc")]
            Endpoint::Grpc(client) => read_protobuf::<R>(&client.call(R::METHOD, body)?),
        }
    }
}

/// An item in each form it may take.
#[cfg(feature = "otlp-json")]
pub(crate) trait Item: Scoped + HeapSize + Write + WriteJson {}
#[cfg(feature = "otlp-json")]
impl<T: Scoped + HeapSize + Write + WriteJson> Item for T {}
#[cfg(not(feature = "otlp-json"))]
pub(crate) trait Item: Scoped + HeapSize + Write {}
#[cfg(not(feature = "otlp-json"))]
impl<T: Scoped + HeapSize + Write> Item for T {}

/// A request of the protocol.
pub(crate) trait Request: Message + Clone + Default + Encode + 'static {
    type Response: Message + Default + 'static;
    /// The name in JSON of the number of items that were not wanted.
    #[cfg(feature = "otlp-json")]
    const REJECTED: &'static str;
    /// The path of the method in gRPC.
    #[cfg(feature = "otlp-grpc")]
    const METHOD: &'static str;

    /// How many items were not wanted, and why.
    fn rejected(response: Self::Response) -> (i64, String);
}

#[cfg(feature = "otlp-json")]
pub(crate) use serde::Serialize as Encode;

/// What it takes besides protobuf: nothing.
#[cfg(not(feature = "otlp-json"))]
pub(crate) trait Encode {}
#[cfg(not(feature = "otlp-json"))]
impl<T> Encode for T {}

macro_rules! request {
    ($request:ty, $response:ty, $field:ident, $json:literal, $method:literal) => {
        impl Request for $request {
            type Response = $response;
            #[cfg(feature = "otlp-json")]
            const REJECTED: &'static str = $json;
            #[cfg(feature = "otlp-grpc")]
            const METHOD: &'static str = $method;

            fn rejected(response: $response) -> (i64, String) {
                let partial = response.partial_success.unwrap_or_default();
                (partial.$field, partial.error_message)
            }
        }
    };
}

request!(
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
    rejected_spans,
    "rejectedSpans",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
);
request!(
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    rejected_data_points,
    "rejectedDataPoints",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
);
#[cfg(feature = "logs")]
request!(
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
    rejected_log_records,
    "rejectedLogRecords",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
);

/// What the collector says about a request that it took. What cannot be read says nothing.
pub(super) fn read_protobuf<R: Request>(answer: &[u8]) -> Result<(), Failure> {
    let (items, message) = R::rejected(R::Response::decode(answer).unwrap_or_default());
    outcome(items, &message)
}

#[cfg(feature = "otlp-json")]
pub(super) fn read_json<R: Request>(answer: &[u8]) -> Result<(), Failure> {
    let (items, message) = rejected_json(answer, R::REJECTED);
    outcome(items, &message)
}

/// A 64-bit number is text in JSON, and some write it as a number.
#[cfg(feature = "otlp-json")]
fn rejected_json(answer: &[u8], field: &str) -> (i64, String) {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let items = match &partial[field] {
        serde_json::Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_i64().unwrap_or(0),
    };
    (items, partial["errorMessage"].as_str().unwrap_or_default().to_owned())
}

/// A success that says how much of the batch the collector did not want.
fn outcome(items: i64, message: &str) -> Result<(), Failure> {
    let items = u64::try_from(items).unwrap_or(0);
    if items == 0 {
        // A message alone is advice about data that was accepted.
        return Ok(());
    }
    let reason =
        format!("the collector rejected them: {}", tracewire_text::shortened(message, 200));
    Err(Failure { items: Some(items), ..Failure::of(ErrorType::Rejected, reason) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_part_is_counted_and_advice_is_not() {
        assert_eq!(outcome(0, "use gzip"), Ok(()));
        assert_eq!(outcome(-3, ""), Ok(()));
        let reason = "the collector rejected them: too old\\n".to_owned();
        let rejected = Failure { items: Some(3), kind: ErrorType::Rejected, reason };
        assert_eq!(outcome(3, "too old\n"), Err(rejected));
    }

    #[cfg(feature = "otlp-json")]
    #[test]
    fn a_rejected_part_is_read_from_json() {
        let read = |text: &str| rejected_json(text.as_bytes(), "rejectedSpans");
        for text in [
            r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":3,"errorMessage":"old"}}"#,
        ] {
            assert_eq!(read(text), (3, "old".to_owned()), "{text}");
        }
        for text in
            ["", "{}", "[]", "null", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":7}"#]
        {
            assert_eq!(read(text), (0, String::new()), "{text}");
        }
    }
}
