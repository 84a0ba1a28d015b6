//! What the contract leaves open: the scope of the span, and what names the server.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{answered, client_span, client_spans, duration},
    server::Server,
};
use http::{Extensions, header::HOST};
use opentelemetry::{
    Context,
    trace::{SpanId, SpanKind, Status, TraceContextExt},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use std::sync::{Arc, Mutex};
use tracewire_testing::Capture;

#[tokio::test]
async fn a_call_is_one_client_span() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let url = server.url("/success?with=params");
    let response = capture.client().get(&url).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "Success.");

    let span = client_span(&capture);
    assert_eq!(span.name, "GET");
    span.is_root().is_status(Status::Unset).is_kind(SpanKind::Client);
    span.has_exactly(answered(server.port(), &url, 200));
    assert!(span.events.is_empty());
    assert_eq!(span.scope, "tracewire-reqwest");
}

#[tokio::test]
async fn a_host_header_that_a_gateway_passes_on_names_no_server() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let url = server.url("/success");
    for n in 0..20 {
        let call = capture.client().get(&url).header(HOST, format!("made-up-{n}.example"));
        call.send().await.unwrap();
    }
    for span in client_spans(&capture).iter() {
        span.has_exactly(answered(server.port(), &url, 200));
    }
    assert_eq!(duration(&capture).count, 20);
}

#[tokio::test]
async fn what_stands_inside_runs_inside_the_span() {
    struct Inside(Arc<Mutex<Vec<SpanId>>>);
    #[async_trait::async_trait]
    impl Middleware for Inside {
        async fn handle(
            &self,
            request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> Result<Response> {
            let note = || self.0.lock().unwrap().push(current());
            note();
            let response = next.run(request, extensions).await;
            note();
            response
        }
    }
    fn current() -> SpanId {
        Context::map_current(|context| context.span().span_context().span_id())
    }

    let (capture, server) = (Capture::new(), Server::start().await);
    let seen = Arc::default();
    let client = ClientBuilder::new(plain_client())
        .with(capture.middleware())
        .with(Inside(Arc::clone(&seen)))
        .build();
    client.get(server.url("/success")).send().await.unwrap();
    let span_id = client_span(&capture).span_id;
    assert_eq!(*seen.lock().unwrap(), [span_id, span_id]);
    assert_eq!(current(), SpanId::INVALID);
}
