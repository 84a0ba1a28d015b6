//! Exemplars of durations: which spans they lead to, and where there are none.

use crate::recorded::{duration, layer, server_span};
use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::InstrumentationScope;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use tracewire_exemplar::SeriesExemplars;
use tracewire_testing::Capture;
use tracewire_tower::{
    ServerLayer,
    server::{Exemplars, RpcMethods},
};

const DURATION: &str = "http.server.request.duration";

fn exemplars_of(exemplars: &Exemplars) -> Vec<SeriesExemplars> {
    exemplars_in(exemplars, DURATION)
}

fn exemplars_in(exemplars: &Exemplars, instrument: &str) -> Vec<SeriesExemplars> {
    let scope = InstrumentationScope::builder("tracewire-tower")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    exemplars.collect(&scope, instrument, SystemTime::UNIX_EPOCH..=SystemTime::now())
}

async fn get_user(layer: ServerLayer, traceparent: Option<&str>) {
    let app = Router::new().route("/users/{id}", get(async || "Ada")).layer(layer);
    let mut request = Request::get("/users/1").body(Body::empty()).unwrap();
    if let Some(traceparent) = traceparent {
        request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
    }
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn an_exemplar_has_the_ids_the_time_and_the_duration_of_its_span() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    get_user(layer(&capture).exemplars(exemplars.clone()), None).await;
    let [series] = &*exemplars_of(&exemplars) else { panic!("one series has exemplars") };
    let [exemplar] = &*series.exemplars else { panic!("one bucket has an exemplar") };
    let (span, point) = (server_span(&capture), duration(&capture));
    assert_eq!(exemplar.trace_id, span.trace_id);
    assert_eq!(exemplar.span_id, span.span_id);
    assert_eq!(exemplar.value, point.value);
    let keys: Vec<_> = series.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "http.request.method",
            "http.response.status_code",
            "http.route",
            "network.protocol.version",
            "url.scheme"
        ]
    );
    let age = SystemTime::now().duration_since(exemplar.time).unwrap();
    assert!(age < Duration::from_secs(10), "{age:?}");
}

#[tokio::test]
async fn every_second_request_has_no_exemplar_if_it_is_not_sampled() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let layer = layer(&capture).exemplars(exemplars.clone());
    for (trace, flags) in [(1, "00"), (2, "01"), (3, "00")] {
        let traceparent = format!("00-{trace:0>32}-00f067aa0ba902b7-{flags}");
        get_user(layer.clone(), Some(&traceparent)).await;
    }
    assert_eq!(duration(&capture).count, 3);
    let [series] = &*exemplars_of(&exemplars) else { panic!("one series has exemplars") };
    let [exemplar] = &*series.exemplars else { panic!("one bucket has an exemplar") };
    assert_eq!(exemplar.trace_id.to_string(), format!("{:0>32}", 2));
}

#[tokio::test]
async fn a_call_over_grpc_has_an_exemplar_of_its_own_metric() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let layer = layer(&capture).grpc(RpcMethods::any()).exemplars(exemplars.clone());
    let app = Router::new()
        .route("/shop.v1.Shop/GetItem", post(async || [("grpc-status", "0")]))
        .layer(layer);
    let request = Request::post("/shop.v1.Shop/GetItem")
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap();
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    assert!(exemplars_of(&exemplars).is_empty());
    let [series] = &*exemplars_in(&exemplars, "rpc.server.call.duration") else {
        panic!("one series has exemplars")
    };
    assert_eq!(series.exemplars[0].span_id, server_span(&capture).span_id);
}

#[tokio::test]
async fn the_span_of_a_caller_is_no_exemplar_where_no_span_is_recorded() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    let layer = ServerLayer::new()
        .meter_provider(capture.meter_provider())
        .propagator(contract::propagator())
        .exemplars(exemplars.clone());
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    get_user(layer, Some(traceparent)).await;
    assert_eq!(duration(&capture).count, 1);
    assert!(exemplars_of(&exemplars).is_empty());
}

#[tokio::test]
async fn the_store_of_the_process_is_not_for_a_meter_provider_of_ones_own() {
    let (capture, exemplars) = (Capture::new(), Exemplars::new());
    tracewire_exemplar::install(exemplars.clone());
    get_user(layer(&capture), None).await;
    assert!(exemplars_of(&exemplars).is_empty());
    tracewire_exemplar::uninstall();
}
