//! Costs belong to the call that paid them, however many there are at once, and to no other span.

use crate::support::{Parts, Resolver, answered, cost};
use contract::{
    client::{
        recorded::{client_spans, parent},
        server::Server,
    },
    propagator,
};
use futures_util::future::join_all;
use opentelemetry::{
    Value,
    trace::{FutureExt, TraceContextExt},
};
use reqwest_middleware::ClientBuilder;
use std::{collections::HashMap, time::Duration};
use tracewire_reqwest::{CallOptions, ClientMiddleware};
use tracewire_testing::Capture;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_calls_at_once_are_not_mixed() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let mut middleware =
        ClientMiddleware::new().tracer_provider(capture.tracer_provider()).propagator(propagator());
    let resolver = Resolver::after(|| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        true
    });
    let builder = reqwest::Client::builder().no_proxy();
    let plain = middleware.trace_connections_with(builder, resolver).build().unwrap();
    let client = ClientBuilder::new(plain).with(middleware).build();
    let url = format!("http://shop.test:{}/success", server.port());
    let calls = (0..100).map(|_| async { client.get(&url).send().await.unwrap().text().await });
    assert!(join_all(calls).await.iter().all(Result::is_ok));

    let spans = capture.finished().await;
    let setups: HashMap<_, _> = spans
        .named("HTTP connection_setup")
        .into_iter()
        .map(|setup| (setup.parent_span_id.unwrap(), setup))
        .collect();
    assert!(!setups.is_empty());
    let mut paid = 0;
    for call in client_spans(&capture).iter() {
        let seconds = |phase| match call.attribute(cost(phase)) {
            Some(Value::F64(seconds)) => *seconds,
            other => panic!("{other:?}"),
        };
        if call.attribute(cost("dns")).is_none() {
            // It used what another set up, whatever it had begun itself.
            call.has_exactly(answered(&url, "1.1", &[]));
            continue;
        }
        paid += 1;
        call.has_exactly(answered(
            &url,
            "1.1",
            &[("dns", seconds("dns")), ("connect", seconds("connect"))],
        ));
        let setup = &setups[&call.span_id];
        let children: Vec<_> =
            spans.iter().filter(|span| span.parent_span_id == Some(setup.span_id)).collect();
        assert_eq!(children.len(), 2);
        for (child, phase) in children.iter().zip(["dns", "connect"]) {
            let took = child.end_time.duration_since(child.start_time).unwrap();
            assert!(
                (took.as_secs_f64() - seconds(phase)).abs() < 1e-3,
                "{phase}: {} {spans}",
                call.span_id
            );
            assert_eq!(child.trace_id, call.trace_id);
        }
    }
    assert!(paid > 0);
}

#[tokio::test]
async fn a_call_that_is_left_alone_writes_on_no_other_span() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.middleware = parts.middleware.exclude_urls(["*/missing"]);
    let client = parts.client(Resolver::at_once());
    let handler = parent(&parts.capture);
    let url = |path: &str| format!("http://shop.test:{}{path}", server.port());
    async {
        let untraced = client.get(url("/success")).with_extension(CallOptions::new().untraced());
        untraced.send().await.unwrap();
        client.get(url("/missing")).send().await.unwrap();
    }
    .with_context(handler.clone())
    .await;
    handler.span().end();
    assert!(parts.capture.spans().only().attributes.is_empty());
}

#[tokio::test]
async fn a_call_that_is_not_sampled_has_no_spans() {
    use opentelemetry_sdk::trace::Sampler;
    let capture = Capture::with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    let server = Server::start().await;
    let mut middleware = ClientMiddleware::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .connection_metrics(true);
    let builder = reqwest::Client::builder().no_proxy();
    let plain = middleware.trace_connections_with(builder, Resolver::at_once()).build().unwrap();
    let client = ClientBuilder::new(plain).with(middleware).build();
    client.get(format!("http://shop.test:{}/success", server.port())).send().await.unwrap();
    assert!(capture.spans().is_empty());
    assert_eq!(capture.metrics().one("dns.lookup.duration").only().count, 1);
}
