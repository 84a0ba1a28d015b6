//! docs/streams.md

mod other_streams {
    use tracewire::ServerLayer;

    pub(super) fn layer() -> ServerLayer {
        let layer = ServerLayer::new().is_stream(|response| {
            let content_type = response.headers.get("content-type")?;
            (content_type == "application/x-ndjson").then_some(true)
        });
        layer
    }
}

use axum::Extension;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use tracewire::server::ExchangeHandle;
use tracewire::span::{current, span};

async fn chat(upgrade: WebSocketUpgrade, Extension(handle): Extension<ExchangeHandle>) -> Response {
    let request = current();
    upgrade.on_upgrade(move |socket| request.carry(talk(socket, handle)))
}

async fn talk(mut socket: WebSocket, _handle: ExchangeHandle) {
    while let Some(Ok(message)) = socket.recv().await {
        if !matches!(message, Message::Text(_) | Message::Binary(_)) {
            continue; // axum answers pings and closes
        }
        if span("message").run(socket.send(message)).await.is_err() {
            break;
        }
    }
}

use axum::{Router, body::Body, routing::get};
use futures_util::{SinkExt, StreamExt};
use http::Request;
use opentelemetry::{global, trace::Status};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{client_async, tungstenite};
use tower::ServiceExt;
use tracewire::ServerLayer;
use tracewire_testing::Capture;

#[tokio::test]
async fn a_caller_may_leave_a_stream_of_a_content_type_that_is_named() {
    let lines = || async {
        let parts = futures_util::stream::repeat(Ok::<_, std::convert::Infallible>("{}\n"));
        ([("content-type", "application/x-ndjson")], Body::from_stream(parts))
    };
    for (layer, status) in [
        (other_streams::layer(), Status::Unset),
        (ServerLayer::new(), Status::error("")), // it looks like a response that was cut off
    ] {
        let capture = Capture::new();
        let layer = layer.tracer_provider(capture.tracer_provider());
        let app: Router = Router::new().route("/rows", get(lines)).layer(layer);
        let request = Request::get("/rows").body(Body::empty()).unwrap();
        drop(app.oneshot(request).await.unwrap());
        capture.spans().only().is_status(status);
    }
}

#[tokio::test]
async fn each_message_of_a_web_socket_is_a_span_below_the_connection_s() {
    let capture = Capture::new();
    global::set_tracer_provider(capture.tracer_provider()); // no other test here needs the global one
    let layer = ServerLayer::new().follow_upgrades(true).tracer_provider(capture.tracer_provider());
    let app = Router::new().route("/chat", get(chat)).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{address}/chat"), stream).await.unwrap();
    socket.send(tungstenite::Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "hello");
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}

    let spans = capture.ended_named("GET /chat").await;
    spans.one("message").is_child_of(&spans.one("GET /chat"));
}
