//! What one request can ask for.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{answered, client_span, client_spans, duration, parent},
    server::Server,
};
use http::Method;
use opentelemetry::{
    KeyValue,
    trace::{FutureExt, TraceContextExt},
};
use reqwest_middleware::ClientBuilder;
use tracewire_reqwest::{CallOptions, UrlTemplates};
use tracewire_testing::Capture;

async fn call(capture: &Capture, server: &Server, options: CallOptions) {
    let call = capture.client().get(server.url("/success"));
    call.header("traceparent", "mine").with_extension(options).send().await.unwrap();
}

#[tokio::test]
async fn a_template_is_an_attribute_and_part_of_the_name() {
    let (capture, server) = (Capture::new(), Server::start().await);
    call(&capture, &server, CallOptions::new().template("/{page}")).await;
    let span = client_span(&capture);
    assert_eq!(span.name, "GET /{page}");
    let mut expected = answered(server.port(), &server.url("/success"), 200);
    expected.insert("url.template", "/{page}".into());
    span.has_exactly(expected);
}

#[tokio::test]
async fn a_name_and_attributes_are_the_callers() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let options =
        CallOptions::new().name("read the page").attribute(KeyValue::new("page", "success"));
    call(&capture, &server, options).await;
    let span = client_span(&capture);
    assert_eq!(span.name, "read the page");
    let mut expected = answered(server.port(), &server.url("/success"), 200);
    expected.insert("page", "success".into());
    span.has_exactly(expected);
    assert_eq!(duration(&capture).attribute("page"), None);
}

#[tokio::test]
async fn an_unpropagated_call_is_recorded_and_its_headers_stay() {
    let (capture, server) = (Capture::new(), Server::start().await);
    call(&capture, &server, CallOptions::new().propagate(false)).await;
    assert_eq!(client_spans(&capture).len(), 1);
    assert_eq!(server.only_received().header("traceparent"), Some("mine"));
}

#[tokio::test]
async fn an_untraced_call_is_left_alone() {
    let (capture, server) = (Capture::new(), Server::start().await);
    call(&capture, &server, CallOptions::new().untraced()).await;
    assert!(client_spans(&capture).is_empty());
    assert!(capture.metrics().is_empty());
    assert_eq!(server.only_received().header("traceparent"), Some("mine"));
}

#[tokio::test]
async fn rules_find_the_template_where_the_call_gives_none() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let templates = UrlTemplates::new(["/{page}"]);
    let middleware = capture.middleware().url_templates(templates);
    let client = ClientBuilder::new(plain_client()).with(middleware).build();
    let url = server.url("/success?id=1");
    client.get(&url).send().await.unwrap();
    let options = CallOptions::new().template("/success");
    client.get(&url).with_extension(options).send().await.unwrap();
    let spans = client_spans(&capture);
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["GET /{page}", "GET /success"]);
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("url.template", "/{page}".into());
    spans[0].has_exactly(expected);
}

#[tokio::test]
async fn a_call_that_the_filter_refuses_is_not_recorded_and_passes_the_trace_on() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().filter(|request| {
        assert!(!request.url.ends_with("/missing"), "the filter's own fault");
        request.method != Method::GET
    });
    // One inside must not record what the outer one leaves out.
    let client =
        ClientBuilder::new(plain_client()).with(middleware).with(capture.middleware()).build();
    let caller = parent(&capture);
    let send = client.get(server.url("/success")).send();
    send.with_context(caller.clone()).await.unwrap();
    assert!(client_spans(&capture).is_empty());
    assert!(capture.metrics().is_empty());
    let span_id = caller.span().span_context().span_id().to_string();
    let received = server.only_received();
    assert!(received.header("traceparent").unwrap().contains(&span_id));

    client.post(server.url("/success")).send().await.unwrap();
    client.get(server.url("/missing")).send().await.unwrap();
    assert_eq!(client_spans(&capture).len(), 2);
}
