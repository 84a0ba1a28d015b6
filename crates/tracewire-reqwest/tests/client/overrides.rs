//! What one request can ask for.

use crate::{
    clients::{Clients, plain_client},
    support::{
        recorded::{answered, client_span, client_spans, duration},
        server::Server,
    },
};
use opentelemetry::KeyValue;
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
