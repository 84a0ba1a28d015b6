//! Connections that a pool sets up for one call and gives to another.

use crate::support::{Parts, Resolver, answered};
use contract::client::{recorded::client_spans, server::Server};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// The first call to connect is answered late; the second looks its host up for ever, until the first
/// gives its connection back.
#[tokio::test]
async fn a_call_that_got_anothers_connection_paid_nothing_for_its_own() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let (lookups, go_on, begun) =
        (AtomicUsize::new(0), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (held, second) = (go_on.clone(), begun.clone());
    let client = parts.client(Resolver::after(move || {
        let (held, begun) = (held.clone(), second.clone());
        let nth = lookups.fetch_add(1, Ordering::SeqCst);
        async move {
            if nth == 1 {
                begun.notify_one();
                held.notified().await;
            }
            true
        }
    }));
    let url = |path| format!("http://shop.test:{}{path}", server.port());
    let first = client.get(url("/long-request")).send().await.unwrap();
    let (other, wanted) = (client.clone(), url("/success"));
    let second = tokio::spawn(async move { other.get(wanted).send().await.unwrap().text().await });
    begun.notified().await;
    // The first call's connection is free now, while the second still looks its host up.
    server.release();
    first.text().await.unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(server.connections(), 1);

    let calls = client_spans(&parts.capture);
    let costs = [("dns", 0.0), ("connect", 0.0)];
    calls[0].has_exactly(answered(&url("/long-request"), "1.1", &costs));
    calls[1].has_exactly(answered(&url("/success"), "1.1", &[]));
    let setups = || parts.capture.spans().named("HTTP connection_setup");
    assert_eq!(setups().len(), 1);

    // The setup goes on in the background, and shows below the call that it was begun for.
    go_on.notify_one();
    parts.capture.ended(2 + 3 + 3).await;
    let setups = setups();
    assert_eq!(setups[1].parent_span_id, Some(calls[1].span_id));
    assert!(setups[1].end_time >= calls[1].end_time);
    assert_eq!(server.connections(), 2);
    client_spans(&parts.capture)[1].has_exactly(answered(&url("/success"), "1.1", &[]));

    // What it set up serves a later call, which paid nothing either.
    client.get(url("/success")).send().await.unwrap().text().await.unwrap();
    client_spans(&parts.capture)[2].has_exactly(answered(&url("/success"), "1.1", &[]));
    assert_eq!(server.connections(), 2);
}
