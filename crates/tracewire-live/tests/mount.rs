//! The page inside an axum service.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracewire_live::Live;

const TOKEN: &str = "0123456789abcdef";

/// Serves the page below `/live`, and with a token below the name of a view, until the sender is dropped.
async fn serve() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let page = Live::new().build().page().peer_from(|extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address)
    });
    let inner = Router::new().nest_service("/telemetry", page.clone().token(TOKEN).unwrap());
    let app = Router::new().nest_service("/live", page).nest("/debug", inner);
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
        let answer = ask(address, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{path}");
    }
}

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut answer = String::new();
    connect(address, path).await.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_page_says_whether_it_is_below_its_mount() {
    let (address, _stop, _served) = serve().await;
    for (path, is_below) in [
        ("/live", false),
        ("/live/", false),
        ("/live/telemetry", true),
        ("/debug/telemetry", false),
        ("/debug/telemetry/", false),
        ("/debug/telemetry/telemetry", true),
        ("/debug/telemetry/trace/00000000", true),
    ] {
        let answer = ask(address, path).await;
        assert!(answer.contains("<!doctype html>"), "{path}: {answer}");
        assert_eq!(answer.contains("<html data-below lang"), is_below, "{path}");
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_cookie_holds_for_all_of_a_nested_page() {
    let (address, _stop, _served) = serve().await;
    for path in ["", "/", "/routes", "/trace/00000000"] {
        let answer = ask(address, &format!("/debug/telemetry{path}?token={TOKEN}")).await;
        assert!(
            answer.contains("; SameSite=Strict; Path=/debug/telemetry\r\n"),
            "{path}: {answer}"
        );
    }
    // Behind a proxy, which may strip a prefix, the folder that the browser sees holds, too.
    let mut proxied = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /debug/telemetry?token={TOKEN} HTTP/1.1\r\nhost: shop.example\r\n\
         x-forwarded-for: 192.0.2.1\r\nconnection: close\r\n\r\n"
    );
    proxied.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    proxied.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    for end in ["; SameSite=Strict; Path=/debug/telemetry\r\n", "; SameSite=Strict\r\n"] {
        assert!(answer.contains(end), "{answer}");
    }
    let answer = ask(address, &format!("/debug/telemetry/x;Domain=example?token={TOKEN}")).await;
    assert!(!answer.to_lowercase().contains("; domain"), "{answer}");
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

#[tokio::test]
async fn a_stream_may_last_until_the_server_is_to_end() {
    let (stop, stopped) = watch::channel(());
    let ended = |mut stopped: watch::Receiver<()>| async move { drop(stopped.changed().await) };
    let page = Live::new().build().page().peer_from(|extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address)
    });
    let page = page.streams_until(ended(stopped.clone()));
    let app = Router::new().nest_service("/live", page);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum::serve(listener, app).with_graceful_shutdown(ended(stopped));
    let served = tokio::spawn(server.into_future());
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(connect(address, "/live/api/changes").await);
        streams.last_mut().unwrap().read_u8().await.unwrap();
    }
    // Longer than a stream lasts otherwise.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut rest = vec![0; 64 * 1024];
    for stream in &mut streams {
        let read = stream.try_read(&mut rest).unwrap();
        assert!(!String::from_utf8_lossy(&rest[..read]).contains("again"));
    }
    drop(stop);
    tokio::time::timeout(Duration::from_secs(10), served).await.unwrap().unwrap().unwrap();
}
