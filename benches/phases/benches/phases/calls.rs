//! Calls with 50 ms injected in one phase.

use bytes::Bytes;
use contract::client::{
    phases::{Front, Relay},
    server::{Server, Transport},
};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name as HyperName},
    },
    rt::TokioExecutor,
};
use opentelemetry::Value;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Runtime,
    time::{sleep, timeout},
};
use tower::{BoxError, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_layer::Layer;
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

pub(crate) const DELAY: Duration = Duration::from_millis(50);

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Another address of this host.
const NO_USE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);

/// How many phases there are: dns, connect, tls, wait.
pub(crate) const PHASES: usize = 4;

/// What the call's span says of each phase, in milliseconds.
pub(crate) type Told = [Option<f64>; PHASES];

/// The client that calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Library {
    /// reqwest.
    Reqwest,
    /// hyper-util's client.
    HyperUtil,
}

/// Where the 50 ms are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    /// A resolver takes them.
    Lookup,
    /// The proxy takes them before it answers, or a connector after it has connected.
    Connect,
    /// The server takes them before it answers the first message of the handshake.
    Tls,
    /// Another call's connection takes them, over HTTP/2.
    Pool,
    /// The host's first address does not answer, and connecting to it is given up after that time.
    FirstAddress,
}

impl Injected {
    /// What can be told of this library's calls.
    pub(crate) fn of(library: Library) -> Vec<Self> {
        let mut all = vec![Self::Lookup, Self::Connect, Self::Tls];
        if matches!(library, Library::HyperUtil) {
            all.extend([Self::Pool, Self::FirstAddress]);
        }
        all
    }

    /// The number of its phase.
    pub(crate) fn phase(self) -> usize {
        match self {
            Self::Lookup => 0,
            Self::Connect | Self::FirstAddress => 1,
            Self::Tls => 2,
            Self::Pool => 3,
        }
    }

    fn delay_in(self, phase: Self) -> Duration {
        if self == phase { DELAY } else { Duration::ZERO }
    }
}

/// Makes one call, and returns what its span says.
pub(crate) fn told(library: Library, injected: Injected) -> Told {
    let capture = Capture::new();
    // On one thread, so that a busy machine delays less of what is not the injected delay.
    let runtime = current_thread();
    runtime.block_on(async {
        let server = Server::over(Transport::Tls).await;
        let handshake = injected.delay_in(Injected::Tls);
        let relay = Relay::start(server.port(), Front::Server, move || pause(handshake)).await;
        let url = format!("https://localhost:{}/success", relay.port());
        match library {
            Library::Reqwest => {
                let tunnel = injected.delay_in(Injected::Connect);
                let proxy = Relay::start(relay.port(), Front::Proxy, move || pause(tunnel)).await;
                let rule = reqwest::Proxy::https(format!("http://localhost:{}", proxy.port()));
                let rule = rule.expect("it is a URL");
                let client = through_reqwest(&capture, &server, injected, rule);
                client.get(&url).send().await.expect("the server answers");
            }
            Library::HyperUtil => {
                let hole = match injected {
                    Injected::FirstAddress => Some(BlackHole::new(relay.port()).await),
                    _ => None,
                };
                let client = through_hyper(&capture, &server, injected);
                let call = || client.clone().oneshot(request(&url));
                if injected == Injected::Pool {
                    // Without TLS, which is part of what the second one would wait for.
                    let plain = Server::start().await;
                    let url = plain.url("/success");
                    let call = || client.clone().oneshot(request(&url));
                    let (first, second) = tokio::join!(call(), call());
                    first.and(second).expect("the server answers");
                } else {
                    call().await.expect("the server answers");
                }
                drop(hole);
            }
        }
    });
    let calls = capture.spans().named("GET");
    // The second one waited for the first one's connection.
    let call = calls.last().expect("it has ended");
    ["dns", "connect", "tls", "wait"].map(|phase| {
        match call.attribute(&format!("tracewire.connection.{phase}.duration")) {
            Some(Value::F64(seconds)) => Some(seconds * 1e3),
            _ => None,
        }
    })
}

pub(crate) fn current_thread() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime starts")
}

pub(crate) type Calls = BoxCloneSyncService<Request<Empty<Bytes>>, Bytes, BoxError>;

