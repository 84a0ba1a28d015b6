//! Calls with 50 ms injected in one phase, and calls that reuse a connection.

use allocation_counter::measure;
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
use tokio::{runtime::Runtime, time::sleep};
use tower::{BoxError, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_layer::Layer;
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

const DELAY: Duration = Duration::from_millis(50);

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

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
}

impl Injected {
    /// What can be told of this library's calls.
    pub(crate) fn of(library: Library) -> Vec<Self> {
        let mut all = vec![Self::Lookup, Self::Connect, Self::Tls];
        if matches!(library, Library::HyperUtil) {
            all.push(Self::Pool);
        }
        all
    }

    /// The number of its phase.
    pub(crate) fn phase(self) -> usize {
        self as usize
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

fn current_thread() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime starts")
}

/// How many allocations a call makes that reuses a connection, on the thread of the caller.
///
/// `hooked` clients have reqwest's connector layer, `traced` ones also a middleware that knows.
pub(crate) fn reused(library: Library, traced: bool, hooked: bool) -> u64 {
    let capture = Capture::new();
    let runtime = current_thread();
    let server = runtime.block_on(Server::start());
    let url = server.url("/success");
    let counted = |call: &dyn Fn()| {
        // What is kept from call to call is there by then.
        (0..20).for_each(|_| call());
        (0..20).map(|_| measure(call).count_total).min().unwrap_or_default()
    };
    match library {
        Library::Reqwest => {
            let mut middleware = ClientMiddleware::new().tracer_provider(capture.tracer_provider());
            let mut builder = reqwest::Client::builder().no_proxy();
            if traced {
                builder = middleware.trace_connections(builder);
            } else if hooked {
                builder = ClientMiddleware::new().trace_setups(builder);
            }
            let plain = builder.build().expect("it can be built");
            let client = ClientBuilder::new(plain).with(middleware).build();
            counted(&|| {
                runtime.block_on(async {
                    let response = client.get(&url).send().await.expect("the server answers");
                    response.bytes().await.expect("the body ends");
                });
                capture.clear();
            })
        }
        Library::HyperUtil => {
            let mut layer = ClientLayer::new().tracer_provider(capture.tracer_provider());
            let builder = Client::builder(TokioExecutor::new());
            let client: Calls = if traced {
                let client = layer.trace_connections(&builder, |connections| connections.http());
                boxed(layer.layer(client))
            } else {
                boxed(layer.layer(builder.build(HttpConnector::new())))
            };
            counted(&|| {
                runtime
                    .block_on(client.clone().oneshot(request(&url)))
                    .expect("the server answers");
                capture.clear();
            })
        }
    }
}

type Calls = BoxCloneSyncService<Request<Empty<Bytes>>, Bytes, BoxError>;

/// A client that reads each response to its end.
fn boxed<S, B>(client: S) -> Calls
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
    let client = layer.trace_connections(&builder, |connections| {
        let resolver = service_fn(move |_: HyperName| {
            let found = async { Ok::<_, Infallible>([LOOPBACK].into_iter()) };
            slowly(found, lookup)
        });
        let mut http = HttpConnector::new_with_resolver(connections.resolver(resolver));
        http.enforce_http(false);
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
async fn pause(delay: Duration) {
    if !delay.is_zero() {
        let began = Instant::now();
        sleep(delay).await;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        PAUSED.store(took, Ordering::Relaxed);
    }
}

static PAUSED: AtomicU64 = AtomicU64::new(0);

/// How long the last injected delay really took, in milliseconds.
pub(crate) fn paused() -> f64 {
    PAUSED.load(Ordering::Relaxed) as f64 / 1e3
}

fn request(url: &str) -> Request<Empty<Bytes>> {
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
