//! Clients whose connections are traced, and resolvers that take their time.

use contract::{
    client::{phases::ManualClock, recorded::Attributes, server::Server},
    propagator,
};
use opentelemetry::Value;
use reqwest::{
    ClientBuilder as Builder,
    dns::{Addrs, Name, Resolve, Resolving},
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;

/// What tests inject.
pub(crate) const DELAY: Duration = Duration::from_millis(50);

type Step = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A resolver that takes a step of the test's, and then knows these addresses or nothing.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<dyn Fn() -> Step + Send + Sync>, Vec<IpAddr>);

impl Resolver {
    pub(crate) fn after<F>(step: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(step())), vec![Ipv4Addr::LOCALHOST.into()])
    }

    pub(crate) fn at_once() -> Self {
        Self::after(|| async { true })
    }

    pub(crate) fn to(mut self, addresses: &[IpAddr]) -> Self {
        self.1 = addresses.to_vec();
        self
    }
}

impl Resolve for Resolver {
    fn resolve(&self, _: Name) -> Resolving {
        let step = (self.0)();
        let found: Vec<_> = self.1.iter().map(|&address| SocketAddr::new(address, 0)).collect();
        Box::pin(async move {
            match step.await {
                true => Ok(Box::new(found.into_iter()) as Addrs),
                false => Err("no such host".into()),
            }
        })
    }
}

/// A client that is put together for one test.
pub(crate) struct Parts {
    pub(crate) capture: Capture,
    pub(crate) clock: ManualClock,
    pub(crate) middleware: ClientMiddleware,
    pub(crate) builder: Builder,
}

impl Parts {
    pub(crate) fn new() -> Self {
        let (capture, clock) = (Capture::new(), ManualClock::new());
        let middleware = ClientMiddleware::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(propagator())
            .clock(clock.clone());
        let builder = reqwest::Client::builder().no_proxy();
        Self { capture, clock, middleware, builder }
    }

    /// Trusts the certificate of `server`; with `mark`, sees where handshakes begin.
    pub(crate) fn trust(mut self, server: &Server, mark: bool) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(server.certificate().unwrap().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if mark {
            ClientMiddleware::trace_handshakes(&mut config);
        }
        self.builder = self.builder.tls_backend_preconfigured(config);
        self
    }

    pub(crate) fn configure(mut self, configure: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = configure(self.builder);
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

    pub(crate) fn client(&mut self, resolver: Resolver) -> ClientWithMiddleware {
        let builder = std::mem::take(&mut self.builder);
        let client = self.middleware.trace_connections_with(builder, resolver).build().unwrap();
        ClientBuilder::new(client).with(self.middleware.clone()).build()
    }
}

/// The attributes of a call to a name, over HTTP/1.1 or HTTP/2, and what its connection cost.
pub(crate) fn answered(
    url: &str,
    version: &'static str,
    costs: &[(&'static str, f64)],
) -> Attributes {
    let parsed: reqwest::Url = url.parse().unwrap();
    let port = i64::from(parsed.port().unwrap());
    let mut all = Attributes::from([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200_i64.into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", port.into()),
        ("network.protocol.version", version.into()),
        ("server.address", parsed.host_str().unwrap().to_owned().into()),
        ("server.port", port.into()),
        ("url.full", url.to_owned().into()),
    ]);
    all.extend(costs.iter().map(|&(phase, seconds)| (cost(phase), Value::from(seconds))));
    all
}

pub(crate) fn cost(phase: &str) -> &'static str {
    match phase {
        "dns" => "tracewire.connection.dns.duration",
        "connect" => "tracewire.connection.connect.duration",
        "tls" => "tracewire.connection.tls.duration",
        other => panic!("{other}"),
    }
}
