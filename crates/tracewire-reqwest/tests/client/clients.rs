//! Clients with the middleware, recording for one test.

use contract::propagator;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;

/// Makes clients that record there.
pub(crate) trait Clients {
    fn middleware(&self) -> ClientMiddleware;

    /// A client with the middleware and without a proxy.
    fn client(&self) -> ClientWithMiddleware;
}

impl Clients for Capture {
    fn middleware(&self) -> ClientMiddleware {
        ClientMiddleware::new()
            .tracer_provider(self.tracer_provider())
            .meter_provider(self.meter_provider())
            .propagator(propagator())
    }

    fn client(&self) -> ClientWithMiddleware {
        ClientBuilder::new(plain_client()).with(self.middleware()).build()
    }
}

/// A client that asks no proxy.
pub(crate) fn plain_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
