//! What calls spend on their connections. How long it took depends on the machine, so only what was told
//! of is compared.

use crate::client::{
    ClientUnderTest, Setup,
    recorded::{Attributes, parent, unanswered},
    server::{Transport, closed_port},
    stage::Stage,
};
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use opentelemetry::{
    SpanId, Value,
    trace::{FutureExt, SpanContext, Status, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{collections::HashMap, time::Duration};
use tracewire_testing::Span;

const TRACED: Setup = Setup {
    end_at_body: false,
    capture: false,
    nested: false,
    body_sizes: false,
    active_requests: false,
    limited: false,
    connections: true,
};

const SPENT: &str = "tracewire.connection.";
const CONNECT: &str = "tracewire.connection.connect.duration";
const FAILED: &str = "tracewire.connection.failed_phase";

/// What a span says beside the cost of its connection.
#[track_caller]
fn is_otherwise(span: &Span, expected: &Attributes) {
    for attribute in &span.attributes {
        let key = attribute.key.as_str();
        if !key.starts_with(SPENT) {
            assert_eq!(expected.get(key), Some(&attribute.value), "{key} of {span:?}");
        }
    }
    let own = span.attributes.iter().filter(|attribute| !attribute.key.as_str().starts_with(SPENT));
    assert_eq!(own.count(), expected.len(), "{span:?}");
}

/// How long a phase took, in seconds.
#[track_caller]
fn seconds(span: &Span, key: &str) -> f64 {
    match span.attribute(key) {
        Some(Value::F64(seconds)) => *seconds,
        other => panic!("{key} is {other:?}"),
    }
}

fn length(span: &Span) -> Duration {
    span.end_time.duration_since(span.start_time).unwrap()
}

pub async fn a_call_says_what_its_connection_cost<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, TRACED).await;
    assert_eq!(stage.get("/success").await, 200);
    let call = stage.span();
    is_otherwise(&call, &stage.answered("/success", 200));
    call.has_no(FAILED);
    // An address is not looked up.
    call.has_no("tracewire.connection.dns.duration");

    let spans = stage.capture.spans();
    let setup = spans.one("HTTP connection_setup");
    assert_eq!((setup.parent_span_id, setup.trace_id), (Some(call.span_id), call.trace_id));
    let connect = spans.one("socket connect");
    assert_eq!(connect.parent_span_id, Some(setup.span_id));
    assert!(setup.start_time <= connect.start_time && connect.end_time <= setup.end_time);
    let told = Duration::from_secs_f64(seconds(&call, CONNECT));
    assert!(told.abs_diff(length(&connect)) < Duration::from_micros(1), "{told:?} {connect:?}");
    for part in [setup, connect] {
        part.is_status(Status::Unset);
        part.has("network.peer.port", i64::from(stage.server.port()));
    }
}

pub async fn a_reused_connection_has_no_phases<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, TRACED).await;
    for _ in 0..3 {
        stage.get("/success").await;
    }
    assert_eq!(stage.server.connections(), 1);
    let calls = stage.spans();
    seconds(&calls[0], CONNECT);
    for call in calls.iter().skip(1) {
        call.has_exactly(stage.answered("/success", 200));
    }
    assert_eq!(stage.capture.spans().named("HTTP connection_setup").len(), 1);
}

pub async fn a_refused_connection_names_its_phase<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, TRACED).await;
    let port = closed_port();
    let url = stage.server.url("/").replace(&stage.server.port().to_string(), &port.to_string());
    let request = Request::get(&url).body(Bytes::new()).unwrap();
    stage.client.call(request).await.unwrap_err();
    let call = stage.span();
    is_otherwise(&call, &unanswered(port, &url, Some("connect")));
    call.has(FAILED, "connect");
    seconds(&call, CONNECT);
    let spans = stage.capture.spans();
    for name in ["HTTP connection_setup", "socket connect"] {
        spans.one(name).has("error.type", "connect").is_status(Status::error(""));
    }
}

pub async fn a_silent_server_blames_no_phase<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { limited: true, ..TRACED }).await;
    stage.client.call(stage.request("/silence")).await.unwrap_err();
    let call = stage.span();
    let url = stage.server.url("/silence");
    is_otherwise(&call, &unanswered(stage.server.port(), &url, Some("timeout")));
    call.has_no(FAILED);
    seconds(&call, CONNECT);
}

pub async fn calls_at_the_same_time_have_their_own_setups<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, TRACED).await;
    join_all((0..20).map(|_| stage.get("/success"))).await;
    let spans = stage.capture.spans();
    let calls: HashMap<_, _> =
        stage.spans().iter().map(|call| (call.span_id, call.clone())).collect();
    assert_eq!(calls.len(), 20);
    let setups = spans.named("HTTP connection_setup");
    let mut paid = 0;
    for setup in &setups {
        // A call whose pool gave it another connection paid nothing for its own.
        let call = &calls[&setup.parent_span_id.unwrap()];
        if call.attribute(CONNECT).is_some() {
            let connect = |span: &&Span| {
                span.parent_span_id == Some(setup.span_id) && span.name == "socket connect"
            };
            let connect = spans.iter().find(connect).unwrap();
            let told = Duration::from_secs_f64(seconds(call, CONNECT));
            assert!(
                told.abs_diff(length(connect)) < Duration::from_micros(1),
                "{told:?} {connect:?}"
            );
            paid += 1;
        }
    }
    let have_paid = calls.values().filter(|call| call.attribute(CONNECT).is_some()).count();
    assert!(paid >= 1 && paid == have_paid, "{paid} of {have_paid}");
}

pub async fn setups_of_untraced_calls_have_no_spans<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, TRACED).await;
    let (trace_id, flags) = (TraceId::from(7), TraceFlags::default());
    let unsampled =
        SpanContext::new(trace_id, SpanId::from(7), flags, false, TraceState::default());
    stage.get("/success").with_context(parent(&stage.capture).with_telemetry_suppressed()).await;
    let other = Stage::<C>::set_up(over, TRACED).await;
    let context = opentelemetry::Context::new().with_remote_span_context(unsampled);
    other.get("/success").with_context(context).await;
    assert!(stage.spans().is_empty() && stage.capture.metrics().is_empty());
    assert!(stage.capture.spans().named("HTTP connection_setup").is_empty());
    assert!(other.capture.spans().is_empty());
}
