//! A fake OTLP collector.

use crate::{
    Logs, Metrics, Signal, Span, Spans, Wait,
    decode::{Encoding, Export, decompress, empty_grpc_message, grpc_message, text},
    store::Store,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, sync::oneshot};

/// A fake OTLP collector on a free loopback port, over HTTP and gRPC alike.
///
/// OTLP as JSON needs the cargo feature `json` and is refused with status 400 without. It runs on a
/// thread of its own, so tests with any runtime, or none, can use it, and stops when dropped.
///
/// ```
/// use tracewire_testing::Collector;
///
/// let collector = Collector::start();
/// let endpoint = collector.endpoint(); // for OTEL_EXPORTER_OTLP_ENDPOINT
/// assert!(endpoint.starts_with("http://127.0.0.1:"));
/// assert!(collector.spans().is_empty());
/// ```
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    state: Store<State>,
    // Dropped to stop the thread.
    _stop: oneshot::Sender<Infallible>,
}

/// How a [`Collector`] answers.
///
/// ```
/// use std::time::Duration;
/// use tracewire_testing::{Answer, Collector};
///
/// let collector = Collector::answering(Answer::Delay(Duration::from_millis(100)));
/// // ... export something to `collector.endpoint()` ...
/// collector.answer(Answer::Accept); // from now on
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Answer {
    /// Takes what is sent.
    #[default]
    Accept,
    /// Takes what is sent after a while.
    Delay(Duration),
    /// Reads the request and never answers.
    Hang,
    /// Refuses with this status: over gRPC the status that HTTP's is closest to.
    Refuse(StatusCode),
    /// Refuses with this status, and says when to try again.
    RetryAfter(StatusCode, Duration),
}

/// A request as it arrived, whatever the answer.
///
/// ```no_run
/// use tracewire_testing::Collector;
///
/// let collector = Collector::start();
/// // ... export something to `collector.endpoint()` ...
/// for request in collector.received_requests(1).block() {
///     assert_eq!(request.path, "/v1/traces");
///     assert_eq!(request.headers["content-type"], "application/x-protobuf");
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// Its path: `/v1/traces`, or a gRPC method.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The bytes of its body as sent, perhaps compressed.
    pub body: Bytes,
    /// Why it could not be read, if so.
    pub error: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    answer: Answer,
    requests: Vec<Received>,
    spans: Vec<Span>,
    metrics: Metrics,
    logs: Logs,
}

impl Collector {
    /// A collector that accepts everything.
    ///
    /// # Panics
    ///
    /// If no port can be had on the loopback address.
    #[track_caller]
    pub fn start() -> Self {
        Self::answering(Answer::Accept)
    }

    /// A collector that answers so until told [otherwise](Self::answer).
    ///
    /// # Panics
    ///
    /// If no port can be had on the loopback address.
    #[track_caller]
    pub fn answering(answer: Answer) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let state = Store::new(State { answer, ..State::default() });
        let (stop, stopped) = oneshot::channel();
        let shared = state.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a non-blocking socket");
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, _stop: stop }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as `OTEL_EXPORTER_OTLP_ENDPOINT` takes it, for HTTP and gRPC.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers so from the next request on.
    pub fn answer(&self, answer: Answer) {
        self.state.change(|state| state.answer = answer);
    }

    /// The spans accepted so far.
    pub fn spans(&self) -> Spans {
        self.state.read(|state| Spans::new(state.spans.clone()))
    }

    /// The metrics accepted so far, each export's one after the other.
    pub fn metrics(&self) -> Metrics {
        self.state.read(|state| state.metrics.clone())
    }

    /// The log records accepted so far.
    pub fn logs(&self) -> Logs {
        self.state.read(|state| state.logs.clone())
    }

    /// The requests that arrived, those refused included.
    pub fn requests(&self) -> Vec<Received> {
        self.state.read(|state| state.requests.clone())
    }

    /// Waits until as many spans were accepted, or more.
    pub fn received(&self, spans: usize) -> Wait<Spans> {
        self.wait(move |state| {
            (state.spans.len() >= spans).then(|| Spans::new(state.spans.clone()))
        })
    }

    /// Waits until a metric of this name was accepted.
    pub fn received_metric(&self, name: &str) -> Wait<Metrics> {
        let name = name.to_owned();
        self.wait(move |state| {
            state.metrics.iter().any(|metric| metric.name == name).then(|| state.metrics.clone())
        })
    }

    /// Waits until as many log records were accepted, or more.
    pub fn received_logs(&self, count: usize) -> Wait<Logs> {
        self.wait(move |state| (state.logs.len() >= count).then(|| state.logs.clone()))
    }

    /// Waits until as many requests arrived, or more, those refused included.
    pub fn received_requests(&self, count: usize) -> Wait<Vec<Received>> {
        self.wait(move |state| (state.requests.len() >= count).then(|| state.requests.clone()))
    }

    fn wait<T: 'static>(&self, look: impl Fn(&State) -> Option<T> + Send + 'static) -> Wait<T> {
        let (state, seen) = (self.state.clone(), self.state.clone());
        Wait::new(move |waker| state.poll(waker, &look), move || seen.read(describe))
    }
}

