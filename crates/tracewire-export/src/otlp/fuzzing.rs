//! What `fuzz/` drives: what collectors answer, and what is sent to them as JSON.

use super::{
    client::{read_json, read_protobuf},
    forms::Forms,
    grpc, json,
    names::{LOGS, SPANS},
};
use crate::{
    logs::Log,
    pipeline::{
        body::{MOST_BODY_BYTES, fill},
        failure::Failure,
    },
    transport,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    logs::v1::LogRecord,
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use std::{collections::VecDeque, error::Error, sync::Arc, time::Duration};

/// What a collector says about a request that it took: how many items it rejected, and why.
pub type Rejected = Result<(), (Option<u64>, String)>;

fn rejected(result: Result<(), Failure>) -> Rejected {
    result.map_err(|failure| (failure.items, failure.reason))
}

/// Reads the body of a successful answer in protobuf, as one about spans, metrics and log records.
pub fn protobuf_answer(body: &[u8]) -> [Rejected; 3] {
    [
        rejected(read_protobuf::<ExportTraceServiceRequest>(body)),
        rejected(read_protobuf::<ExportMetricsServiceRequest>(body)),
        rejected(read_protobuf::<ExportLogsServiceRequest>(body)),
    ]
}

/// Reads the body of a successful answer in JSON, as one about spans, metrics and log records.
pub fn json_answer(body: &[u8]) -> [Rejected; 3] {
    [
        rejected(read_json::<ExportTraceServiceRequest>(body)),
        rejected(read_json::<ExportMetricsServiceRequest>(body)),
        rejected(read_json::<ExportLogsServiceRequest>(body)),
    ]
}

/// When a request is sent again after its first attempt was answered so, if it is.
#[must_use]
pub fn retried(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    transport::http::retry(status, headers).after(1)
}

/// Reads an answer over gRPC. Returns its message; or what would be shown of its status, and when the call
/// is made again, if it is.
///
/// # Errors
///
/// If the status is not `OK`.
pub async fn grpc_answer<B>(
    answer: http::Response<B>,
) -> Result<Vec<u8>, (String, Option<Duration>)>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    grpc::read(answer).await
}

/// Reads the answer of a proxy that was asked for a tunnel. Returns what is left for the server behind it.
///
/// # Errors
///
/// If there is no tunnel.
pub async fn proxy_answer(mut answer: &[u8]) -> Result<&[u8], String> {
    grpc::tunnel::answered(&mut answer).await.map_err(|error| error.to_string())?;
    Ok(answer)
}

/// Encodes spans in batches, each a line of JSON.
#[must_use]
pub fn span_lines(spans: &[SpanData], resource: &Resource) -> Vec<Vec<u8>> {
    let forms = Forms::new(resource, SPANS);
    let mut spans: VecDeque<_> = spans.iter().cloned().map(Arc::new).collect();
    let mut lines = Vec::new();
    while !spans.is_empty() {
        lines.push(fill(MOST_BODY_BYTES, &forms.json, &mut spans));
    }
    lines
}

/// Encodes metrics as JSON.
#[must_use]
pub fn metrics_json(metrics: &ExportMetricsServiceRequest) -> Vec<u8> {
    let mut body = Vec::new();
    json::json(&mut body, metrics);
    body
}

/// Encodes log records in batches, each as JSON and as protobuf. Each record comes with the name of its
/// scope and its target.
#[must_use]
pub fn log_bodies(records: &[(String, Option<String>, LogRecord)]) -> [Vec<Vec<u8>>; 2] {
    let logs = || -> VecDeque<Log> {
        let logs = records.iter().map(|(scope, target, record)| {
            let scope = InstrumentationScope::builder(scope.clone()).build();
            Log::of(scope, target.clone().map(Into::into), record.clone())
        });
        logs.collect()
    };
    let forms = Forms::new(&Resource::builder_empty().build(), LOGS);
    let (mut json, mut protobuf) = ((logs(), Vec::new()), (logs(), Vec::new()));
    while !json.0.is_empty() {
        json.1.push(fill(MOST_BODY_BYTES, &forms.json, &mut json.0));
    }
    while !protobuf.0.is_empty() {
        protobuf.1.push(fill(MOST_BODY_BYTES, &forms.protobuf, &mut protobuf.0));
    }
    [json.1, protobuf.1]
}
