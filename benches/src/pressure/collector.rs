//! A collector that hangs, refuses or accepts, over HTTP/1.1 and HTTP/2.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Response},
};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// What the collector does with every request.
#[derive(Clone, Copy, Debug)]
pub enum Behavior {
    /// Reads it, and never answers.
    Hang,
    /// Is unavailable, and asks for no pause.
    Refuse,
    /// Takes it.
    Accept,
}

/// A collector on a loopback port. Dropped, it stops.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<Received>,
    _stop: oneshot::Sender<Infallible>,
}

#[derive(Debug)]
struct Received {
    behavior: Behavior,
    requests: AtomicU64,
    largest: AtomicUsize,
}

impl Collector {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    #[must_use]
    pub fn start(behavior: Behavior) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let received = Arc::new(Received {
            behavior,
            requests: AtomicU64::new(0),
            largest: AtomicUsize::new(0),
        });
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(received.clone());
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a non-blocking socket");
                tokio::select! {
                    result = axum::serve(listener, router) => result.expect("it listens for ever"),
                    _ = stopped => {}
                }
            });
        });
        Self { address, received, _stop: stop }
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests it received.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.received.requests.load(Relaxed)
    }

    /// How many bytes the largest body had.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.received.largest.load(Relaxed)
    }
}

/// `RetryInfo` with a delay of zero, in a `google.rpc.Status` of code 14, as base64.
const NO_PAUSE: &str = "CA4aLgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxICCgA=";

async fn answer(
    State(received): State<Arc<Received>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    received.requests.fetch_add(1, Relaxed);
    received.largest.fetch_max(body.len(), Relaxed);
    drop(body);
    let is_grpc = headers.get("content-type").is_some_and(|kind| kind == "application/grpc");
    let response = Response::builder();
    let response = match (received.behavior, is_grpc) {
        (Behavior::Hang, _) => std::future::pending().await,
        (Behavior::Accept, false) => response,
        (Behavior::Accept, true) => {
            response.header("content-type", "application/grpc").header("grpc-status", "0")
        }
        (Behavior::Refuse, false) => response.status(503).header("retry-after", "0"),
        (Behavior::Refuse, true) => response
            .header("content-type", "application/grpc")
            .header("grpc-status", "14")
            .header("grpc-status-details-bin", NO_PAUSE),
    };
    response.body(Body::empty()).expect("its headers are valid")
}
