//! A bare socket, for what no client library would send.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long the service may take to answer or to close.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most that is read of an answer.
const MOST: u64 = 64 * 1024;

pub(super) async fn connect(service: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(service).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Writes what can be written: a service that has seen enough closes.
pub(super) async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
}

/// All that the service says until it closes the connection. `None` if it does not close.
pub(super) async fn until_closed(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    match timeout(PATIENCE, stream.take(MOST).read_to_end(&mut answer)).await {
        // One that was reset is closed as well.
        Ok(Ok(_) | Err(_)) => Some(answer),
        Err(_) => None,
    }
}

/// The status of the first response that comes, if any does.
pub(super) async fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut head = Vec::new();
    let read = async {
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    let _ = timeout(PATIENCE, read).await;
    status_of(&head)
}

/// The status that a response over HTTP/1.1 begins with.
pub(super) fn status_of(answer: &[u8]) -> Option<u16> {
    let digits =
        answer.strip_prefix(b"HTTP/1.1 ").or(answer.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
