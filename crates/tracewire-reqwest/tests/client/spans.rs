//! One call, one span: its name, kind, parent, attributes and status.

use crate::{
    recorder::{Recorder, answered, attributes, plain_client, unanswered},
    server::Server,
};
use http::{Method, header::HOST};
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanId, SpanKind, Status, TraceContextExt},
};
use opentelemetry_sdk::trace::Sampler;
use reqwest_middleware::ClientBuilder;
use tokio::select;

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
async fn the_span_is_a_child_of_the_current_one() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let parent = recorder.parent();
    for method in [Method::PUT, Method::POST] {
        let call = recorder.client().request(method, server.url("/success"));
        call.send().with_context(parent.clone()).await.unwrap();
    }
    let span_context = parent.span().span_context().clone();
    let spans = recorder.client_spans();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["PUT", "POST"]);
    for span in spans {
        assert_eq!(span.span_context.trace_id(), span_context.trace_id());
        assert_eq!(span.parent_span_id, span_context.span_id());
    }
}

#[tokio::test]
async fn the_span_ends_at_the_head_of_the_response() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let response = recorder.client().get(server.url("/success")).send().await;
    assert_eq!(recorder.client_spans().len(), 1);
    drop(response);
    assert_eq!(recorder.client_spans().len(), 1);
}

#[tokio::test]
async fn status_codes_from_400_are_errors() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    for (path, status) in [("/client-error", 400), ("/missing", 404), ("/error", 500)] {
        let url = server.url(path);
        recorder.client().get(&url).send().await.unwrap();
        let span = recorder.client_spans().pop().unwrap();
        assert_eq!(span.status, Status::error(""));
        assert_eq!(attributes(&span.attributes), answered(server.port(), &url, status));
    }
}

#[tokio::test]
async fn an_unknown_method_is_other() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/success");
    let method = Method::from_bytes(b"TEST").unwrap();
    recorder.client().request(method, &url).send().await.unwrap();
    let span = recorder.client_span();
    assert_eq!(span.name, "HTTP");
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("http.request.method".into(), "_OTHER".into());
    expected.insert("http.request.method_original".into(), "TEST".into());
    assert_eq!(attributes(&span.attributes), expected);
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
async fn the_negotiated_version_is_recorded() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let client = ClientBuilder::new(http2).with(recorder.middleware()).build();
    let url = server.url("/success");
    client.get(&url).send().await.unwrap();
    let mut expected = answered(server.port(), &url, 200);
    expected.insert("network.protocol.version".into(), "2".into());
    assert_eq!(attributes(&recorder.client_span().attributes), expected);
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_no_error() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/silence");
    select! {
        _ = recorder.client().get(&url).send() => unreachable!("nobody answers"),
        () = server.arrived() => {}
    }
    let span = recorder.client_span();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attributes(&span.attributes), unanswered(server.port(), &url, None));
}

#[tokio::test]
async fn two_of_ours_make_one_span() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let client = ClientBuilder::new(plain_client())
        .with(recorder.middleware())
        .with(recorder.middleware())
        .build();
    let url = server.url("/success");
    client.get(&url).send().await.unwrap();
    assert_eq!(attributes(&recorder.client_span().attributes), answered(server.port(), &url, 200));
    assert_eq!(recorder.durations().len(), 1);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn one_request_sent_twice_is_two_traces() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let client = recorder.client();
    let request = client.get(server.url("/success")).build().unwrap();
    client.execute(request.try_clone().unwrap()).await.unwrap();
    client.execute(request).await.unwrap();
    let spans = recorder.client_spans();
    let trace_id = |n: usize| spans[n].span_context.trace_id();
    assert_eq!(spans.len(), 2);
    assert_ne!(trace_id(0), trace_id(1));
    for span in &spans {
        assert!(!attributes(&span.attributes).contains_key("http.request.resend_count"));
    }
}

#[tokio::test]
async fn work_after_the_call_belongs_to_the_caller() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let parent = recorder.parent();
    let seen = async {
        recorder.client().get(server.url("/success")).send().await.unwrap();
        Context::current().span().span_context().span_id()
    };
    let seen = seen.with_context(parent.clone()).await;
    assert_eq!(seen, parent.span().span_context().span_id());
}

#[tokio::test]
async fn suppressed_telemetry_leaves_the_call_alone() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let suppressed = recorder.parent().with_telemetry_suppressed();
    let call = recorder.client().get(server.url("/success")).send();
    call.with_context(suppressed).await.unwrap();
    assert!(recorder.client_spans().is_empty());
    assert!(recorder.durations().is_empty());
    assert_eq!(server.only_received().header("traceparent"), None);
}

#[tokio::test]
async fn calls_at_the_same_time_keep_their_own_spans() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let client = recorder.client();
    let calls = (0..50).map(|n| {
        let parent = recorder.parent();
        let span_context = parent.span().span_context().clone();
        let call = client.get(server.url("/success")).header("x-call", n);
        let call = call.send().with_context(parent);
        (n, span_context, tokio::spawn(call))
    });
    let calls: Vec<_> = calls.collect();
    let mut parents = Vec::new();
    for (n, span_context, call) in calls {
        call.await.unwrap().unwrap();
        parents.push((n, span_context));
    }
    let spans = recorder.client_spans();
    assert_eq!(spans.len(), 50);
    for received in server.received() {
        let n: i32 = received.header("x-call").unwrap().parse().unwrap();
        let (_, parent) = parents.iter().find(|(of, _)| *of == n).unwrap();
        let span = spans.iter().find(|span| span.parent_span_id == parent.span_id()).unwrap();
        let traceparent = format!("00-{}-{}-01", parent.trace_id(), span.span_context.span_id());
        assert_eq!(received.header("traceparent"), Some(&*traceparent));
    }
}

#[tokio::test]
async fn an_unsampled_parent_makes_no_span_and_travels_on() {
    let recorder = Recorder::with_sampler(Sampler::AlwaysOff);
    let server = Server::start().await;
    let parent = recorder.parent();
    let call = recorder.client().get(server.url("/success")).send();
    call.with_context(parent.clone()).await.unwrap();
    assert!(recorder.spans().is_empty());
    let traceparent = server.only_received();
    let traceparent = traceparent.header("traceparent").unwrap();
    let trace_id = parent.span().span_context().trace_id();
    assert!(traceparent.starts_with(&format!("00-{trace_id}-")));
    assert!(traceparent.ends_with("-00"));
}
