//! WebSockets, closed or just left.

use super::{
    Version,
    caller::{Caller, chain, empty},
    expect,
};
use futures_util::{SinkExt, StreamExt};
use http::HeaderMap;
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::sleep;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    let request = match caller.version {
        Version::Http1 => caller
            .request("GET", "/chat")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        Version::Http2 => {
            // That extended CONNECT is spoken is known once the server's settings have come.
            caller.get("/users/ada", &HeaderMap::new()).await?;
            caller.request("CONNECT", "/chat").extension(Protocol::from_static("websocket"))
        }
    };
    let request = request.header("sec-websocket-version", "13").body(empty());
    let response = caller.send(request.map_err(|error| chain(&error))?).await?;
    let granted = if caller.version == Version::Http1 { 101 } else { 200 };
    let status = response.status();
    expect(status == granted, || format!("{status} to a WebSocket"))?;
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| chain(&error))?;
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
    for _ in 0..10 {
        socket.send(Message::text("hello")).await.map_err(|error| chain(&error))?;
        let answer = socket.next().await;
        let is_same = matches!(&answer, Some(Ok(Message::Text(text))) if *text == "hello");
        expect(is_same, || format!("{answer:?} to hello"))?;
        sleep(Duration::from_millis(20)).await;
    }
    if number.is_multiple_of(2) {
        socket.close(None).await.map_err(|error| chain(&error))?;
        while let Some(Ok(_)) = socket.next().await {}
    }
    Ok(())
}
