//! The page for Prometheus: our server's, and the same mounted under a route of axum.

use axum::Router;
use opentelemetry::{KeyValue, metrics::MeterProvider as _};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};
use tracewire_export::{PrometheusExporter, PrometheusServer};

/// Status line, headers that both servers are to have, and body.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    accept: &str,
) -> (String, Vec<String>, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close");
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let mut headers: Vec<_> = lines
        .filter(|line| {
            ["content-type", "vary", "content-length"].iter().any(|n| line.starts_with(n))
        })
        .map(str::to_owned)
        .collect();
    headers.sort();
    (status, headers, body.to_owned())
}

fn exporter() -> (PrometheusExporter, SdkMeterProvider) {
    let exporter = PrometheusExporter::new();
    let provider = SdkMeterProvider::builder()
        .with_reader(exporter.clone())
        .with_resource(Resource::builder_empty().with_service_name("shop").build())
        .build();
    let meter = provider.meter("test");
    meter.u64_counter("orders").build().add(3, &[KeyValue::new("kind", "tea")]);
    meter.f64_histogram("duration").with_unit("s").build().record(0.25, &[]);
    (exporter, provider)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_mounted_page_is_the_page_of_our_own_server() {
    let (exporter, _provider) = exporter();
    let server = PrometheusServer::start("127.0.0.1", 0, &exporter).unwrap();
    let app: Router = Router::new().route_service("/metrics", exporter.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mounted = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let own = server.address();
    let asked = tokio::task::spawn_blocking(move || {
        for accept in [
            "*/*",
            "text/plain",
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text;version=9.9.9",
        ] {
            for method in ["GET", "HEAD"] {
                let [own, mounted] =
                    [own, mounted].map(|address| ask(address, method, "/metrics", accept));
                assert_eq!(own, mounted, "{method} {accept}");
                assert!(own.0.contains("200"), "{own:?}");
                assert_eq!(own.2.contains("orders_total{kind=\"tea\""), method == "GET");
            }
        }
        for _ in 0..1_000 {
            let pages = [own, mounted].map(|address| ask(address, "GET", "/metrics", "*/*"));
            assert_eq!(pages[0], pages[1]);
        }
        let [own, mounted] = [own, mounted].map(|address| ask(address, "POST", "/metrics", "*/*"));
        assert_eq!(own.0, "HTTP/1.1 405 Method Not Allowed");
        assert_eq!(own, mounted);
    });
    asked.await.unwrap();
    serving.abort();
}

#[test]
fn a_page_is_made_without_a_runtime_too() {
    use std::task::{Context, Poll, Waker};
    use tower_service::Service;
    let (exporter, provider) = exporter();
    let mut service = exporter.service();
    let ask = |service: &mut tracewire_export::PrometheusService| {
        let mut future = service.call(http::Request::new(()));
        let Poll::Ready(Ok(response)) =
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("it waits for nothing")
        };
        response
    };
    assert_eq!(ask(&mut service).status(), 200);
    provider.shutdown().unwrap();
    assert_eq!(ask(&mut service).status(), 503);
}
