//! A caller that is not traced, over one connection of either protocol.

use super::{
    Protocol,
    bodies::{self, Body},
};
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::BodyExt;
use hyper::{body::Incoming, client::conn, rt::Executor};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, JoinHandle},
};

pub(super) const USER_AGENT: &str = "test-user-agent";

pub struct Client {
    sender: Sender,
    tasks: Tasks,
    server: SocketAddr,
    /// Our end of the connection: the server's peer.
    pub address: SocketAddr,
}

enum Sender {
    Http1(conn::http1::SendRequest<Body>),
    Http2(conn::http2::SendRequest<Body>),
}

/// The tasks that hold the connection.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

/// A request under way.
pub type Call = JoinHandle<Result<Response<Incoming>, hyper::Error>>;

/// A response that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub trailers: Option<HeaderMap>,
}

impl Client {
    pub async fn connect(server: SocketAddr, protocol: Protocol) -> Self {
        let socket = TcpStream::connect(server).await.unwrap();
        let address = socket.local_addr().unwrap();
        let socket = TokioIo::new(socket);
        let tasks = Tasks::default();
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = conn::http1::handshake(socket).await.unwrap();
                tasks.execute(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let executor = tasks.clone();
                let (sender, connection) = conn::http2::handshake(executor, socket).await.unwrap();
                tasks.execute(connection);
                Sender::Http2(sender)
            }
        };
        Self { sender, tasks, server, address }
    }

    /// Another caller on the same connection, if the protocol lets two share one.
    pub fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                tasks: self.tasks.clone(),
                server: self.server,
                address: self.address,
            }),
        }
    }

    /// A request as this protocol writes it, with the headers that every test sends.
    pub fn request(&self, method: &str, target: &str) -> Builder {
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

    pub async fn send(
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

    /// Sends a request from a task; aborting the task drops the call.
    pub async fn start(&mut self, request: Request<Body>) -> Call {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.unwrap();
                tokio::spawn(sender.send_request(request))
            }
            Sender::Http2(sender) => {
                sender.ready().await.unwrap();
                tokio::spawn(sender.send_request(request))
            }
        }
    }

    /// Sends a request without a body, and waits for the response's head.
    pub async fn head_of(&mut self, target: &str) -> Response<Incoming> {
        let request = self.request("GET", target).body(bodies::empty()).unwrap();
        self.send(request).await.unwrap()
    }

    /// Sends a request and reads its response to the end.
    pub async fn ask(&mut self, request: Request<Body>) -> Answer {
        Answer::read(self.send(request).await.unwrap()).await
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        let request = self.request("GET", target).body(bodies::empty()).unwrap();
        self.ask(request).await
    }

    /// Closes the connection, whatever is under way on it.
    pub fn disconnect(&self) {
        for task in self.tasks.0.lock().unwrap().iter() {
            task.abort();
        }
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.lock().unwrap().push(tokio::spawn(task).abort_handle());
    }
}

impl Answer {
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned();
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Self { status: head.status, headers: head.headers, body, trailers }
    }
}
