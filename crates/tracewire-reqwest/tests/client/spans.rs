//! What the contract leaves open: the scope of the span, and what names the server.

use crate::{
    clients::{Clients, plain_client},
    support::{
        recorder::{Recorder, answered, attributes},
        server::Server,
    },
};
use http::{Extensions, header::HOST};
use opentelemetry::{
    Context,
    trace::{SpanId, SpanKind, Status, TraceContextExt},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_call_is_one_client_span() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/success?with=params");
    let response = recorder.client().get(&url).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "Success.");

    let span = recorder.client_span();
    assert_eq!((&*span.name, span.span_kind), ("GET", SpanKind::Client));
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attributes(&span.attributes), answered(server.port(), &url, 200));
    assert!(span.events.is_empty());
    assert_eq!(span.instrumentation_scope.name(), "tracewire-reqwest");
}

#[tokio::test]
async fn a_host_header_of_the_caller_names_the_server() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/success");
    let call = recorder.client().get(&url).header(HOST, "shop.example");
    call.send().await.unwrap();
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("server.address".into(), "shop.example".into());
    expected.insert("server.port".into(), "int 80".into());
    assert_eq!(attributes(&recorder.client_span().attributes), expected);
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

    let (recorder, server) = (Recorder::new(), Server::start().await);
    let seen = Arc::default();
    let client = ClientBuilder::new(plain_client())
        .with(recorder.middleware())
        .with(Inside(Arc::clone(&seen)))
        .build();
    client.get(server.url("/success")).send().await.unwrap();
    let span_id = recorder.client_span().span_context.span_id();
    assert_eq!(*seen.lock().unwrap(), [span_id, span_id]);
    assert_eq!(current(), SpanId::INVALID);
}
