//! The page inside an axum service.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracewire_live::Live;

/// Serves the page below `/live` until the sender is dropped.
async fn serve() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let page = Live::new().build().page().peer_from(|extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address)
    });
    let app = Router::new().nest_service("/live", page);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        let ended = async { drop(stopped.await) };
        axum::serve(listener, app).with_graceful_shutdown(ended).await.unwrap();
    });
    (address, stop, served)
}

async fn connect(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_nested_page_is_found_with_and_without_a_slash() {
    let (address, _stop, _served) = serve().await;
    for (path, status) in [
        ("/live", "200"),
        ("/live/", "200"),
        ("/live/routes", "200"),
        ("/live/api/status", "200"),
        ("/live/trace/00000000", "404"),
        ("/live/other", "404"),
    ] {
        let mut answer = String::new();
        connect(address, path).await.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn an_open_stream_holds_up_no_shutdown() {
    let (address, stop, served) = serve().await;
    let mut stream = connect(address, "/live/api/changes").await;
    stream.read_u8().await.unwrap();
    drop(stop);
    // Without an end of the stream, the server would wait for ever.
    tokio::time::timeout(Duration::from_secs(30), served).await.unwrap().unwrap();
}
