//! OTLP over gRPC.
//!
//! A gRPC connection needs a runtime that is always there to answer pings, so telemetry has one of
//! its own, of one thread, that all signals share. TLS is ours as well: with tonic's, another crate
//! of the build could choose the provider of its cryptography.

mod dial;
#[cfg(not(feature = "__rustls"))]
mod plain;
#[cfg(feature = "__rustls")]
mod secured;
mod stream;
pub(super) mod tunnel;
mod unary;

#[cfg(not(feature = "__rustls"))]
use self::plain::Secured;
#[cfg(feature = "__rustls")]
use self::secured::Secured;
use self::{dial::Dial, tunnel::Tunnel};
use crate::{
    diagnostics::{shown, shown::Shown, unreachable},
    error::ExportError,
    pipeline::{
        deadline::Deadline,
        failure::{ErrorType, Failure},
    },
    transport::{
        http::gzip,
        proxy::Proxy,
        retry::{Fault, Retries, Retry},
        runtime::Runtime,
        tls::Tls,
        ureq_client::{CONNECT_TIMEOUT, USER_AGENT},
    },
};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use std::{error::Error, fmt, future::poll_fn, sync::Arc, time::Duration};
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;
use tower_service::Service;
use url::Url;

const WINDOW: u32 = 65_535;
const MOST_HEADERS: u32 = 64 * 1024;

/// Everything about the calls to one endpoint.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) gzip: bool,
    /// For one batch, retries included; `None` is no limit.
    pub(super) timeout: Option<Duration>,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: Tls,
}

/// Calls methods of one endpoint. Blocks the calling thread, which must not be a runtime's.
pub(crate) struct GrpcClient {
    channel: Channel,
    /// The endpoint, up to the path of a method.
    base: String,
    headers: HeaderMap,
    gzip: bool,
    retries: Retries,
    runtime: Arc<Runtime>,
}

impl GrpcClient {
    pub(super) fn new(
        target: Target,
        runtime: Arc<Runtime>,
        deadline: Arc<Deadline>,
    ) -> Result<Self, ExportError> {
        let endpoint = shown::url(&target.url);
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            ExportError::exporter(format!("the exporter cannot use {endpoint} as an endpoint"))
                .with_source(error)
        };
        let origin: http::Uri = target.url.as_str().parse().map_err(|e| failed(Box::new(e)))?;
        if target.proxy.as_ref().is_some_and(|proxy| !proxy.is_plain()) {
            let allowed = "gRPC supports only proxies whose URL begins with http://";
            return Err(ExportError::shown("proxy", &Shown::nothing(), allowed));
        }
        let secured = Secured::new(&target.tls, &target.url)?;
        let tunnel = target.proxy.map(Proxy::into_ureq).as_ref().map(Tunnel::new);
        let dial = Dial::new(&target.url, tunnel, secured);
        // The connector speaks TLS; tonic must not do so again.
        let mut plain = target.url.clone();
        let _ = plain.set_scheme("http");
        let channel = Endpoint::from_shared(plain.to_string())
            .and_then(|channel| channel.user_agent(USER_AGENT))
            .map_err(|error| failed(Box::new(error)))?
            .origin(origin)
            .connect_timeout(CONNECT_TIMEOUT)
            // What a collector may send before it is read: its answers are short.
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .http2_max_header_list_size(MOST_HEADERS);
        // A channel has tasks from the beginning.
        let channel = runtime.enter(|| channel.connect_with_connector_lazy(dial));
        let mut base = target.url;
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self {
            channel,
            base: base.as_str().trim_end_matches('/').to_owned(),
            headers: headers(target.headers, target.gzip),
            gzip: target.gzip,
            retries: Retries::new(endpoint, target.timeout, deadline),
            runtime,
        })
    }

    /// The message as it is sent, without what it was before.
    pub(super) fn compressed(&self, message: Vec<u8>) -> Vec<u8> {
        if self.gzip { gzip(&message) } else { message }
    }

    /// Calls `method` with a [compressed](Self::compressed) message, again if that may help, and
    /// gives the answer's message or why there is none.
    pub(super) fn call(&self, method: &'static str, message: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let message = Bytes::from(message);
        self.retries.run(|left| self.once(method, message.clone(), left))
    }

    fn once(&self, method: &'static str, message: Bytes, left: Duration) -> Result<Vec<u8>, Fault> {
        let mut channel = self.channel.clone();
        let mut request = http::Request::new(Body::new(unary::Message::new(message, self.gzip)));
        *request.method_mut() = http::Method::POST;
        *request.headers_mut() = self.headers.clone();
        let uri = format!("{}{method}", self.base).parse();
        let answer = async {
            *request.uri_mut() = uri.map_err(|_| Status::internal("no URI can be made"))?;
            let failed = |error: tonic::transport::Error| Status::from_error(error.into());
            poll_fn(|context| channel.poll_ready(context)).await.map_err(failed)?;
            unary::read(channel.call(request).await.map_err(failed)?).await
        };
        match self.runtime.block_on(left, answer) {
            Some(Ok(message)) => Ok(message),
            Some(Err(status)) => Err(self.fault(&status)),
            None => Err(Fault {
                kind: ErrorType::Timeout,
                what: format!("{}: the response timed out", self.retries.endpoint()),
                retry: Retry::Soon,
            }),
        }
    }

    fn fault(&self, status: &Status) -> Fault {
        let endpoint = self.retries.endpoint();
        // The message is not shown: it may hold what was sent.
        let (kind, what) = match cause(status) {
            Some(cause) => (
                ErrorType::of_cause(cause),
                match is_unreached(cause) {
                    true => unreachable::reason(endpoint, &cause.to_string()),
                    false => format!("{endpoint}: {cause}"),
                },
            ),
            None => (
                ErrorType::Grpc(name(status.code())),
                format!("gRPC {:?} from {endpoint}", status.code()),
            ),
        };
        Fault { kind, what, retry: retry(status) }
    }
}

