//! What is measured of lookups and connections, where that is asked for.

use crate::support::{Parts, Resolver};
use contract::client::{
    recorded::{Attributes, measured},
    server::{Server, closed_port},
};
use opentelemetry::Value;

fn words<const N: usize>(all: [(&'static str, &'static str); N]) -> Attributes {
    all.into_iter().map(|(key, value)| (key, Value::from(value))).collect()
}

#[tokio::test]
async fn lookups_and_phases_are_measured() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.middleware = parts.middleware.connection_metrics(true);
    let delay = parts.delay();
    let client = parts.client(Resolver::after(move || {
        let delay = delay();
        async {
            delay.await;
            true
        }
    }));
    let url = format!("http://shop.test:{}/success", server.port());
    for _ in 0..2 {
        client.get(&url).send().await.unwrap().text().await.unwrap();
    }
    let lookup = measured(
        &parts.capture,
        "dns.lookup.duration",
        words([("dns.question.name", "shop.test")]),
    );
    assert_eq!((lookup.count, lookup.value), (1, 0.05));
    let mut expected =
        words([("server.address", "shop.test"), ("tracewire.connection.phase", "connect")]);
    expected.insert("server.port", i64::from(server.port()).into());
    let connect = measured(&parts.capture, "tracewire.connection.phase.duration", expected);
    assert_eq!((connect.count, connect.value), (1, 0.0));
}

#[tokio::test]
async fn failures_are_measured_by_their_kind() {
    let mut parts = Parts::new();
    parts.middleware = parts.middleware.connection_metrics(true);
    let client = parts.client(Resolver::after(|| async { false }));
    client.get("http://nowhere.test/").send().await.unwrap_err();
    client.get(format!("http://127.0.0.1:{}/", closed_port())).send().await.unwrap_err();
    let attributes = words([("dns.question.name", "nowhere.test"), ("error.type", "dns")]);
    measured(&parts.capture, "dns.lookup.duration", attributes);
    // No host is known of a connection by address that never came to be.
    let attributes = words([("error.type", "connect"), ("tracewire.connection.phase", "connect")]);
    measured(&parts.capture, "tracewire.connection.phase.duration", attributes);
}

#[tokio::test]
async fn nothing_is_measured_unless_asked_for() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let client = parts.client(Resolver::at_once());
    client.get(format!("http://shop.test:{}/success", server.port())).send().await.unwrap();
    let metrics = parts.capture.metrics();
    let names: Vec<_> = metrics.iter().map(|metric| metric.name.clone()).collect();
    assert_eq!(names, ["http.client.request.duration"]);
}

#[tokio::test]
async fn thousands_of_hosts_are_a_bounded_number_of_series() {
    let (mut parts, port) = (Parts::new(), closed_port());
    parts.middleware = parts.middleware.connection_metrics(true);
    let client = parts.client(Resolver::at_once());
    for host in 0..1500 {
        client.get(format!("http://host-{host}.test:{port}/")).send().await.unwrap_err();
    }
    let metrics = parts.capture.metrics();
    let series = |name: &str| metrics.one(name).points.len();
    let (lookups, phases) =
        (series("dns.lookup.duration"), series("tracewire.connection.phase.duration"));
    assert!(lookups + phases <= 1000 + 2, "{lookups} {phases}");
    let count = metrics.one("dns.lookup.duration").points.iter().map(|point| point.count);
    assert_eq!(count.sum::<u64>(), 1500);
    let other = metrics.one("dns.lookup.duration").point([("dns.question.name", "_OTHER")]);
    assert_eq!(other.count, 1500 - (lookups as u64 - 1));
}
