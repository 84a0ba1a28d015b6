//! A caller that is not traced, and its connection.

use super::Version;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{convert::Infallible, error::Error, net::SocketAddr};
use tokio::{net::TcpStream, task::AbortHandle};

/// A body of any kind.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

pub(super) struct Caller {
    pub(super) service: SocketAddr,
    pub(super) version: Version,
    connection: Option<Connection>,
}

struct Connection {
    sender: Sender,
    task: AbortHandle,
}

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Caller {
    pub(super) fn new(service: SocketAddr, version: Version) -> Self {
        Self { service, version, connection: None }
    }

    /// A request as this version writes it.
    pub(super) fn request(&self, method: &str, target: &str) -> Builder {
        let request = Request::builder().method(method);
        match self.version {
            Version::Http1 => request.uri(target).header("host", self.service.to_string()),
            Version::Http2 => request.uri(format!("http://{}{target}", self.service)),
        }
    }

    /// Sends a request, over a new connection if the last one is closed.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, String> {
        let sent = self.try_send(request).await;
        if sent.is_err() {
            self.disconnect();
        }
        sent.map_err(|error| chain(&*error))
    }

    async fn try_send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        match &mut self.connect().await?.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }

    async fn connect(&mut self) -> Result<&mut Connection, Box<dyn Error + Send + Sync>> {
        if self.connection.as_ref().is_some_and(|connection| connection.sender.is_closed()) {
            self.disconnect();
        }
        let open = match self.connection.take() {
            Some(open) => open,
            None => Connection::open(self.service, self.version).await?,
        };
        Ok(self.connection.insert(open))
    }

    /// Sends a request and reads its response to the end.
    pub(super) async fn ask(&mut self, request: Request<Body>) -> Result<Answer, String> {
        let response = self.send(request).await?;
        let status = response.status();
        match response.into_body().collect().await {
            Ok(body) => Ok(Answer { status, body: body.to_bytes() }),
            Err(error) => {
                self.disconnect();
                Err(chain(&error))
            }
        }
    }

    pub(super) async fn get(
        &mut self,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Answer, String> {
        let mut request = self.request("GET", target).body(empty()).map_err(|e| chain(&e))?;
        request.headers_mut().extend(headers.clone());
        self.ask(request).await
    }

    /// Closes the connection, whatever is under way on it.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }
}

impl Connection {
    async fn open(
        service: SocketAddr,
        version: Version,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(service).await?;
        stream.set_nodelay(true)?;
        let stream = TokioIo::new(stream);
        let (sender, task) = match version {
            Version::Http1 => {
                let (sender, connection) = http1::handshake(stream).await?;
                let task = tokio::spawn(async { drop(connection.with_upgrades().await) });
                (Sender::Http1(sender), task)
            }
            Version::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                (Sender::Http2(sender), tokio::spawn(async { drop(connection.await) }))
            }
        };
        Ok(Self { sender, task: task.abort_handle() })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// An error with its causes.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}
