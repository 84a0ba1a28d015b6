//! docs/header-formats.md

mod layers {
    use tracewire::propagation::{B3, Composite, TraceContext};
    use tracewire::{ClientMiddleware, ServerLayer};

    // Callers send B3 or W3C headers. If both are valid, W3C's count, because it comes last.
    pub(super) fn server() -> ServerLayer {
        let formats = Composite::new().and(B3::single()).and(TraceContext::new());
        ServerLayer::new().propagator(formats)
    }

    // The services behind this one read W3C headers only.
    pub(super) fn client() -> ClientMiddleware {
        ClientMiddleware::new().propagator(TraceContext::new())
    }
}

mod own {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::sync::Arc;
    use tracewire::opentelemetry::Context;
    use tracewire::propagation::{Propagator, RegisterError};

    /// The tenant of a request, in a header of our own.
    #[derive(Debug)]
    pub(super) struct Tenant([HeaderName; 1]);

    #[derive(Clone)]
    pub(super) struct Id(HeaderValue);

    impl Tenant {
        pub(super) fn new() -> Self {
            Self([HeaderName::from_static("x-tenant")])
        }
    }

    impl Propagator for Tenant {
        fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
            match headers.get(&self.0[0]) {
                Some(id) => parent.with_value(Id(id.clone())),
                None => parent.clone(), // nothing there changes nothing
            }
        }

        fn inject(&self, context: &Context, headers: &mut HeaderMap) {
            if let Some(Id(id)) = context.get::<Id>() {
                headers.insert(self.0[0].clone(), id.clone());
            }
        }

        fn header_names(&self) -> &[HeaderName] {
            &self.0
        }
    }

    // From now on `OTEL_PROPAGATORS=tracecontext,tenant` chooses it. Call this before `init`.
    pub(super) fn register() -> Result<(), RegisterError> {
        tracewire::propagation::register("tenant", Arc::new(Tenant::new()))
    }
}

use axum::{Router, body::Body, routing::get};
use http::{HeaderMap, Request};
use opentelemetry::Context;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};
use tower::ServiceExt;
use tracewire::propagation::Propagator;
use tracewire_testing::Capture;

#[tokio::test]
async fn either_format_is_continued_and_w3c_wins() {
    for (b3, w3c, parent) in [(true, false, 1), (false, true, 2), (true, true, 2)] {
        let capture = Capture::new();
        let layer = layers::server().tracer_provider(capture.tracer_provider());
        let app: Router = Router::new().route("/", get(|| async {})).layer(layer);
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        if b3 {
            let value = "0af7651916cd43dd8448eb211c80319c-0000000000000001-1";
            request.headers_mut().insert("b3", value.parse().unwrap());
        }
        if w3c {
            let value = "00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01";
            request.headers_mut().insert("traceparent", value.parse().unwrap());
        }
        drop(app.oneshot(request).await.unwrap());
        let span = capture.finished().await.only();
        assert_eq!(span.parent_span_id, Some(parent.into()));
    }
}

#[tokio::test]
async fn calls_have_w3c_headers_only() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let head = BufReader::new(&stream).lines().map(Result::unwrap);
        let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
        (&stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        head
    });
    let capture = Capture::new();
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(layers::client().tracer_provider(capture.tracer_provider()))
        .build();
    client.get(url).send().await.unwrap();
    let head = service.join().unwrap();
    assert!(head.iter().any(|line| line.starts_with("traceparent: ")), "{head:?}");
    assert!(!head.iter().any(|line| line.starts_with("b3: ")), "{head:?}");
}

#[test]
fn a_custom_format_is_chosen_by_name() {
    own::register().unwrap();
    let chosen = tracewire::propagation::from_names("tracecontext,tenant").unwrap().propagator();
    let mut incoming = HeaderMap::new();
    incoming.insert("x-tenant", "acme".parse().unwrap());
    let context = chosen.extract(&incoming, &Context::new());
    let mut outgoing = HeaderMap::new();
    chosen.inject(&context, &mut outgoing);
    assert_eq!(outgoing, incoming);
}
