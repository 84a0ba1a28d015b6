//! The traced service, in a process of its own that obeys lines on its standard input.

use crate::sample::Told;
use async_trait::async_trait;
use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{Extensions, Request, StatusCode},
    response::Response,
    routing::{any, get, post},
};
use futures_util::{StreamExt, stream};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use std::{
    convert::Infallible,
    future::pending,
    io::{self, BufRead},
    net::SocketAddr,
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    runtime,
    sync::oneshot,
    time::{sleep, timeout},
};
use tower::util::MapRequestLayer;
use tracewire::{
    ClientMiddleware, ServerLayer, Telemetry,
    server::ExchangeHandle,
    setup::{Batching, Metrics, MetricsExporter, Otlp, Traces, TracesExporter},
};

/// How many spans may wait, and leave at once. Less than the default, so that spans find no place in the queue
/// while the collector hangs, even if that is for seconds and the machine is slow.
const QUEUE: u32 = 256;
const BATCH: u32 = 64;
const DELAY: Duration = Duration::from_millis(100);
/// For the export of a batch: less than the time that a collector hangs, and more than a slow answer takes.
const TIMEOUT: Duration = Duration::from_secs(3);
const METRICS: Duration = Duration::from_secs(2);
/// How long what is left may take at the end.
const PATIENCE: Duration = Duration::from_secs(40);

/// Serves on a free loopback port until standard input ends. It prints its address, a line about itself
/// for each line that it reads, and one more when telemetry has ended.
///
/// # Panics
///
/// If no port can be had, or the telemetry cannot be set up. Once in the life of a process.
pub(crate) fn serve(collector: &str) {
    silence_intended_panics();
    let telemetry = telemetry(collector);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let (reached, called) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let app = app(&reached, Calls::new(address, &called));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = runtime.spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service);
        server.with_graceful_shutdown(async { drop(stopped.await) }).await
    });
    let tell = |report: &tracewire::ShutdownReport, tasks| {
        let mut told = Told::of_spans(report);
        // After the report, so that no span is of a request that is not counted.
        told.reached = reached.load(SeqCst);
        told.called = called.load(SeqCst);
        told.tasks = tasks;
        println!("{told}");
    };
    println!("{address}");
    let tasks = || runtime.metrics().num_alive_tasks() as u64;
    for _ in io::stdin().lock().lines() {
        tell(&telemetry.report(), tasks());
    }
    drop(stop);
    // A request that never ends would be missing from the sums.
    let _ = runtime.block_on(async { timeout(Duration::from_secs(10), server).await });
    let left = tasks();
    runtime.shutdown_timeout(Duration::from_secs(5));
    tell(&telemetry.shutdown(), left);
}

fn telemetry(collector: &str) -> Telemetry {
    let batching = Batching::new().queue_size(QUEUE).batch_size(BATCH).delay(DELAY);
    Telemetry::builder()
        .service_name("soak")
        .otlp(Otlp::new().endpoint(collector).timeout(TIMEOUT))
        .traces(Traces::new().exporters([TracesExporter::otlp()]).batching(batching))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]).interval(METRICS))
        .shutdown_timeout(PATIENCE)
        .init()
        .expect("the settings are right")
}

fn silence_intended_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&"on purpose") {
            usual(panic);
        }
    }));
}

fn app(reached: &Arc<AtomicU64>, calls: Calls) -> Router {
    let reached = reached.clone();
    let count = move |request: Request<Body>| {
        reached.fetch_add(1, SeqCst);
        request
    };
    Router::new()
        .route("/users/{id}", get(async |Path(id): Path<String>| format!("user {id}")))
        .route("/echo", post(async |body: Bytes| body))
        .route("/fail", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/panic", get(fail))
        .route("/wait", get(pending::<&'static str>))
        .route("/upload", post(upload))
        .route("/download/{chunks}", get(download))
        .route("/pipe", post(async |request: Request<Body>| Response::new(request.into_body())))
        .route("/events", get(events))
        .route("/relay/{version}", get(relay))
        .route("/impatient/{version}", get(impatient))
        .route("/chat", any(chat))
        .layer(ServerLayer::new().active_requests(true).follow_upgrades(true))
        .layer(MapRequestLayer::new(count))
        .with_state(calls)
}

async fn fail() {
    panic!("on purpose")
}

async fn upload(body: Body) -> Result<String, StatusCode> {
    let mut bytes = 0;
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        bytes += frame.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(bytes.to_string())
}

/// So many chunks of 16 KiB.
async fn download(Path(chunks): Path<usize>) -> Body {
    let chunk = Bytes::from_static(&[b'x'; 16 * 1024]);
    Body::from_stream(stream::iter((0..chunks).map(move |_| Ok::<_, Infallible>(chunk.clone()))))
}

/// Server-sent events, for as long as somebody listens.
async fn events() -> Response {
    let events = stream::unfold(0_u64, |number| async move {
        sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, Infallible>(format!("data: {number}\n\n")), number + 1))
    });
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(Body::from_stream(events)).expect("the header is valid")
}

/// Calls this service, and passes the answer on.
async fn relay(
    State(calls): State<Calls>,
    Path(version): Path<String>,
) -> Result<String, StatusCode> {
    let call = calls.client(&version).get(format!("{}/users/{version}", calls.own)).send();
    let response = call.await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    response.text().await.map_err(|_| StatusCode::BAD_GATEWAY)
}

/// Calls this service, and leaves before it answers.
async fn impatient(State(calls): State<Calls>, Path(version): Path<String>) -> StatusCode {
    let call = calls.client(&version).get(format!("{}/wait", calls.own)).send();
    match timeout(Duration::from_millis(30), call).await {
        Ok(_) => StatusCode::BAD_GATEWAY,
        Err(_) => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// A WebSocket that answers every message with itself. Its span is open for as long as the handle is kept.
async fn chat(upgrade: WebSocketUpgrade, Extension(handle): Extension<ExchangeHandle>) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, handle))
}

async fn talk(mut socket: WebSocket, _handle: ExchangeHandle) {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        if socket.send(Message::Text(text)).await.is_err() {
            break;
        }
    }
}

/// The clients through which the service calls itself.
#[derive(Clone)]
struct Calls {
    own: Arc<str>,
    http1: ClientWithMiddleware,
    http2: ClientWithMiddleware,
}

impl Calls {
    fn new(own: SocketAddr, called: &Arc<AtomicU64>) -> Self {
        let traced = |client: reqwest::ClientBuilder| {
            let client = client.no_proxy().pool_idle_timeout(Duration::from_secs(5)).build();
            ClientBuilder::new(client.expect("the options are right"))
                .with(Count(called.clone()))
                .with(ClientMiddleware::new())
                .build()
        };
        Self {
            own: format!("http://{own}").into(),
            http1: traced(reqwest::Client::builder().http1_only()),
            http2: traced(reqwest::Client::builder().http2_prior_knowledge()),
        }
    }

    fn client(&self, version: &str) -> &ClientWithMiddleware {
        if version == "2" { &self.http2 } else { &self.http1 }
    }
}

/// Counts calls outside of the middleware that traces them.
struct Count(Arc<AtomicU64>);

#[async_trait]
impl Middleware for Count {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        self.0.fetch_add(1, SeqCst);
        next.run(request, extensions).await
    }
}
