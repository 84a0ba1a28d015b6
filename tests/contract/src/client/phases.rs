//! What delays one phase of a call, and a clock that moves by exactly such a delay.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tracewire_http::Clock;

/// A clock that stands still until it is moved: what a test injects is then exactly what is recorded.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: (Instant, SystemTime),
    passed: Arc<Mutex<Duration>>,
}

impl ManualClock {
    pub fn new() -> Self {
        Self { start: (Instant::now(), SystemTime::now()), passed: Arc::default() }
    }

    pub fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap() += by;
    }

    fn passed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start.0 + self.passed()
    }

    fn wall(&self) -> SystemTime {
        self.start.1 + self.passed()
    }
}

/// What a relay does with a connection before it passes bytes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Waits for the client's first bytes: over TLS those are of the handshake.
    Server,
    /// Reads and answers a `CONNECT`, as a proxy does.
    Proxy,
}

/// A relay in front of a server, which delays each connection; dropping it closes the port.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Passes connections on to `port` of this host, each after `delay`.
    pub async fn start<F, D>(port: u16, front: Front, delay: D) -> Self
    where
        D: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let delay = delay.clone();
                // A client that goes away is part of some tests.
                tokio::spawn(async move { relay(client, port, front, delay).await.ok() });
            }
        });
        Self { address, accepting }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay<F: Future<Output = ()>>(
    mut client: TcpStream,
    port: u16,
    front: Front,
    delay: impl Fn() -> F,
) -> io::Result<()> {
    match front {
        Front::Server => drop(client.peek(&mut [0]).await?),
        Front::Proxy => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await?);
            }
            assert!(head.starts_with(b"CONNECT "));
        }
    }
    delay().await;
    if front == Front::Proxy {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