fn describe(state: &State) -> String {
    let requests: Vec<_> = state
        .requests
        .iter()
        .map(|request| {
            let error = request.error.as_deref().unwrap_or("read");
            format!("{} ({} bytes): {error}", request.path, request.body.len())
        })
        .collect();
    format!(
        "requests: {requests:#?}\n\nspans:\n{}\n\nmetrics:\n{}\n\nlogs:\n{}",
        Spans::new(state.spans.clone()),
        state.metrics,
        state.logs
    )
}

async fn accept(listener: TcpListener, state: Store<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(request, state.clone()));
            // A connection that breaks is the client's matter.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn serve(
    request: Request<Incoming>,
    state: Store<State>,
) -> Result<Response<Body>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let is_grpc =
        text(&head.headers, header::CONTENT_TYPE.as_str()).starts_with("application/grpc");
    let gzip = text(&head.headers, GRPC_ENCODING.as_str()) == "gzip";
    let path = head.uri.path().to_owned();
    let read = read(&path, &head.headers, body.clone(), is_grpc);
    let answer = state.change(|state| {
        let error = read.as_ref().err().cloned();
        let answer = match &error {
            Some(_) => Answer::Refuse(StatusCode::BAD_REQUEST),
            None => state.answer.clone(),
        };
        if let (Ok(export), Answer::Accept | Answer::Delay(_)) = (read, &answer) {
            match export {
                Export::Spans(spans) => state.spans.extend(spans),
                Export::Metrics(metrics) => state.metrics.extend(metrics),
                Export::Logs(logs) => state.logs.0.extend(logs.0),
            }
        }
        state.requests.push(Received { path, headers: head.headers, body, error });
        answer
    });
    let (status, retry_after) = match answer {
        Answer::Accept => (StatusCode::OK, None),
        Answer::Delay(delay) => {
            tokio::time::sleep(delay).await;
            (StatusCode::OK, None)
        }
        Answer::Hang => std::future::pending().await,
        Answer::Refuse(status) => (status, None),
        Answer::RetryAfter(status, after) => (status, Some(after.as_secs())),
    };
    let mut response = if is_grpc { grpc_response(status, gzip) } else { http_response(status) };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn read(path: &str, headers: &HeaderMap, body: Bytes, is_grpc: bool) -> Result<Export, String> {
    const SERVICES: &str = "/opentelemetry.proto.collector.";
    let signal = match path.strip_prefix(SERVICES).unwrap_or(path) {
        "/v1/traces" | "trace.v1.TraceService/Export" => Signal::Traces,
        "/v1/metrics" | "metrics.v1.MetricsService/Export" => Signal::Metrics,
        "/v1/logs" | "logs.v1.LogsService/Export" => Signal::Logs,
        _ => return Err(format!("path {path:?} is not OTLP's")),
    };
    let message = if is_grpc {
        grpc_message(headers, body)?
    } else {
        decompress(text(headers, header::CONTENT_ENCODING.as_str()), body)?
    };
    Encoding::of(headers)?.decode(signal, &message)
}

/// An empty message, which is what success looks like in each of OTLP's encodings but JSON.
fn http_response(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/x-protobuf");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Compressed as the request was, whatever the client says it takes: so do servers written in Go.
fn grpc_response(status: StatusCode, gzip: bool) -> Response<Body> {
    // As gRPC maps HTTP's statuses, and what else OTLP names.
    let code = match status {
        StatusCode::OK => 0,
        StatusCode::BAD_REQUEST => 3,
        StatusCode::FORBIDDEN => 7,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::NOT_FOUND => 12,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            14
        }
        StatusCode::UNAUTHORIZED => 16,
        _ => 13_u16,
    };
    let code = HeaderValue::from(code);
    let mut response = if status == StatusCode::OK {
        let trailers = HeaderMap::from_iter([(GRPC_STATUS, code)]);
        let message = Full::new(empty_grpc_message(gzip));
        let body = message.with_trailers(async { Some(Ok(trailers)) }).boxed_unsync();
        let mut response = Response::new(body);
        if gzip {
            response.headers_mut().insert(GRPC_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    } else {
        let mut response = Response::new(Full::default().boxed_unsync());
        response.headers_mut().insert(GRPC_STATUS, code);
        response
    };
    let content_type = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
