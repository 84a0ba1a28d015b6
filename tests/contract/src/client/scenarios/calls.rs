//! Spans of calls: their attributes, their parents, and the headers they send.

use crate::client::{
    ClientUnderTest, Setup,
    recorded::{duration, parent, work},
    server::Transport,
    stage::{Stage, assert_child, span_id},
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use opentelemetry::{
    Context, KeyValue, SpanId, StringValue, Value,
    baggage::BaggageExt,
    trace::{FutureExt, SpanContext, Status, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracewire_testing::Span;

pub async fn an_unknown_method_is_other<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/success");
    *request.method_mut() = Method::from_bytes(b"TEST").unwrap();
    assert_eq!(stage.send(request).await, 405);
    let span = stage.span();
    let mut expected = stage.answered("/success", 405);
    expected.insert("http.request.method", "_OTHER".into());
    expected.insert("http.request.method_original", "TEST".into());
    assert_eq!(span.name, "HTTP");
    span.has_exactly(expected);
}

pub async fn a_call_is_a_root_with_the_server_below<C: ClientUnderTest>(over: Transport) {
    for path in ["/success", "/success?with=params"] {
        let stage = Stage::<C>::new(over).await;
        assert_eq!(stage.get(path).await, 200);
        let span = stage.span();
        assert_eq!(span.name, "GET");
        span.is_status(Status::Unset);
        span.is_root();
        span.has_exactly(stage.answered(path, 200));
        assert_child(&stage.server.only_received(), &span);
    }
}

pub async fn a_call_is_a_child_of_its_caller<C: ClientUnderTest>(over: Transport) {
    for method in [Method::PUT, Method::POST] {
        let stage = Stage::<C>::new(over).await;
        let parent = parent(&stage.capture);
        let mut request = stage.request("/success");
        *request.method_mut() = method.clone();
        *request.body_mut() = Bytes::from_static(b"content");
        stage.send(request).with_context(parent.clone()).await;
        let span = stage.span();
        assert_eq!(span.parent_span_id, Some(span_id(&parent)));
        assert_eq!(span.name, method.as_str());
        let received = stage.server.only_received();
        assert_child(&received, &span);
        assert_eq!((received.method, &*received.body), (method, &b"content"[..]));
    }
}

pub async fn an_unsampled_caller_makes_no_span<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let (trace_id, flags) = (TraceId::from(7), TraceFlags::default());
    let unsampled =
        SpanContext::new(trace_id, SpanId::from(7), flags, false, TraceState::default());
    let parent = Context::new().with_remote_span_context(unsampled);
    stage.get("/success").with_context(parent).await;
    assert!(stage.capture.spans().is_empty());
    let received = stage.server.only_received();
    let traceparent = received.header("traceparent").unwrap();
    assert!(traceparent.starts_with(&format!("00-{trace_id}-")), "{traceparent}");
    assert!(traceparent.ends_with("00"), "{traceparent}");
}

pub async fn nested_instrumentation_makes_one_span<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { nested: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    stage.get("/success").await;
    let span = stage.span();
    span.has_exactly(stage.answered("/success", 200));
    assert_child(&stage.server.only_received(), &span);
    assert_eq!(duration(&stage.capture).count, 1);
}

pub async fn work_after_the_call_is_its_callers<C: ClientUnderTest>(over: Transport) {
    for path in ["/success", "/error"] {
        let stage = Stage::<C>::new(over).await;
        let parent = parent(&stage.capture);
        let work = async {
            stage.get(path).await;
            work(&stage.capture, "callback");
        };
        work.with_context(parent.clone()).await;
        assert_eq!(stage.capture.spans().one("callback").parent_span_id, Some(span_id(&parent)));
    }
}

pub async fn work_after_a_call_without_caller_is_a_root<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    stage.get("/success").await;
    work(&stage.capture, "callback");
    let (callback, call) = (stage.capture.spans().one("callback"), stage.span());
    callback.is_root();
    assert_ne!(callback.trace_id, call.trace_id);
}

pub async fn a_request_sent_again_is_a_new_trace<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let request = stage.request("/success");
    stage.send(request.clone()).await;
    stage.send(request).await;
    let spans = stage.spans();
    assert_eq!(spans.len(), 2);
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
    stage.assert_recorded([stage.answered("/success", 200), stage.answered("/success", 200)]);
}

pub async fn headers_of_the_trace_are_replaced<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/success");
    for name in ["traceparent", "tracestate", "baggage"] {
        for value in ["first=1", "second=2"] {
            request.headers_mut().append(name, value.parse().unwrap());
        }
    }
    let caller = parent(&stage.capture).with_baggage([KeyValue::new("user", "Ada")]);
    assert_eq!(stage.send(request).with_context(caller).await, 200);
    let received = stage.server.only_received();
    assert_child(&received, &stage.span());
    assert_eq!(received.header("tracestate"), None);
    assert_eq!(received.header("baggage"), Some("user=Ada"));
}

pub async fn chosen_headers_are_captured<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { capture: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let mut request = stage.request("/success");
    request.headers_mut().insert("x-test-request", "value".parse().unwrap());
    stage.send(request).await;
    let mut expected = stage.answered("/success", 200);
    let values = Value::Array(vec![StringValue::from("value")].into());
    expected.insert("http.request.header.x-test-request", values.clone());
    expected.insert("http.response.header.x-test-response", values);
    stage.assert_recorded([expected]);
}

pub async fn calls_at_the_same_time_keep_their_own_spans<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let calls = (0..50).map(|n| {
        let (client, parent) = (stage.client.clone(), parent(&stage.capture));
        let mut request = stage.request("/success");
        request.headers_mut().insert("x-call", n.into());
        let call = async move {
            let response = client.call(request).await.unwrap();
            response.into_body().collect().await.unwrap();
            span_id(&Context::current())
        };
        (parent.clone(), tokio::spawn(call.with_context(parent)))
    });
    let calls: Vec<_> = calls.collect();
    let mut parents = Vec::new();
    for (parent, call) in calls {
        assert_eq!(call.await.unwrap(), span_id(&parent));
        parents.push(parent);
    }
    let spans = stage.spans();
    assert_eq!((spans.len(), stage.server.received().len()), (50, 50));
    for received in stage.server.received() {
        let n: usize = received.header("x-call").unwrap().parse().unwrap();
        let of_this = |span: &&Span| span.parent_span_id == Some(span_id(&parents[n]));
        assert_child(&received, spans.iter().find(of_this).unwrap());
    }
}

pub async fn calls_over_one_connection_keep_their_own_spans<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    for _ in 0..20 {
        stage.get("/success").await;
    }
    assert_eq!(stage.server.connections(), 1);
    let spans = stage.spans();
    assert_eq!(spans.len(), 20);
    for (received, span) in stage.server.received().iter().zip(spans.iter()) {
        assert_child(received, span);
    }
}

pub async fn suppressed_telemetry_leaves_the_call_alone<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let suppressed = parent(&stage.capture).with_telemetry_suppressed();
    stage.get("/success").with_context(suppressed).await;
    assert!(stage.spans().is_empty());
    assert!(stage.capture.metrics().is_empty());
    assert_eq!(stage.server.only_received().header("traceparent"), None);
}
