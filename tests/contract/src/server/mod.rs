//! Scenarios for servers: one application, served by any framework and called over real sockets.
//!
//! After each scenario no request may count as active, and the metrics must agree with the spans:
//! [`Running::ended`] checks it.

pub mod app;
pub mod bodies;
mod caller;
mod expected;
mod raw;
mod running;
pub mod scenarios;

pub use self::{
    app::App,
    caller::{Answer, Call, Client},
    expected::Expected,
    raw::{Raw, RawAnswer},
    running::Running,
};

use http::HeaderMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracewire_http::{HeaderSelector, Trust, TrustedProxies};
use tracewire_testing::Capture;

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// A server that the scenarios run on: a framework, and how it is traced.
pub trait ServerUnderTest: 'static {
    const PROTOCOL: Protocol;

    /// The instrumentation scope of its spans and metrics.
    const SCOPE: &'static str = "tracewire-tower";

    /// Serves `app` on `listener`, traced as `setup` says, until the future is dropped.
    ///
    /// It answers each route of [`app::ROUTES`] with [`App::answer`] whatever the method is, and
    /// other paths with 404 and no body. It tells the instrumentation the route and the peer's
    /// address. Every request has an `ExchangeHandle` in its extensions, if it is traced.
    ///
    /// A framework with threads or a runtime of its own starts them here, and ends them when the
    /// future is dropped.
    fn serve(
        listener: TcpListener,
        app: Arc<App>,
        setup: Setup,
    ) -> impl Future<Output = ()> + Send + 'static;
}

/// How a server is set up. Active requests are always counted.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where spans and metrics are recorded.
    pub capture: Capture,
    pub trust: Trust,
    /// Decides from the headers of a request, in place of `trust`.
    pub trust_by: Option<fn(&HeaderMap) -> Trust>,
    pub trusted_proxies: TrustedProxies,
    pub capture_request_headers: HeaderSelector,
    pub capture_response_headers: HeaderSelector,
    /// No request is traced.
    pub nothing_traced: bool,
    pub client_port: bool,
    pub body_sizes: bool,
    pub follow_upgrades: bool,
    pub around: Around,
}

impl Setup {
    /// Everything as a `ServerLayer` is without options.
    #[must_use]
    pub fn new(capture: Capture) -> Self {
        Self {
            capture,
            trust: Trust::default(),
            trust_by: None,
            trusted_proxies: TrustedProxies::default(),
            capture_request_headers: HeaderSelector::default(),
            capture_response_headers: HeaderSelector::default(),
            nothing_traced: false,
            client_port: false,
            body_sizes: false,
            follow_upgrades: false,
            around: Around::default(),
        }
    }
}

/// What other middleware is around the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Around {
    #[default]
    Nothing,
    /// Panics become a 500 outside the instrumentation.
    CatchPanicOutside,
    /// Panics become a 500 inside the instrumentation, which sees a plain response.
    CatchPanicInside,
    /// Outside the instrumentation a timeout of a millisecond, which answers 503.
    TimeoutOutside,
}

/// Sets the options of a server layer or middleware, all but [`Setup::around`], as `$setup` says.
#[macro_export]
macro_rules! configured_server {
    ($server:expr, $setup:expr) => {{
        let setup: &$crate::server::Setup = $setup;
        let mut server = $server
            .tracer_provider(setup.capture.tracer_provider())
            .meter_provider(setup.capture.meter_provider())
            .propagator($crate::propagator())
            .active_requests(true)
            .trust(setup.trust)
            .trusted_proxies(setup.trusted_proxies.clone())
            .capture_request_headers(setup.capture_request_headers.clone())
            .capture_response_headers(setup.capture_response_headers.clone())
            .client_port(setup.client_port)
            .body_sizes(setup.body_sizes)
            .follow_upgrades(setup.follow_upgrades);
        if let Some(decide) = setup.trust_by {
            server = server.trust_by(move |request| decide(request.headers));
        }
        if setup.nothing_traced {
            server = server.filter(|_| false);
        }
        server
    }};
}
