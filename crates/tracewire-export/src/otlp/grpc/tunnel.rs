//! The way of a connection through an HTTP proxy: a tunnel, asked for with `CONNECT`.

use super::stream::Error;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tracewire_text::host::without_brackets;
use ureq::Proxy;

/// How long the head of a proxy's answer may be.
const MOST_HEAD: usize = 8 * 1024;

/// A proxy, as the environment names it.
#[derive(Clone, Debug)]
pub(super) struct Tunnel {
    host: String,
    port: u16,
    /// `user:password`, encoded.
    credentials: Option<String>,
}

impl Tunnel {
    pub(super) fn new(proxy: &Proxy) -> Self {
        let user = proxy.username().filter(|user| !user.is_empty());
        let credentials = user.map(|user| {
            BASE64_STANDARD.encode(format!("{user}:{}", proxy.password().unwrap_or_default()))
        });
        let host = without_brackets(proxy.host());
        Self { host: host.to_owned(), port: proxy.port(), credentials }
    }

    /// A connection that goes on to `host`.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let proxy = TcpStream::connect((&*self.host, self.port)).await;
        let mut stream = proxy.map_err(|error| format!("the proxy cannot be reached: {error}"))?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(credentials) = &self.credentials {
            head.push_str("Proxy-Authorization: Basic ");
            head.push_str(credentials);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        answered(&mut stream).await?;
        Ok(stream)
    }
}

/// Reads the proxy's answer, and nothing behind it.
///
/// # Errors
///
/// There is no tunnel.
pub(in crate::otlp) async fn answered(stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Error> {
    match status(&read_head(stream).await?) {
        Some(200..300) => Ok(()),
        Some(status) => Err(format!("the proxy answered HTTP {status}").into()),
        None => Err("the proxy sent an invalid response".into()),
    }
}

/// Reads no further than the head: what follows belongs to the server behind the proxy.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST_HEAD {
            return Err("the proxy's response is too long".into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// The status in a line such as `HTTP/1.1 200 OK`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?;
    let digits = line.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_status_stands_in_the_first_line() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407 x\r\n\r\n", Some(407)),
            ("HTTP/1.1 502\r\n\r\n", Some(502)),
            ("HTTP/1.1 2", None),
            ("HTTP/2 200 OK\r\n\r\n", None),
            ("SSH-2.0-x\r\n\r\n", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head}");
        }
    }

    /// Connects through a proxy that answers so, and gives what it was asked and the connection.
    fn through(url: &str, host: &str, answer: &'static str) -> (String, Result<String, String>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url.replace("proxy", &listener.local_addr().unwrap().to_string());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(head).unwrap()
        });
        let tunnel = Tunnel::new(&Proxy::new(&url).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(async {
            let mut stream = tunnel.connect(host, 4317).await.map_err(|error| error.to_string())?;
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            Ok(rest)
        });
        (server.join().unwrap(), result)
    }

    #[test]
    fn what_follows_the_proxys_answer_is_the_servers() {
        let (head, rest) =
            through("http://proxy", "collector.example", "HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello");
        assert_eq!(
            head,
            "CONNECT collector.example:4317 HTTP/1.1\r\nHost: collector.example:4317\r\n\r\n"
        );
        assert_eq!(rest, Ok("hello".to_owned()));
    }

    #[test]
    fn a_proxy_gets_its_credentials_and_an_address_its_brackets() {
        let (head, _) = through("http://user:p%40ss@proxy", "fd00::1", "HTTP/1.1 200 OK\r\n\r\n");
        assert!(head.starts_with("CONNECT [fd00::1]:4317 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
    }

    #[test]
    fn a_proxy_that_refuses_is_an_error_that_says_so() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let tunnel = Tunnel::new(&Proxy::new(&url).unwrap());
        let error = runtime.block_on(tunnel.connect("collector", 4317)).unwrap_err().to_string();
        assert!(error.starts_with("the proxy cannot be reached: "), "{error}");
        for (answer, expected) in [
            ("HTTP/1.1 407 x\r\n\r\n", "the proxy answered HTTP 407"),
            ("SSH-2.0-x\r\n\r\n", "the proxy sent an invalid response"),
        ] {
            let (_, result) = through("http://proxy", "collector", answer);
            assert_eq!(result, Err(expected.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(head: Vec<u8>) {
            status(&head);
        }
    }
}
