//! What is read of log records, and what is answered.

use prost::Message;

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
