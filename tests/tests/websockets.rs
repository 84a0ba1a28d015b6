//! WebSockets over HTTP/1.1 and HTTP/2, followed to their end, with a span for each message.
#![allow(clippy::unwrap_used)] // a test may

use axum::{
    Extension, Router,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
    routing::{any, get},
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{client::conn, ext::Protocol, upgrade::Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::Status;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::Role},
};
use tracewire::{
    ServerLayer,
    propagation::TraceContext,
    server::ExchangeHandle,
    span::{Span, Tracer, current},
};
use tracewire_testing::{Capture, Span as Ended};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers every message, each in a span below the connection's.
async fn talk(mut socket: WebSocket, tracer: Tracer, handle: ExchangeHandle) {
    // The connection's span is open for as long as this is.
    let _handle = handle;
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let answer = socket.send(Message::Text(text));
        tracer.span("message").run(answer).await.unwrap();
    }
}

async fn chat(
    upgrade: WebSocketUpgrade,
    Extension(tracer): Extension<Tracer>,
    Extension(handle): Extension<ExchangeHandle>,
) -> Response {
    let request: Span = current();
    upgrade.on_upgrade(move |socket| request.carry(talk(socket, tracer, handle)))
}

struct Running {
    capture: Capture,
    address: SocketAddr,
}

impl Running {
    async fn start(configure: impl FnOnce(ServerLayer) -> ServerLayer) -> Self {
        let capture = Capture::new();
        let layer = ServerLayer::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(TraceContext::new())
            .active_requests(true);
        let app = Router::new()
            .route("/chat", any(chat))
            .layer(configure(layer))
            .route("/ready", get(async || ""))
            .layer(Extension(Tracer::new("app").provider(capture.tracer_provider())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await });
        Self { capture, address }
    }

    /// A WebSocket over HTTP/1.1 or HTTP/2, and the status that granted it.
    async fn connect(&self, version: Version) -> (Socket, StatusCode) {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let request = Request::builder()
            .uri(format!("http://{}/chat", self.address))
            .version(version)
            .header("host", self.address.to_string())
            .header("sec-websocket-version", "13");
        let response = if version == Version::HTTP_11 {
            let (mut sender, connection) = conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection.with_upgrades());
            let request = request
                .uri("/chat")
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
        } else {
            let executor = TokioExecutor::new();
            let (mut sender, connection) = conn::http2::handshake(executor, stream).await.unwrap();
            tokio::spawn(connection);
            // Extended CONNECT is known to be spoken once the server's settings have come.
            let ready = format!("http://{}/ready", self.address);
            let ready = Request::get(ready).body(Empty::<Bytes>::new()).unwrap();
            sender.send_request(ready).await.unwrap().into_body().collect().await.unwrap();
            let request =
                request.method(Method::CONNECT).extension(Protocol::from_static("websocket"));
            sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
        };
        let status = response.status();
        let upgraded = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        (WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await, status)
    }

    fn active(&self) -> f64 {
        self.capture.metrics().one("http.server.active_requests").only().value
    }

    /// The connection's span, which is no error, and its duration, which is recorded once.
    fn connection(&self) -> Ended {
        let spans = self.capture.spans().named("GET /chat");
        let connects = self.capture.spans().named("CONNECT /chat");
        let [connection] = [spans, connects].concat().try_into().unwrap();
        assert_eq!(self.active(), 0.0);
        assert_eq!(self.durations(), 1);
        connection
    }

    fn durations(&self) -> u64 {
        self.capture.metrics().one("http.server.request.duration").only().count
    }
}

async fn say(socket: &mut Socket, text: &'static str) {
    socket.send(tungstenite::Message::text(text)).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), text);
}

const VERSIONS: [(Version, u16); 2] = [(Version::HTTP_11, 101), (Version::HTTP_2, 200)];

#[tokio::test]
async fn followed_websocket_is_one_span_around_its_messages() {
    for (version, status) in VERSIONS {
        let running = Running::start(|layer| layer.follow_upgrades(true)).await;
        let (mut socket, granted) = running.connect(version).await;
        assert_eq!(granted, status);
        for _ in 0..3 {
            say(&mut socket, "hello").await;
        }
        // Open for as long as the connection is, and measured when that began.
        assert_eq!(running.capture.ended(3).await.named("message").len(), 3);
        assert_eq!((running.active(), running.durations()), (1.0, 1), "{version:?}");

        socket.close(None).await.unwrap();
        let spans = running.capture.ended(4).await;
        let connection = running.connection();
        connection.is_status(Status::Unset).has_no("error.type");
        connection.has("http.response.status_code", i64::from(status));
        for message in spans.named("message") {
            message.is_child_of(&connection);
        }
    }
}

#[tokio::test]
async fn caller_who_drops_a_followed_websocket_is_no_error() {
    for (version, _) in VERSIONS {
        let running = Running::start(|layer| layer.follow_upgrades(true)).await;
        let (mut socket, _) = running.connect(version).await;
        say(&mut socket, "hello").await;
        drop(socket);
        running.capture.ended(2).await;
        running.connection().is_status(Status::Unset).has_no("error.type");
    }
}

#[tokio::test]
async fn websocket_ends_with_its_response_by_default() {
    for (version, status) in VERSIONS {
        let running = Running::start(|layer| layer).await;
        let (mut socket, _) = running.connect(version).await;
        running.capture.ended(1).await;
        let connection = running.connection();
        connection.is_status(Status::Unset).has("http.response.status_code", i64::from(status));
        // Its messages stay in its trace.
        say(&mut socket, "hello").await;
        running.capture.ended(2).await.one("message").is_child_of(&connection);
    }
}
