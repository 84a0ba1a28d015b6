//! Calls that wait for a connection, even one that another call sets up.

use crate::support::{Parts, Steps, answered, cost, get, request};
use contract::client::{
    recorded::{client_spans, measured},
    server::Server,
};
use futures_util::future::join_all;
use opentelemetry::{Value, trace::Status};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tower::ServiceExt;

/// With prior knowledge of HTTP/2 one call connects, and the others wait for it.
#[tokio::test]
async fn calls_that_share_a_connection_say_how_long_they_waited() {
    let (mut parts, server) = (Parts::new().measuring(), Server::start().await);
    parts.builder.http2_only(true);
    parts.connect = parts.slow();
    let (client, url) = (parts.client(), server.url("/success"));
    join_all((0..4).map(|_| get(&client, &url))).await;
    assert_eq!(server.connections(), 1);

    let spans = parts.capture.spans();
    let setup = spans.one("HTTP connection_setup");
    let waits = spans.named("HTTP wait_for_connection");
    assert_eq!(waits.len(), 4);
    assert!(waits.iter().all(|wait| wait.links[0].span_id == setup.span_id));
    for call in client_spans(&parts.capture).iter() {
        if setup.parent_span_id == Some(call.span_id) {
            call.has_exactly(answered(&url, "2", &[("connect", 0.05), ("wait", 0.05)]));
        } else {
            call.has_exactly(answered(&url, "2", &[("wait", 0.05)]));
        }
    }
    let port = i64::from(server.port());
    let queued = measured(
        &parts.capture,
        "http.client.request.time_in_queue",
        [
            ("http.request.method", Value::from("GET")),
            ("server.address", "127.0.0.1".into()),
            ("server.port", port.into()),
            ("url.scheme", "http".into()),
        ]
        .into(),
    );
    assert_eq!((queued.count, queued.value), (4, 0.2));
}

/// The second call begins to connect, and gets the connection of the first before that is done.
#[tokio::test]
async fn a_call_that_got_anothers_connection_only_waited() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let (begun, go_on, lookups) =
        (Arc::new(Notify::new()), Arc::new(Notify::new()), AtomicUsize::new(0));
    let (notify, held) = (begun.clone(), go_on.clone());
    parts.lookup = Steps::new(move || {
        let (notify, held) = (notify.clone(), held.clone());
        let nth = lookups.fetch_add(1, Ordering::SeqCst);
        async move {
            if nth == 1 {
                notify.notify_one();
                held.notified().await;
            }
            true
        }
    });
    let client = parts.client();
    let url = |path| format!("http://shop.test:{}{path}", server.port());
    let first = client.clone().oneshot(request(&url("/long-request"))).await.unwrap();
    let (other, wanted) = (client.clone(), url("/success"));
    let second = tokio::spawn(async move { get(&other, &wanted).await });
    begun.notified().await;
    parts.clock.advance(Duration::from_millis(50));
    server.release();
    http_body_util::BodyExt::collect(first.into_body()).await.unwrap();
    second.await.unwrap();

    let calls = client_spans(&parts.capture);
    calls[1].has_exactly(answered(&url("/success"), "1.1", &[("wait", 0.05)]));
    let spans = parts.capture.spans();
    let (setup, waits) =
        (spans.one("HTTP connection_setup"), spans.named("HTTP wait_for_connection"));
    assert_eq!(setup.parent_span_id, Some(calls[0].span_id));
    assert_eq!(waits[1].parent_span_id, Some(calls[1].span_id));
    assert_eq!(waits[1].links[0].span_id, setup.span_id);

    go_on.notify_one();
    parts.capture.ended(2 + 4 + 4).await;
    client_spans(&parts.capture)[1].has_exactly(answered(
        &url("/success"),
        "1.1",
        &[("wait", 0.05)],
    ));
}

#[tokio::test]
async fn a_call_that_is_given_up_while_it_waits_for_anothers_connection_died_waiting() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.builder.http2_only(true);
    parts.connect = Steps::new(pending);
    let (client, url) = (parts.client(), server.url("/success"));
    let call = |patience| {
        let patience = Duration::from_millis(patience);
        tokio::time::timeout(patience, client.clone().oneshot(request(&url)))
    };
    let (_, waiting) = tokio::join!(call(200), call(20));
    assert!(waiting.is_err());
    let calls = client_spans(&parts.capture);
    let mut phases = Vec::new();
    for call in calls.iter() {
        call.is_status(Status::Unset);
        assert_eq!(call.attribute(cost("wait")), Some(&Value::from(0.0)));
        let phase = call.attribute("tracewire.connection.failed_phase");
        phases.push(phase.unwrap().to_string());
    }
    phases.sort();
    assert_eq!(phases, ["connect", "wait"]);
}