/// A client that reads each response to its end.
pub(crate) fn boxed<S, B>(client: S) -> Calls
where
    S: tower::Service<Request<Empty<Bytes>>, Response = http::Response<B>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    BoxCloneSyncService::new(service_fn(move |request| {
        let client = client.clone();
        async move {
            let response = client.oneshot(request).await.map_err(Into::into)?;
            let body = response.into_body().collect().await.map_err(Into::into)?;
            Ok(body.to_bytes())
        }
    }))
}

fn through_reqwest(
    capture: &Capture,
    server: &Server,
    injected: Injected,
    proxy: reqwest::Proxy,
) -> ClientWithMiddleware {
    let mut config = trusting(server);
    ClientMiddleware::trace_handshakes(&mut config);
    let mut middleware = ClientMiddleware::new().tracer_provider(capture.tracer_provider());
    let builder = reqwest::Client::builder().proxy(proxy).tls_backend_preconfigured(config);
    let resolver = Slow(injected.delay_in(Injected::Lookup));
    let client = middleware.trace_connections_with(builder, resolver).build();
    ClientBuilder::new(client.expect("it can be built")).with(middleware).build()
}

fn through_hyper(capture: &Capture, server: &Server, injected: Injected) -> Calls {
    let config = Arc::new(trusting(server));
    let mut layer = ClientLayer::new().tracer_provider(capture.tracer_provider());
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(injected == Injected::Pool);
    // What another call waits for is any part of the setup.
    let connecting = injected.delay_in(Injected::Connect).max(injected.delay_in(Injected::Pool));
    let lookup = injected.delay_in(Injected::Lookup);
    let is_first_of_no_use = injected == Injected::FirstAddress;
    let client = layer.trace_connections(&builder, |connections| {
        let resolver = service_fn(move |_: HyperName| {
            let first = is_first_of_no_use.then_some(NO_USE);
            let found = async move { Ok::<_, Infallible>(first.into_iter().chain([LOOPBACK])) };
            slowly(found, lookup)
        });
        let mut http = HttpConnector::new_with_resolver(connections.resolver(resolver));
        http.enforce_http(false);
        if is_first_of_no_use {
            // Each address has its part of it.
            http.set_connect_timeout(Some(2 * DELAY));
            paused_for(DELAY);
        }
        let slow = service_fn(move |target| slowly(http.clone().oneshot(target), connecting));
        HttpsConnector::from((connections.connect(slow), config))
    });
    boxed(layer.layer(client))
}

/// What `work` gets, after a delay.
fn slowly<F, T, E>(work: F, delay: Duration) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send,
    E: Send,
{
    Box::pin(async move {
        let done = work.await;
        pause(delay).await;
        done
    })
}

/// Waits, and notes how long that really took: on a busy machine it is more.
pub(crate) async fn pause(delay: Duration) {
    if !delay.is_zero() {
        let began = Instant::now();
        sleep(delay).await;
        paused_for(began.elapsed());
    }
}

/// Notes how long an injected delay really took.
pub(crate) fn paused_for(took: Duration) {
    PAUSED.store(micros(took), Ordering::Relaxed);
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

static PAUSED: AtomicU64 = AtomicU64::new(0);

/// How long the last injected delay really took, in milliseconds.
pub(crate) fn paused() -> f64 {
    PAUSED.load(Ordering::Relaxed) as f64 / 1e3
}

pub(crate) fn request(url: &str) -> Request<Empty<Bytes>> {
    Request::get(url).body(Empty::new()).expect("it is a URL")
}

fn trusting(server: &Server) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = server.certificate().expect("it speaks TLS");
    roots.add(certificate.clone()).expect("it is a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// A port that neither accepts nor refuses: its queue is full.
struct BlackHole {
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    async fn new(port: u16) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        let address = SocketAddr::new(NO_USE.ip(), port);
        socket.bind(address).expect("the port is free at this address");
        let listener = socket.listen(1).expect("it is bound");
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(4 * DELAY, TcpStream::connect(address)).await {
            queued.push(stream.expect("it is queued"));
        }
        Self { _listener: listener, _queued: queued }
    }
}

/// Finds this host after a delay.
struct Slow(Duration);

impl Resolve for Slow {
    fn resolve(&self, _: Name) -> Resolving {
        let delay = self.0;
        Box::pin(async move {
            pause(delay).await;
            Ok(Box::new([LOOPBACK].into_iter()) as Addrs)
        })
    }
}