/// Without the metadata and the URL: a provider's `Debug` shows its exporters.
impl fmt::Debug for GrpcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcClient").field("retries", &self.retries).finish_non_exhaustive()
    }
}

/// Reads an answer, and gives its message, or the message of its status and when to try again.
#[cfg(all(feature = "logs", feature = "otlp-json"))]
pub(super) async fn read<B>(
    answer: http::Response<B>,
) -> Result<Vec<u8>, (String, Option<Duration>)>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let status = match unary::read(answer).await {
        Ok(message) => return Ok(message),
        Err(status) => status,
    };
    Err((status.message().to_owned(), retry(&status).after(1)))
}

/// The headers of every call: those of the protocol, and the user's.
fn headers(mut headers: HeaderMap, gzip: bool) -> HeaderMap {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if gzip {
        // A Collector answers as it was asked.
        for name in ["grpc-encoding", "grpc-accept-encoding"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("gzip"));
        }
    }
    headers
}

/// Why there was no answer, if that was it: the innermost cause.
fn cause(status: &Status) -> Option<&(dyn Error + 'static)> {
    let mut cause = std::error::Error::source(status)?;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Some(cause)
}

/// Whether there was nobody to send anything to.
fn is_unreached(cause: &(dyn Error + 'static)) -> bool {
    let error = cause.downcast_ref::<std::io::Error>();
    error.is_some_and(unreachable::is_unreached)
}

/// The name of a status in the protocol.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// By the table of the protocol: what is transient, and an exhausted collector only if it says when.
fn retry(status: &Status) -> Retry {
    let pause = status.get_details_retry_info().and_then(|info| info.retry_delay);
    match (status.code(), pause) {
        (Code::Unavailable | Code::ResourceExhausted, Some(pause)) => Retry::After(pause),
        (
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss,
            _,
        ) => Retry::Soon,
        // A connection that broke.
        (Code::Unknown, _) if std::error::Error::source(status).is_some() => Retry::Soon,
        _ => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn transient_codes_are_retried_and_an_exhausted_collector_when_it_says() {
        let pause = Duration::from_secs(7);
        for code in 0..=16 {
            let code = Code::from(code);
            let transient = matches!(
                code,
                Code::Cancelled
                    | Code::DeadlineExceeded
                    | Code::Aborted
                    | Code::OutOfRange
                    | Code::Unavailable
                    | Code::DataLoss
            );
            let expected = if transient { Retry::Soon } else { Retry::Never };
            assert_eq!(retry(&Status::new(code, "")), expected, "{code:?}");
        }
        for code in [Code::Unavailable, Code::ResourceExhausted] {
            let details = ErrorDetails::with_retry_info(Some(pause));
            let status = Status::with_error_details(code, "", details);
            assert_eq!(retry(&status), Retry::After(pause), "{code:?}");
        }
    }
}
