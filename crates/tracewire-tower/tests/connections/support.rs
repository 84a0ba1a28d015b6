//! Clients whose connections are traced, and what delays them.

use bytes::Bytes;
use contract::{
    client::{phases::ManualClock, recorded::Attributes, server::Server},
    propagator,
};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use opentelemetry::Value;
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower::{BoxError, Layer, Service, ServiceExt, util::BoxCloneSyncService};
use tracewire_testing::Capture;
use tracewire_tower::{
    ClientLayer,
    client::connections::{ConnectionBody, Connections, TracedConnect},
};

/// What tests inject.
pub(crate) const DELAY: Duration = Duration::from_millis(50);

pub(crate) type Body = tracewire_tower::client::ResponseBody<ConnectionBody<hyper::body::Incoming>>;
pub(crate) type Traced = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Body>, BoxError>;

type Step = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A step of the test's, which succeeds or not.
#[derive(Clone)]
pub(crate) struct Steps(Arc<dyn Fn() -> Step + Send + Sync>);

impl Steps {
    pub(crate) fn new<F>(step: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(step())))
    }

    pub(crate) fn none() -> Self {
        Self::new(|| async { true })
    }
}

/// Finds these addresses after a step, or nothing.
#[derive(Clone)]
pub(crate) struct Resolver(pub(crate) Steps, pub(crate) Vec<IpAddr>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let step = (self.0.0)();
        let found: Vec<_> = self.1.iter().map(|&address| SocketAddr::new(address, 0)).collect();
        Box::pin(async move {
            match step.await {
                true => Ok(found.into_iter()),
                false => Err("no such host".into()),
            }
        })
    }
}

/// Connects, and takes a step before that is over.
#[derive(Clone)]
pub(crate) struct Slow<C>(pub(crate) C, pub(crate) Steps);

impl<C> Service<Uri> for Slow<C>
where
    C: Service<Uri>,
    C::Response: Send,
    C::Error: Into<BoxError> + Send,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, step) = (self.0.call(target), (self.1.0)());
        Box::pin(async move {
            let connection = connecting.await;
            match step.await {
                true => connection.map_err(Into::into),
                false => Err("no way there".into()),
            }
        })
    }
}

type Tcp = TracedConnect<
    Slow<HttpConnector<tracewire_tower::client::connections::TracedResolver<Resolver>>>,
>;

/// A client that is put together for one test.
pub(crate) struct Parts {
    pub(crate) capture: Capture,
    pub(crate) clock: ManualClock,
    pub(crate) layer: ClientLayer,
    pub(crate) lookup: Steps,
    /// What every name leads to.
    pub(crate) addresses: Vec<IpAddr>,
    /// How long connecting to all addresses of a name may take.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) connect: Steps,
    pub(crate) builder: hyper_util::client::legacy::Builder,
}

impl Parts {
    pub(crate) fn new() -> Self {
        let (capture, clock) = (Capture::new(), ManualClock::new());
        let layer = ClientLayer::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(propagator())
            .clock(clock.clone());
        let builder = Client::builder(TokioExecutor::new());
        Self {
            capture,
            clock,
            layer,
            lookup: Steps::none(),
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            connect_timeout: None,
            connect: Steps::none(),
            builder,
        }
    }

    pub(crate) fn measuring(mut self) -> Self {
        self.layer = self.layer.connection_metrics(true);
        self
    }

    /// Moves the clock by the delay, when it is awaited.
    pub(crate) fn delay(
        &self,
    ) -> impl Fn() -> std::future::Ready<()> + Clone + Send + Sync + 'static {
        let clock = self.clock.clone();
        move || {
            clock.advance(DELAY);
            std::future::ready(())
        }
    }

    /// The delay, as a step.
    pub(crate) fn slow(&self) -> Steps {
        let delay = self.delay();
        Steps::new(move || {
            let delay = delay.clone();
            async move {
                delay().await;
                true
            }
        })
    }

    fn tcp(&self) -> impl FnOnce(&Connections) -> Tcp + use<> {
        let (lookup, connect) = (self.lookup.clone(), self.connect.clone());
        let resolver = Resolver(lookup, self.addresses.clone());
        let connect_timeout = self.connect_timeout;
        move |connections| {
            let mut http = HttpConnector::new_with_resolver(connections.resolver(resolver));
            http.enforce_http(false);
            http.set_connect_timeout(connect_timeout);
            connections.connect(Slow(http, connect))
        }
    }

    pub(crate) fn client(&mut self) -> Traced {
        let tcp = self.tcp();
        let client = self.layer.trace_connections(&self.builder, tcp);
        BoxCloneSyncService::new(self.layer.clone().layer(client).map_err(BoxError::from))
    }

    /// A client that trusts the certificate of `server`.
    pub(crate) fn tls_client(&mut self, server: &Server) -> Traced {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(server.certificate().unwrap().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tcp = self.tcp();
        let client = self.layer.trace_connections(&self.builder, |connections| {
            HttpsConnector::from((tcp(connections), Arc::new(config)))
        });
        BoxCloneSyncService::new(self.layer.clone().layer(client).map_err(BoxError::from))
    }
}

pub(crate) fn request(url: &str) -> Request<Empty<Bytes>> {
    Request::get(url).body(Empty::new()).unwrap()
}

/// Calls, and reads the answer to its end.
pub(crate) async fn get(client: &Traced, url: &str) {
    let response = client.clone().oneshot(request(url)).await.unwrap();
    response.into_body().collect().await.unwrap();
}

/// The attributes of a call that was answered, and what its connection cost.
pub(crate) fn answered(
    url: &str,
    version: &'static str,
    costs: &[(&'static str, f64)],
) -> Attributes {
    let url: Uri = url.parse().unwrap();
    let port = i64::from(url.port_u16().unwrap());
    let mut all = Attributes::from([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200_i64.into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", port.into()),
        ("network.protocol.version", version.into()),
        ("server.address", url.host().unwrap().to_owned().into()),
        ("server.port", port.into()),
        ("url.full", url.to_string().into()),
    ]);
    all.extend(costs.iter().map(|&(phase, seconds)| (cost(phase), Value::from(seconds))));
    all
}

pub(crate) fn cost(phase: &str) -> &'static str {
    match phase {
        "dns" => "tracewire.connection.dns.duration",
        "connect" => "tracewire.connection.connect.duration",
        "tls" => "tracewire.connection.tls.duration",
        "wait" => "tracewire.connection.wait.duration",
        other => panic!("{other}"),
    }
}

/// An address of this host where no server of the tests listens.
pub(crate) const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A port that neither accepts nor refuses: its queue is full.
pub(crate) struct BlackHole {
    _listener: tokio::net::TcpListener,
    _queued: Vec<tokio::net::TcpStream>,
}

impl BlackHole {
    pub(crate) async fn new(address: IpAddr, port: u16) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        let address = SocketAddr::new(address, port);
        socket.bind(address).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queued = Vec::new();
        let patience = Duration::from_millis(200);
        let connect = || tokio::time::timeout(patience, tokio::net::TcpStream::connect(address));
        while let Ok(stream) = connect().await {
            queued.push(stream.unwrap());
        }
        Self { _listener: listener, _queued: queued }
    }
}
