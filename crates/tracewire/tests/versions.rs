//! What must match the versions that tracewire is built with can be taken from tracewire.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used)] // a test may

use tracewire::{
    ClientMiddleware,
    opentelemetry::{Context, trace::noop::NoopTracerProvider},
    reqwest, reqwest_middleware,
};

#[test]
fn a_client_is_built_from_what_is_re_exported() {
    let middleware = ClientMiddleware::new().tracer_provider(NoopTracerProvider::new());
    let client: reqwest_middleware::ClientWithMiddleware =
        reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    let request: reqwest::Request = client.get("http://localhost/").build().unwrap();
    assert_eq!(request.url().path(), "/");
    let _ = Context::current();
}
