//! Connections in memory between hyper's client and server.

use crate::{plan::Protocol, service::Plain};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
    server::conn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{DuplexStream, copy_bidirectional, duplex},
    task::AbortHandle,
    time::{Sleep, sleep},
};
use tower::BoxError;

/// A body of any kind.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The header of requests whose body fails.
pub(crate) const FAILS: &str = "x-fails";

/// When a body fails: before a connection is lost, even if three do so one after another.
const FAILURE: Duration = Duration::from_millis(10);

/// How many bytes a pipe holds: more than a scenario sends, so that nothing waits for space.
const PIPE: usize = 256 * 1024;

pub(crate) fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}

/// What sends requests to a service.
#[derive(Clone)]
pub(crate) enum Wire {
    Http1(Plain),
    Http2(http2::SendRequest<Upload>, AbortHandle),
}

impl Wire {
    pub(crate) async fn to(protocol: Protocol, service: Plain) -> Self {
        match protocol {
            Protocol::Http1 => Self::Http1(service),
            Protocol::Http2 => {
                let (ours, near) = duplex(PIPE);
                let (far, theirs) = duplex(PIPE);
                let between = tokio::spawn(relay(near, far));
                let http = conn::http2::Builder::new(TokioExecutor::new());
                let server =
                    http.serve_connection(TokioIo::new(theirs), TowerToHyperService::new(service));
                tokio::spawn(async move { drop(server.await) });
                let client = http2::handshake(TokioExecutor::new(), TokioIo::new(ours));
                let (sender, connection) = client.await.unwrap();
                tokio::spawn(async move { drop(connection.await) });
                Self::Http2(sender, between.abort_handle())
            }
        }
    }

    /// Loses the connection that requests share.
    pub(crate) fn lose(&self) {
        if let Self::Http2(_, between) = self {
            between.abort();
        }
    }

    /// Sends a request, over HTTP/1.1 on a connection of its own that ends with the response.
    pub(crate) async fn send(
        self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Held>, hyper::Error> {
        match self {
            Self::Http1(service) => {
                let (ours, theirs) = duplex(PIPE);
                let server = conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(service))
                    .with_upgrades();
                tokio::spawn(async move { drop(server.await) });
                let (mut sender, connection) = http1::handshake(TokioIo::new(ours)).await?;
                let task = tokio::spawn(async move { drop(connection.with_upgrades().await) });
                let connection = Some(Connection(task.abort_handle()));
                let response = sender.send_request(Upload::of(request)).await?;
                Ok(response.map(|body| Held { body, _connection: connection }))
            }
            Self::Http2(mut sender, _) => {
                sender.ready().await?;
                let response = sender.send_request(Upload::of(request)).await?;
                Ok(response.map(|body| Held { body, _connection: None }))
            }
        }
    }
}

/// What is between the two ends of a connection. Neither hears of the other any more when it is gone.
async fn relay(mut near: DuplexStream, mut far: DuplexStream) {
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

/// The body of a request, which may fail after a while instead of ending.
pub(crate) struct Upload {
    bytes: Full<Bytes>,
    fails: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    fn of(request: Request<Full<Bytes>>) -> Request<Self> {
        let fails = request.headers().contains_key(FAILS) && !request.body().is_end_stream();
        let fails = fails.then(|| Box::pin(sleep(FAILURE)));
        request.map(|bytes| Self { bytes, fails })
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.bytes).poll_frame(cx));
        match (frame, &mut self.fails) {
            (Some(Ok(frame)), _) => Poll::Ready(Some(Ok(frame))),
            (_, Some(fails)) => {
                ready!(fails.as_mut().poll(cx));
                Poll::Ready(Some(Err(io::Error::other("on purpose"))))
            }
            (_, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fails.is_none() && self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.fails.is_some() { SizeHint::default() } else { self.bytes.size_hint() }
    }
}

/// A connection, which is closed when this is dropped.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of a response, with the connection that it comes from.
pub(crate) struct Held {
    body: Incoming,
    _connection: Option<Connection>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
