//! What the contract leaves open: the scope of the span, and what names the server.

use crate::{
    clients::Clients,
    support::{
        recorder::{Recorder, answered, attributes},
        server::Server,
    },
};
use http::header::HOST;
use opentelemetry::trace::{SpanId, SpanKind, Status};

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
