//! Receives OTLP: gRPC and HTTP on the same ports.

mod answer;
mod body;
mod decode;
mod encoding;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tracewire_live::{LivePage, PeerAddress};

use self::answer::Answer;
pub(crate) use self::answer::Body;
use self::encoding::{Encoding, signal};
use crate::intake::Intake;

/// Connections at a time. Further ones are closed.
const MOST_CONNECTIONS: usize = 256;
/// Requests of one connection at a time, over HTTP/2.
const MOST_STREAMS: u32 = 32;
/// Requests whose bodies are read at a time, each up to 4 MiB. Further ones wait for as long as a body may
/// take.
const MOST_BODIES: usize = 16;
const MOST_HEAD: u32 = 16 * 1024;
const WINDOW: u32 = 256 * 1024;
/// How long a client may send nothing. Exporters of metrics send once a minute.
const IDLE: Duration = Duration::from_secs(120);

/// The ports that are listened on.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Listens on each port, on all addresses of the host.
    ///
    /// # Errors
    ///
    /// Fails with a message for the user.
    pub(crate) fn bind(host: &str, ports: [u16; 2]) -> Result<Self, String> {
        let mut listeners = Vec::new();
        for port in ports {
            listeners.extend(bind(host, port).map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "port {port} of {host} is taken, perhaps by a collector or by another viewer; \
                     end that, or choose other ports with --grpc-port and --http-port"
                ),
                _ => format!("cannot listen on port {port} of {host}: {error}"),
            })?);
        }
        Ok(Self(listeners))
    }

    /// Returns one address for each port.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<_> =
            self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        addresses.dedup_by_key(|address| address.port());
        addresses
    }
}

fn bind(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    if host != "localhost" {
        let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
        return Ok(vec![TcpListener::bind(&*addresses)?]);
    }
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = first.local_addr()?.port();
    // Some clients try only the first address that the name has. Not every system has IPv6.
    match TcpListener::bind((IpAddr::from(Ipv6Addr::LOCALHOST), port)) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![first]),
    }
}

/// Answers requests.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    intake: Intake,
    page: LivePage,
    bodies: Arc<Semaphore>,
}

impl Receiver {
    /// Takes requests that the page would answer, too: the same hosts, peers and token.
    pub(crate) fn new(intake: Intake, page: LivePage) -> Self {
        Self { intake, page, bodies: Arc::new(Semaphore::new(MOST_BODIES)) }
    }

    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        let (head, body) = request.into_parts();
        let encoding = Encoding::of(&head.headers);
        let Some(encoding) = encoding else { return answer::unsupported() };
        let signal = signal(head.uri.path());
        if let Err(status) = self.page.check(&head) {
            let refusal = Answer::forbidden(status);
            if let Some(signal) = signal {
                self.intake.refused(signal, &refusal.message);
            }
            return encoding.failure(&refusal);
        }
        if head.method != http::Method::POST {
            return answer::not_allowed();
        }
        let Some(signal) = signal else {
            return encoding.failure(&Answer::unknown_path());
        };
        // Others may hold their places for as long as a body may take. Exporters send again.
        let message = match timeout(body::PATIENCE, self.bodies.acquire()).await {
            Ok(_place) => body::read(encoding, &head.headers, body).await,
            Err(_) => Err(Answer::busy()),
        };
        let taken =
            message.and_then(|message| decode::take(encoding, &self.intake, signal, &message));
        match taken {
            Ok(taken) => encoding.success(signal, &taken),
            Err(failure) => {
                self.intake.refused(signal, &failure.message);
                encoding.failure(&failure)
            }
        }
    }
}

/// Receives until an error that does not pass.
///
/// # Errors
///
/// Fails with a message for the user.
pub(crate) async fn serve(listeners: Listeners, receiver: Receiver) -> Result<(), String> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    for listener in listeners.0 {
        listener.set_nonblocking(true).map_err(|error| format!("cannot receive: {error}"))?;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| format!("cannot receive: {error}"))?;
        tokio::spawn(accept(listener, receiver.clone(), Arc::clone(&places)));
    }
    std::future::pending().await
}

async fn accept(listener: tokio::net::TcpListener, receiver: Receiver, places: Arc<Semaphore>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    tokio::spawn(connection(stream, peer, receiver.clone(), place));
                }
            }
            // Out of files, perhaps; that passes.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    receiver: Receiver,
    _place: OwnedSemaphorePermit,
) {
    let has_asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&has_asked);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asks.store(true, Relaxed);
        request.extensions_mut().insert(PeerAddress(peer));
        let receiver = receiver.clone();
        async move { Ok::<_, Infallible>(receiver.answer(request).await) }
    });
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MOST_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(MOST_HEAD)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW * 4);
    let served = builder.serve_connection(TokioIo::new(stream), service);
    let silent = async {
        sleep(IDLE).await;
        if has_asked.load(Relaxed) {
            std::future::pending().await
        }
    };
    tokio::select! {
        // What a client does to its own connection is no concern of others.
        _ = served => {}
        () = silent => {}
    }
}
