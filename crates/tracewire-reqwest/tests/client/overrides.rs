//! What one request can ask for.

use crate::{
    clients::{Clients, plain_client},
    support::{
        recorder::{Recorder, answered, attributes},
        server::Server,
    },
};
use opentelemetry::{KeyValue, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;
use reqwest_middleware::ClientBuilder;
use tracewire_reqwest::{CallOptions, UrlTemplates};

async fn call(recorder: &Recorder, server: &Server, options: CallOptions) {
    let call = recorder.client().get(server.url("/success"));
    call.header("traceparent", "mine").with_extension(options).send().await.unwrap();
}

#[tokio::test]
async fn a_template_is_an_attribute_and_part_of_the_name() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    call(&recorder, &server, CallOptions::new().template("/{page}")).await;
    let span: SpanData = recorder.client_span();
    assert_eq!((&*span.name, span.span_kind), ("GET /{page}", SpanKind::Client));
    let mut expected = answered(server.port(), &server.url("/success"), 200);
    expected.insert("url.template".into(), "/{page}".into());
    assert_eq!(attributes(&span.attributes), expected);
}

#[tokio::test]
async fn a_name_and_attributes_are_the_callers() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let options =
        CallOptions::new().name("read the page").attribute(KeyValue::new("page", "success"));
    call(&recorder, &server, options).await;
    let span = recorder.client_span();
    assert_eq!(span.name, "read the page");
    let mut expected = answered(server.port(), &server.url("/success"), 200);
    expected.insert("page".into(), "success".into());
    assert_eq!(attributes(&span.attributes), expected);
    assert!(!recorder.durations()[0].0.contains_key("page"));
}

#[tokio::test]
async fn an_unpropagated_call_is_recorded_and_its_headers_stay() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    call(&recorder, &server, CallOptions::new().propagate(false)).await;
    assert_eq!(recorder.client_spans().len(), 1);
    assert_eq!(server.only_received().header("traceparent"), Some("mine"));
}

#[tokio::test]
async fn an_untraced_call_is_left_alone() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    call(&recorder, &server, CallOptions::new().untraced()).await;
    assert!(recorder.client_spans().is_empty());
    assert!(recorder.durations().is_empty());
    assert_eq!(server.only_received().header("traceparent"), Some("mine"));
}

#[tokio::test]
async fn rules_find_the_template_where_the_call_gives_none() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let templates = UrlTemplates::new(["/{page}"]);
    let middleware = recorder.middleware().url_templates(templates);
    let client = ClientBuilder::new(plain_client()).with(middleware).build();
    let url = server.url("/success?id=1");
    client.get(&url).send().await.unwrap();
    let options = CallOptions::new().template("/success");
    client.get(&url).with_extension(options).send().await.unwrap();
    let spans = recorder.client_spans();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["GET /{page}", "GET /success"]);
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("url.template".into(), "/{page}".into());
    assert_eq!(attributes(&spans[0].attributes), expected);
}
