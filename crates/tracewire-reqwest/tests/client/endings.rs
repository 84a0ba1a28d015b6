//! How a call ends when a middleware inside panics, or is dropped.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{client_span, duration, work},
    server::Server,
};
use http::Extensions;
use opentelemetry::trace::Status;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use std::{future::pending, task::Poll};
use tracewire_reqwest::{ClientMiddleware, Redirects};
use tracewire_testing::Capture;

/// Works in a span of its own when it is dropped.
struct Works(Capture);

impl Drop for Works {
    fn drop(&mut self) {
        work(&self.0, "dropped");
    }
}

/// A middleware that never answers, or panics.
struct Inside {
    capture: Capture,
    panics: bool,
}

#[async_trait::async_trait]
impl Middleware for Inside {
    async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let _works = Works(self.capture.clone());
        assert!(!self.panics, "on purpose");
        pending().await
    }
}

fn with(redirects: bool, capture: &Capture) -> ClientMiddleware {
    let middleware = capture.middleware();
    if redirects { middleware.redirects(Redirects::default()) } else { middleware }
}

#[tokio::test]
async fn panic_inside_is_a_panic() {
    for redirects in [false, true] {
        let (capture, server) = (Capture::new(), Server::start().await);
        let client = ClientBuilder::new(plain_client())
            .with(with(redirects, &capture))
            .with(Inside { capture: capture.clone(), panics: true })
            .build();
        let sending = client.get(server.url("/success")).send();
        assert!(tokio::spawn(sending).await.unwrap_err().is_panic());
        let span = client_span(&capture);
        span.is_error().has("error.type", "panic");
        assert_eq!(duration(&capture).attribute("error.type"), Some(&"panic".into()));
        capture.spans().one("dropped").is_child_of(&span);
    }
}

#[tokio::test]
async fn what_a_dropped_call_owns_is_dropped_inside_it() {
    for redirects in [false, true] {
        let (capture, server) = (Capture::new(), Server::start().await);
        let client = ClientBuilder::new(plain_client())
            .with(with(redirects, &capture))
            .with(Inside { capture: capture.clone(), panics: false })
            .build();
        let mut sending = Box::pin(client.get(server.url("/success")).send());
        let polled = std::future::poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending()));
        assert!(polled.await);
        drop(sending);
        let span = client_span(&capture);
        span.is_status(Status::Unset).has_no("error.type");
        let dropped = capture.spans().one("dropped");
        assert!(dropped.is_child_of(&span).end_time <= span.end_time, "its span was open");
    }
}
