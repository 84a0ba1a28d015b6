//! A server on a loopback port that answers as the tests need it and keeps what it was asked.

use bytes::Bytes;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{AUTHORIZATION, LOCATION},
};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// Headers of which a request may have one value each.
const SINGLE: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Received {
    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} was sent twice");
        Some(value.to_str().unwrap())
    }
}

/// The server; dropping it closes the port.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    failures_left: AtomicUsize,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The only request so far.
    pub(crate) fn only_received(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "one request expected: {received:#?}");
        received.remove(0)
    }

    /// Waits for the next request.
    pub(crate) async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// Answers 503 to so many requests for `/flaky`.
    pub(crate) fn fail(&self, times: usize) {
        self.shared.failures_left.store(times, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A port of this host that nobody listens on.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, shared.clone()));
            // A client that goes away is part of some tests.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    shared.received.lock().unwrap().push(Received {
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
    });
    shared.arrived.notify_one();
    let doubled = |name: &&str| request.headers().get_all(*name).iter().count() > 1;
    if SINGLE.iter().any(doubled) {
        return Ok(with_status(StatusCode::EXPECTATION_FAILED));
    }
    Ok(match request.uri().path() {
        "/success" => Response::new(Full::from("Success.")),
        "/client-error" => with_status(StatusCode::BAD_REQUEST),
        "/missing" => with_status(StatusCode::NOT_FOUND),
        "/error" => with_status(StatusCode::INTERNAL_SERVER_ERROR),
        "/redirect" => redirect("/success"),
        "/another-redirect" => redirect("/redirect"),
        "/circular-redirect" => redirect("/circular-redirect"),
        "/to-secured" => redirect("/secured"),
        "/secured" if request.headers().contains_key(AUTHORIZATION) => {
            Response::new(Full::from("Secret."))
        }
        "/secured" => with_status(StatusCode::UNAUTHORIZED),
        "/elsewhere" => redirect(request.uri().query().unwrap_or_default()),
        "/flaky" => {
            let failing = |left: usize| left.checked_sub(1);
            let left = &shared.failures_left;
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing) {
                Ok(_) => with_status(StatusCode::SERVICE_UNAVAILABLE),
                Err(_) => Response::new(Full::from("Success.")),
            }
        }
        "/silence" => std::future::pending().await,
        _ => with_status(StatusCode::NOT_IMPLEMENTED),
    })
}

fn with_status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn redirect(location: &str) -> Response<Full<Bytes>> {
    let mut response = with_status(StatusCode::FOUND);
    let location = location.parse().unwrap();
    response.headers_mut().insert(LOCATION, location);
    response
}
