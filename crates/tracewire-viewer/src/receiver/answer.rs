//! Answers, in the encoding of their request.

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use prost::Message;
use serde_json::json;

use super::encoding::Encoding;
use crate::messages::{ExportResponse, PartialSuccess, Status};
use crate::signal::{Signal, Taken};

/// gRPC's status codes.
pub(super) mod grpc {
    pub(crate) const INVALID_ARGUMENT: u16 = 3;
    pub(crate) const DEADLINE_EXCEEDED: u16 = 4;
    pub(crate) const PERMISSION_DENIED: u16 = 7;
    pub(crate) const RESOURCE_EXHAUSTED: u16 = 8;
    pub(crate) const UNIMPLEMENTED: u16 = 12;
    pub(crate) const UNAVAILABLE: u16 = 14;
    pub(crate) const UNAUTHENTICATED: u16 = 16;
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Why a request is not taken.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    code: u16,
    pub(super) message: String,
}

impl Answer {
    pub(super) fn new(status: StatusCode, code: u16, message: String) -> Self {
        Self { status, code, message }
    }

    pub(super) fn forbidden(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => grpc::UNAUTHENTICATED,
            _ => grpc::PERMISSION_DENIED,
        };
        let message = match status {
            StatusCode::UNAUTHORIZED => "a token is required: authorization=Bearer …",
            StatusCode::MISDIRECTED_REQUEST => "this host name is not allowed; see --allow-host",
            _ => "only requests from this host are accepted",
        };
        Self::new(status, code, message.to_owned())
    }

    /// Too many bodies are on their way.
    pub(super) fn busy() -> Self {
        let message = "too many requests are being received; send it again".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, grpc::UNAVAILABLE, message)
    }

    pub(super) fn unknown_path() -> Self {
        let message = "expected /v1/traces, /v1/logs, /v1/metrics or one of their gRPC services";
        Self::new(StatusCode::NOT_FOUND, grpc::UNIMPLEMENTED, message.to_owned())
    }
}

impl Encoding {
    pub(super) fn success(self, signal: Signal, taken: &Taken) -> Response<Body> {
        let partial_success = (taken.rejected > 0).then(|| PartialSuccess {
            rejected: i64::try_from(taken.rejected).unwrap_or(i64::MAX),
            message: taken.reason.to_owned(),
        });
        match self {
            Self::Grpc => {
                let message = ExportResponse { partial_success }.encode_to_vec();
                let mut frame = BytesMut::with_capacity(message.len() + 5);
                frame.put_u8(0);
                frame.put_u32(u32::try_from(message.len()).expect("an answer is short"));
                frame.put_slice(&message);
                let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from(0))]);
                let body = Full::new(frame.freeze()).with_trailers(async { Some(Ok(trailers)) });
                self.response(StatusCode::OK, body.boxed_unsync())
            }
            Self::Protobuf => {
                let message = ExportResponse { partial_success }.encode_to_vec();
                self.response(StatusCode::OK, whole(message))
            }
            Self::Json => {
                let answer = match partial_success {
                    None => json!({}),
                    Some(PartialSuccess { rejected, message }) => {
                        let count = match signal {
                            Signal::Traces => "rejectedSpans",
                            Signal::Logs => "rejectedLogRecords",
                            Signal::Metrics => "rejectedDataPoints",
                        };
                        // As JSON has it, numbers of 64 bits are texts.
                        let rejected = rejected.to_string();
                        json!({ "partialSuccess": { count: rejected, "errorMessage": message } })
                    }
                };
                self.response(StatusCode::OK, whole(answer.to_string()))
            }
        }
    }

    pub(super) fn failure(self, failure: &Answer) -> Response<Body> {
        let Answer { status, code, message } = failure;
        match self {
            Self::Grpc => {
                let mut response = self.response(StatusCode::OK, whole(""));
                let headers = response.headers_mut();
                headers.insert(GRPC_STATUS, HeaderValue::from(*code));
                headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip"));
                if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
                    headers.insert(GRPC_MESSAGE, message);
                }
                response
            }
            Self::Protobuf => {
                let body = Status { code: i32::from(*code), message: message.clone() };
                self.response(*status, whole(body.encode_to_vec()))
            }
            Self::Json => {
                let body = json!({ "code": code, "message": message });
                self.response(*status, whole(body.to_string()))
            }
        }
    }

    fn response(self, status: StatusCode, body: Body) -> Response<Body> {
        let kind = match self {
            Self::Grpc => "application/grpc",
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        };
        respond(status, kind, body)
    }
}

/// A content type that is not OTLP's.
pub(super) fn unsupported() -> Response<Body> {
    let text = "This port receives OTLP, as application/x-protobuf, application/json or application/grpc. The \
                page is on another port: 4319, unless tracewire-viewer printed another one.\n";
    respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain; charset=utf-8", whole(text))
}

/// A method other than POST.
pub(super) fn not_allowed() -> Response<Body> {
    let text = "OTLP is sent with POST\n";
    let mut response =
        respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", whole(text));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// gRPC's messages are percent-encoded.
fn percent_encoded(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
