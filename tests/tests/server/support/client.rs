//! A caller that is not traced, over one connection of either protocol.

use super::{
    bodies::{self, Body},
    servers::Protocol,
};
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::BodyExt;
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use tokio::{net::TcpStream, task::AbortHandle};

pub(crate) const USER_AGENT: &str = "test-user-agent";

pub(crate) struct Client {
    sender: Sender,
    connection: AbortHandle,
    server: SocketAddr,
    /// Our end of the connection: the server's peer.
    pub(crate) address: SocketAddr,
}

enum Sender {
    Http1(conn::http1::SendRequest<Body>),
    Http2(conn::http2::SendRequest<Body>),
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Client {
    pub(crate) async fn connect(server: SocketAddr, protocol: Protocol) -> Self {
        let socket = TcpStream::connect(server).await.unwrap();
        let address = socket.local_addr().unwrap();
        let socket = TokioIo::new(socket);
        let (sender, connection) = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = conn::http1::handshake(socket).await.unwrap();
                let task = tokio::spawn(async { drop(connection.with_upgrades().await) });
                (Sender::Http1(sender), task)
            }
            Protocol::Http2 => {
                let executor = TokioExecutor::new();
                let (sender, connection) = conn::http2::handshake(executor, socket).await.unwrap();
                (Sender::Http2(sender), tokio::spawn(async { drop(connection.await) }))
            }
        };
        Self { sender, connection: connection.abort_handle(), server, address }
    }

    /// Another caller on the same connection, if the protocol lets two share one.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                connection: self.connection.clone(),
                server: self.server,
                address: self.address,
            }),
        }
    }

    /// A request as this protocol writes it, with the headers that every test sends.
    pub(crate) fn request(&self, method: &str, target: &str) -> Builder {
        let builder = Request::builder()
            .method(method)
            .header("user-agent", USER_AGENT)
            // Not believed unless a test says so.
            .header("x-forwarded-for", "1.1.1.1");
        match self.sender {
            Sender::Http1(_) => builder.uri(target).header("host", self.server.to_string()),
            Sender::Http2(_) => builder.uri(format!("http://{}{target}", self.server)),
        }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    /// Sends a request without a body, and waits for the response's head.
    pub(crate) async fn head_of(&mut self, target: &str) -> Response<Incoming> {
        let request = self.request("GET", target).body(bodies::empty()).unwrap();
        self.send(request).await.unwrap()
    }

    /// Sends a request and reads its response to the end.
    pub(crate) async fn ask(&mut self, request: Request<Body>) -> Answer {
        Answer::read(self.send(request).await.unwrap()).await
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        let request = self.request("GET", target).body(bodies::empty()).unwrap();
        self.ask(request).await
    }

    /// Closes the connection, whatever is under way on it.
    pub(crate) fn disconnect(self) {
        self.connection.abort();
    }
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned();
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Self { status: head.status, headers: head.headers, body, trailers }
    }
}
