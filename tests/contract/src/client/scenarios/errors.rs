//! Responses that are errors, and calls without a response.

use crate::client::{
    ClientUnderTest, Setup, UNROUTABLE,
    recorded::{Attributes, parent, unanswered, work},
    server::{Transport, closed_port},
    stage::{Stage, assert_child, span_id},
};
use bytes::Bytes;
use http::Request;
use opentelemetry::trace::{FutureExt, Status};

pub async fn status_codes_from_400_are_errors<C: ClientUnderTest>(over: Transport) {
    for (path, status) in [("/client-error", 400), ("/missing", 404), ("/error", 500)] {
        let stage = Stage::<C>::new(over).await;
        assert_eq!(stage.get(path).await, status);
        let span = stage.span();
        span.is_status(Status::error(""));
        span.has_exactly(stage.answered(path, status));
    }
}

pub async fn a_refused_connection_is_an_error<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let (parent, port) = (parent(&stage.capture), closed_port());
    let url = stage.server.url("/").replace(&stage.server.port().to_string(), &port.to_string());
    let request = Request::get(&url).body(Bytes::new()).unwrap();
    let work = async {
        stage.client.call(request).await.unwrap_err();
        work(&stage.capture, "callback");
    };
    work.with_context(parent.clone()).await;
    let span = stage.span();
    assert_eq!(span.parent_span_id, Some(span_id(&parent)));
    span.is_status(Status::error(""));
    span.has_exactly(unanswered(port, &url, Some("connect")));
    assert_eq!(stage.capture.spans().one("callback").parent_span_id, Some(span_id(&parent)));
}

pub async fn a_host_out_of_reach_is_a_timeout<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { limited: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let scheme = if over == Transport::Tls { "https" } else { "http" };
    let url = format!("{scheme}://{UNROUTABLE}/");
    let request = Request::head(&url).body(Bytes::new()).unwrap();
    stage.client.call(request).await.unwrap_err();
    let span = stage.span();
    assert_eq!(span.name, "HEAD");
    span.is_status(Status::error(""));
    let port: i64 = if over == Transport::Tls { 443 } else { 80 };
    let expected = Attributes::from([
        ("error.type", "timeout".into()),
        ("http.request.method", "HEAD".into()),
        ("server.address", UNROUTABLE.into()),
        ("server.port", port.into()),
        ("url.full", url.into()),
    ]);
    span.has_exactly(expected);
}

pub async fn a_silent_server_is_a_timeout<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { limited: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    stage.client.call(stage.request("/silence")).await.unwrap_err();
    let span = stage.span();
    span.is_status(Status::error(""));
    let url = stage.server.url("/silence");
    span.has_exactly(unanswered(stage.server.port(), &url, Some("timeout")));
    assert_child(&stage.server.only_received(), &span);
}
