//! OTLP over gRPC.
//!
//! A gRPC connection needs a runtime that is always there to answer pings, so telemetry has one of
//! its own, of one thread, that all signals share. TLS is ours as well: with tonic's, another crate
//! of the build could choose the provider of its cryptography. Proxies are not used.

mod dial;
mod runtime;

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use url::Url;

use self::dial::Dial;
pub(crate) use self::runtime::{Runtime, Runtimes};
use crate::attempts::{Attempts, Fault, Retry};
use crate::error::InitError;
use crate::http_client::{CONNECT_TIMEOUT, USER_AGENT, shown};
use crate::stop::Stop;
use crate::unreachable;

/// Everything about the calls to one endpoint.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) gzip: bool,
    /// For one batch, retries included; `None` is no limit.
    pub(super) timeout: Option<Duration>,
    /// `None` if the connection needs no TLS.
    #[cfg(feature = "__rustls")]
    pub(super) tls: Option<rustls::ClientConfig>,
}

/// Calls methods of one endpoint. Blocks the calling thread, which must not be a runtime's.
pub(crate) struct GrpcClient {
    client: Grpc<Channel>,
    metadata: MetadataMap,
    attempts: Attempts,
    runtime: Arc<Runtime>,
}

impl GrpcClient {
    pub(super) fn new(
        target: Target,
        runtime: Arc<Runtime>,
        stop: Arc<Stop>,
    ) -> Result<Self, InitError> {
        let endpoint = shown(&target.url);
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            InitError::exporter(format!("the exporter cannot use {endpoint} as an endpoint"))
                .with_source(error)
        };
        let origin: http::Uri = target.url.as_str().parse().map_err(|e| failed(Box::new(e)))?;
        let dial = Dial::new(
            &target.url,
            #[cfg(feature = "__rustls")]
            target.tls,
        )
        .map_err(failed)?;
        // TLS is the dialer's affair, and tonic is not told of it.
        let mut plain = target.url.clone();
        let _ = plain.set_scheme("http");
        let channel = Endpoint::from_shared(plain.to_string())
            .and_then(|channel| channel.user_agent(USER_AGENT))
            .map_err(|error| failed(Box::new(error)))?
            .origin(origin.clone())
            .connect_timeout(CONNECT_TIMEOUT);
        // A channel has tasks from the beginning.
        let channel = runtime.enter(|| channel.connect_with_connector_lazy(dial));
        let mut client = Grpc::with_origin(channel, origin);
        if target.gzip {
            // A Collector answers as it was asked.
            client = client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        Ok(Self {
            client,
            metadata: MetadataMap::from_headers(target.headers),
            attempts: Attempts::new(endpoint, target.timeout, stop),
            runtime,
        })
    }

    /// Calls `method`, again if that may help, and gives the answer or why there is none.
    pub(super) fn call<R: Message + Default + 'static>(
        &self,
        method: &'static str,
        request: impl Message,
    ) -> Result<R, String> {
        let body = Bytes::from(request.encode_to_vec());
        // A slow collector must not keep the batch in memory twice.
        drop(request);
        self.attempts.run(|left| self.once(method, body.clone(), left))
    }

    fn once<R: Message + Default + 'static>(
        &self,
        method: &'static str,
        body: Bytes,
        left: Duration,
    ) -> Result<R, Fault> {
        let mut client = self.client.clone();
        let mut request = tonic::Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        let answer = async {
            client.ready().await.map_err(|error| Status::from_error(error.into()))?;
            client.unary(request, PathAndQuery::from_static(method), Encoded(PhantomData)).await
        };
        match self.runtime.block_on(left, answer) {
            Some(Ok(response)) => Ok(response.into_inner()),
            Some(Err(status)) => Err(self.fault(&status)),
            None => Err(Fault {
                what: format!("{}: no answer in time", self.attempts.endpoint()),
                retry: Retry::Soon,
            }),
        }
    }

    fn fault(&self, status: &Status) -> Fault {
        let endpoint = self.attempts.endpoint();
        // The message is not shown: it may hold what was sent.
        let what = match cause(status) {
            Some(cause) if is_unreached(cause) => unreachable::reason(endpoint, &cause.to_string()),
            Some(cause) => format!("{endpoint}: {cause}"),
            None => format!("gRPC {:?} from {endpoint}", status.code()),
        };
        Fault { what, retry: retry(status) }
    }
}

/// Without the metadata and the URL: a provider's `Debug` shows its exporters.
impl fmt::Debug for GrpcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcClient").field("attempts", &self.attempts).finish_non_exhaustive()
    }
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

/// Requests that are encoded already, so that an attempt costs no copy of them.
struct Encoded<R>(PhantomData<R>);

impl<R: Message + Default + 'static> Codec for Encoded<R> {
    type Encode = Bytes;
    type Decode = R;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<R> Encoder for Encoded<R> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, body: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(body);
        Ok(())
    }
}

impl<R: Message + Default> Decoder for Encoded<R> {
    type Item = R;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<R>, Status> {
        // The data has arrived, whatever becomes of the answer.
        let answer = R::decode(&mut *buffer).unwrap_or_default();
        buffer.advance(buffer.remaining());
        Ok(Some(answer))
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
