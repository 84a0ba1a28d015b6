//! Which headers leave, and for where.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{client_spans, parent},
    server::{Received, Server},
};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    trace::{FutureExt, TraceContextExt},
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::net::SocketAddr;
use tracewire_propagation::SamplingHint;
use tracewire_reqwest::{CallOptions, ClientMiddleware, Destinations, Hosts};
use tracewire_testing::Capture;

/// A client that finds `partner.example` on this host.
fn client(middleware: ClientMiddleware, server: &Server) -> ClientWithMiddleware {
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let client = reqwest::Client::builder().no_proxy();
    let client = client.resolve("partner.example", address).build().unwrap();
    ClientBuilder::new(client).with(middleware).build()
}

fn partner_url(server: &Server) -> String {
    format!("http://partner.example:{}/success", server.port())
}

fn with_baggage(context: &Context) -> Context {
    context.with_baggage([KeyValue::new("user", "Ada")])
}

/// Calls a partner with baggage, through a client with these destinations.
async fn call_partner(destinations: Destinations) -> Received {
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = client(capture.middleware().destinations(destinations), &server);
    let call = client
        .get(partner_url(&server))
        .header("traceparent", "stale")
        .header("baggage", "stale=1");
    let context = with_baggage(&parent(&capture)).with_value(SamplingHint::Debug);
    call.send().with_context(context).await.unwrap();
    assert_eq!(client_spans(&capture).len(), 1);
    server.only_received()
}

#[tokio::test]
async fn baggage_goes_to_internal_hosts() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let context = with_baggage(&Context::new());
    for url in [server.url("/success"), format!("http://localhost:{}/success", server.port())] {
        let call = capture.client().get(url).send();
        call.with_context(context.clone()).await.unwrap();
    }
    for received in server.received() {
        assert_eq!(received.header("baggage"), Some("user=Ada"));
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn baggage_stays_away_from_others() {
    let received = call_partner(Destinations::new()).await;
    assert!(received.header("traceparent").unwrap().starts_with("00-"));
    assert_eq!(received.header("baggage"), None);
}

#[tokio::test]
async fn baggage_goes_to_listed_hosts() {
    let listed = Destinations::new().baggage(Hosts::internal().and(["partner.example"]));
    let received = call_partner(listed).await;
    assert_eq!(received.header("baggage"), Some("user=Ada"));
}

#[tokio::test]
async fn one_call_opens_everything() {
    let received = call_partner(Destinations::all()).await;
    assert!(received.header("traceparent").unwrap().starts_with("00-"));
    assert_eq!(received.header("baggage"), Some("user=Ada"));
}

#[tokio::test]
async fn trace_context_can_be_withheld_alone() {
    let destinations = Destinations::all().trace_context(Hosts::internal());
    let received = call_partner(destinations).await;
    assert_eq!(received.header("traceparent"), None);
    assert_eq!(received.header("baggage"), Some("user=Ada"));
}

#[tokio::test]
async fn what_is_withheld_is_removed() {
    let nowhere = Destinations::new().trace_context(Hosts::none()).baggage(Hosts::none());
    let received = call_partner(nowhere).await;
    assert_eq!(received.header("traceparent"), None);
    assert_eq!(received.header("baggage"), None);
}

/// Headers of every known format, as a service that passes its inbound headers on sends them.
const INBOUND: [(&str, &str); 14] = [
    ("traceparent", "00-11111111111111111111111111111111-2222222222222222-01"),
    ("tracestate", "evil=1"),
    ("baggage", "evil=1"),
    ("b3", "11111111111111111111111111111111-2222222222222222-d"),
    ("x-b3-traceid", "11111111111111111111111111111111"),
    ("x-b3-parentspanid", "3333333333333333"),
    ("uber-trace-id", "11111111111111111111111111111111:2222222222222222:0:1"),
    ("uberctx-evil", "1"),
    ("x-amzn-trace-id", "Root=1-11111111-111111111111111111111111;Parent=2222222222222222"),
    ("x-datadog-trace-id", "1"),
    ("x-datadog-origin", "evil"),
    ("elastic-apm-traceparent", "00-11111111111111111111111111111111-2222222222222222-01"),
    ("ot-tracer-traceid", "1111111111111111"),
    ("ot-baggage-evil", "1"),
];

#[tokio::test]
async fn inbound_headers_of_no_format_are_passed_on() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for context in [Context::new(), with_baggage(&Context::new())] {
        let call = INBOUND
            .iter()
            .fold(capture.client().get(server.url("/success")), |call, (name, value)| {
                call.header(*name, *value)
            });
        call.header("x-request-id", "7").send().with_context(context.clone()).await.unwrap();
        let received = server.received().pop().unwrap();
        for (name, value) in INBOUND {
            assert_ne!(received.header(name), Some(value), "{name}");
        }
        let span = client_spans(&capture).last().unwrap().clone();
        assert!(received.header("traceparent").unwrap().contains(&span.span_id.to_string()));
        let baggage = (!context.baggage().is_empty()).then_some("user=Ada");
        assert_eq!(received.header("baggage"), baggage);
        assert_eq!(received.header("x-request-id"), Some("7"));
    }
}

#[tokio::test]
async fn headers_of_ones_own_go_out_where_propagation_is_off() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = capture.client().get(server.url("/success")).header("b3", "0");
    call.with_extension(CallOptions::new().propagate(false)).send().await.unwrap();
    let received = server.only_received();
    assert_eq!(received.header("b3"), Some("0"));
    assert_eq!(received.header("traceparent"), None);
    assert_eq!(client_spans(&capture).len(), 1);
}

#[tokio::test]
async fn a_host_header_does_not_open_the_way_to_another_host() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = client(capture.middleware(), &server);
    let call = client.get(partner_url(&server)).header("host", "localhost");
    let context = with_baggage(&Context::new());
    call.send().with_context(context).await.unwrap();
    assert_eq!(server.only_received().header("baggage"), None);
}

#[tokio::test]
async fn without_a_tracer_the_callers_context_is_passed_on() {
    let server = Server::start().await;
    let capture = Capture::new();
    let parent = with_baggage(&parent(&capture));
    let untraced = ClientMiddleware::new()
        .tracer_provider(opentelemetry::trace::noop::NoopTracerProvider::new())
        .propagator(tracewire_propagation::TraceContext::new());
    let client = ClientBuilder::new(plain_client()).with(untraced).build();
    let call = client.get(server.url("/success")).send();
    call.with_context(parent.clone()).await.unwrap();
    let span_id = parent.span().span_context().span_id().to_string();
    let received = server.only_received();
    assert!(received.header("traceparent").unwrap().contains(&span_id));
}

#[tokio::test]
async fn hostile_baggage_never_stops_a_call() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let hostile = [
        KeyValue::new("crlf", "a\r\nx-injected: 1"),
        KeyValue::new("nul", "\0"),
        KeyValue::new("comma", "a,b=c"),
        KeyValue::new("wide", "\u{1f980}"),
        KeyValue::new("long", "x".repeat(8000)),
        KeyValue::new("more", "y".repeat(8000)),
    ];
    let context = parent(&capture).with_baggage(hostile);
    let call = capture.client().get(server.url("/success")).send();
    assert_eq!(call.with_context(context).await.unwrap().status(), 200);
    let received = server.only_received();
    assert_eq!(received.header("x-injected"), None);
    assert!(received.header("baggage").unwrap_or_default().len() <= 8192);
}
