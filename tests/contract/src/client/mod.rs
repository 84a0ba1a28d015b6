//! Scenarios for clients, which call a server of ours over real sockets.

mod http_client;
pub mod phases;
pub mod recorded;
pub mod scenarios;
pub mod server;
mod stage;

pub use self::http_client::{HttpClient, http_client, limited, resolve, trusting};

use self::server::Server;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use std::{error::Error, time::Duration};
use tracewire_testing::Capture;

pub type BoxError = Box<dyn Error + Send + Sync>;
pub type Answer = Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

/// How long a client with [`Setup::limited`] waits.
pub const LIMIT: Duration = Duration::from_millis(500);

/// A host for which a client with [`Setup::limited`] searches for ever.
pub const UNROUTABLE: &str = "unroutable.invalid";

/// How a client under test is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// The call ends with the body.
    pub end_at_body: bool,
    /// `x-test-request` and `x-test-response` are captured.
    pub capture: bool,
    /// The instrumentation is there twice.
    pub nested: bool,
    /// The sizes of bodies are measured.
    pub body_sizes: bool,
    /// Calls under way are counted.
    pub active_requests: bool,
    /// Connecting and waiting for the head take [`LIMIT`] at most.
    pub limited: bool,
    /// What connections cost is traced.
    pub connections: bool,
}

/// What redirects look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// One span covers them all.
    OneSpan,
    /// Each hop is a span with its number.
    Numbered,
    /// Each hop is a span.
    Hops,
}

/// A client that the scenarios run on: a framework, and how it is traced.
pub trait ClientUnderTest: Clone + Send + Sync + 'static {
    const REDIRECTS: Redirects;

    /// Whether the instrumentation learns the address that it is connected to.
    const KNOWS_PEER: bool = true;

    /// A client for `server` and, without TLS, for any other one. It uses no proxy.
    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self;

    /// Sends a request and follows up to ten redirects.
    fn call(&self, request: Request<Bytes>) -> impl Future<Output = Answer> + Send;
}

/// Sets the options of a client layer or middleware as `$setup` says, except what concerns the
/// client itself: [`Setup::nested`], [`Setup::limited`] and [`Setup::connections`].
#[macro_export]
macro_rules! configured_client {
    ($client:expr, $capture:expr, $setup:expr) => {{
        let (capture, setup): (&$crate::__private::Capture, $crate::client::Setup) =
            ($capture, $setup);
        let client = $client
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator($crate::propagator())
            .end_at_body(setup.end_at_body)
            .active_requests(setup.active_requests)
            .body_sizes(setup.body_sizes);
        if setup.capture {
            let names = |name: &str| $crate::__private::HeaderSelector::new([name]);
            client
                .capture_request_headers(names("x-test-request"))
                .capture_response_headers(names("x-test-response"))
        } else {
            client
        }
    }};
}
