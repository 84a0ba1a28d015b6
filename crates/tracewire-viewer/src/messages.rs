//! OTLP's requests, with resources, scopes and items as the bytes that the store keeps.

use bytes::Bytes;
use prost::Message;

/// `ExportTraceServiceRequest`, `ExportLogsServiceRequest` or `TracesData`: all have the same fields.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Export {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resources: Vec<ResourceItems>,
}

/// `ResourceSpans` or `ResourceLogs`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceItems {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) resource: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scopes: Vec<ScopeItems>,
}

/// `ScopeSpans` or `ScopeLogs`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeItems {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) scope: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) items: Vec<Bytes>,
}

/// What a `LogRecord` says of its trace.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct LogHead {
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) trace_id: Vec<u8>,
}

/// The answer to an export of any signal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(crate) rejected: i64,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// `google.rpc.Status`, the body of a failure over HTTP.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}
