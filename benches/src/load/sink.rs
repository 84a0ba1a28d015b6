//! A collector that does next to nothing, so that the one core it shares is left to the load.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::{net::TcpListener, runtime, sync::oneshot, time};

/// A collector for OTLP over HTTP on a loopback port, which counts spans. Dropped, it stops.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    received: Arc<Received>,
    _stop: oneshot::Sender<Infallible>,
}

#[derive(Debug)]
struct Received {
    delay: Duration,
    state: Mutex<(u64, Bytes)>,
}

impl Sink {
    /// Starts one that answers after `delay`.
    ///
    /// # Panics
    ///
    /// If no port can be had.
    #[must_use]
    pub fn start(delay: Duration) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let received = Arc::new(Received { delay, state: Mutex::default() });
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(|| async { OK }))
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

    /// Its address, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many spans it received.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.received.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// The names of the attributes of the last span, in order; none without a span.
    ///
    /// # Panics
    ///
    /// If what was sent is no span.
    #[must_use]
    pub fn attributes(&self) -> Vec<String> {
        let last = self.received.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        let span = Span::decode(last).expect("an exporter sends spans");
        let mut names: Vec<_> =
            span.attributes.into_iter().map(|attribute| attribute.key).collect();
        names.sort();
        names
    }
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1]);

const OK: Answer = (StatusCode::OK, [(header::CONTENT_TYPE, "application/x-protobuf")]);

async fn traces(State(received): State<Arc<Received>>, body: Bytes) -> impl IntoResponse {
    // What is compressed or no request of the protocol counts as lost.
    let Ok(request) = Request::decode(body) else {
        return (StatusCode::BAD_REQUEST, OK.1);
    };
    let scopes = request.resources.into_iter().flat_map(|resource| resource.scopes);
    for mut scope in scopes {
        let mut state = received.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += scope.spans.len() as u64;
        if let Some(last) = scope.spans.pop() {
            state.1 = last;
        }
    }
    if !received.delay.is_zero() {
        time::sleep(received.delay).await;
    }
    OK
}

/// `ExportTraceServiceRequest`, read no further than it takes to count.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}
