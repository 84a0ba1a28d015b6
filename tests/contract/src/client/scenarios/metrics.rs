//! What is measured of calls, and under which attributes.

use crate::client::{
    ClientUnderTest, Setup,
    recorded::{Attributes, duration, measured},
    server::Transport,
    stage::Stage,
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use tracewire_testing::MetricKind;

pub async fn the_duration_is_measured<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    stage.get("/success?id=1").await;
    let metrics = stage.capture.metrics();
    let metric = metrics.one("http.client.request.duration");
    assert_eq!(metric.kind, MetricKind::Histogram);
    assert_eq!((&*metric.unit, &*metric.description), ("s", "Duration of HTTP client requests."));
    let mut expected = stage.answered("/success", 200);
    expected.retain(|key, _| !key.starts_with("network.peer.") && *key != "url.full");
    let duration = measured(&stage.capture, &metric.name, expected);
    assert_eq!(duration.count, 1);
    assert!(duration.value > 0.0);
}

pub async fn calls_under_way_are_counted<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { active_requests: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let scheme = if over == Transport::Tls { "https" } else { "http" };
    let all = Attributes::from([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(stage.server.port()).into()),
        ("url.scheme", scheme.into()),
    ]);
    let assert_active = |count: f64| {
        let active = measured(&stage.capture, "http.client.active_requests", all.clone());
        assert_eq!((active.value, active.integer), (count, true));
    };
    let under_way = async {
        stage.server.arrived().await;
        assert_active(1.0);
    };
    tokio::select! {
        _ = stage.client.call(stage.request("/silence")) => unreachable!("there is no answer"),
        () = under_way => {}
    }
    assert_active(0.0);
    stage.get("/error").await;
    assert_active(0.0);
}

pub async fn bodies_are_measured<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { body_sizes: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let mut request = stage.request("/success");
    *request.method_mut() = Method::POST;
    *request.body_mut() = Bytes::from_static(b"content");
    stage.send(request).await;
    let mut expected = stage.answered("/success", 200);
    expected.insert("http.request.method", "POST".into());
    expected.insert("http.request.body.size", 7.into());
    expected.insert("http.response.body.size", 8.into());
    stage.assert_recorded([expected]);
    let (metrics, series) = (stage.capture.metrics(), duration(&stage.capture).attributes);
    for (name, size) in
        [("http.client.request.body.size", 7.0), ("http.client.response.body.size", 8.0)]
    {
        let measured = metrics.one(name).only();
        assert_eq!((&measured.attributes, measured.count, measured.value), (&series, 1, size));
    }
}

pub async fn what_was_read_of_a_body_is_measured<C: ClientUnderTest>(over: Transport) {
    let setup = Setup { body_sizes: true, end_at_body: true, ..Setup::default() };
    let stage = Stage::<C>::set_up(over, setup).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "Hello");
    drop(body);
    let mut expected = stage.answered("/long-request", 200);
    expected.insert("http.response.body.size", 5.into());
    stage.assert_recorded([expected]);
    let metrics = stage.capture.metrics();
    assert!(metrics.iter().all(|metric| metric.name != "http.client.request.body.size"));
}
