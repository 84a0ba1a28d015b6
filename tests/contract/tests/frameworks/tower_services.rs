//! Services inside the layer that fail, or whose futures and bodies are never polled.

use crate::hyper::{plain, stacked};
use contract::server::{Protocol, bodies};
use http::{Request, Response};
use std::{convert::Infallible, future::ready, io};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn failing_service_is_a_service_error() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (kind, error) in
            [(io::ErrorKind::Other, "service"), (io::ErrorKind::TimedOut, "timeout")]
        {
            let running = stacked(protocol, |_, layer| {
                plain(layer.layer(service_fn(move |_: Request<bodies::Body>| {
                    let error = io::Error::new(kind, "a secret");
                    ready(Err::<Response<bodies::Body>, tower::BoxError>(error.into()))
                })))
            })
            .await;
            let mut client = running.connect().await;
            let request = client.request("GET", "/").body(bodies::empty()).unwrap();
            assert!(client.send(request).await.is_err());
            let expected = running.expected(client.address, "/");
            expected.unanswered(error).check(&running.only().await);
        }
    }
}

#[tokio::test]
async fn future_dropped_unpolled_is_cancelled() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let running = stacked(protocol, |_, layer| {
            let inner = layer.layer(service_fn(|_: Request<bodies::Body>| {
                ready(Ok::<_, Infallible>(Response::new(bodies::empty())))
            }));
            plain(service_fn(move |request: Request<bodies::Body>| {
                drop(inner.clone().call(request));
                ready(Ok::<_, Infallible>(Response::new(bodies::full("instead"))))
            }))
        })
        .await;
        let mut client = running.connect().await;
        assert_eq!(client.get("/").await.body, "instead");
        let expected = running.expected(client.address, "/");
        expected.unanswered("cancelled").check(&running.only().await);
    }
}

#[tokio::test]
async fn body_that_is_never_polled_is_cancelled() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let running = stacked(protocol, |_, layer| {
            let inner = layer.layer(service_fn(|_: Request<bodies::Body>| {
                let body = bodies::frames([bodies::data("chunk")]);
                ready(Ok::<_, Infallible>(Response::new(body)))
            }));
            plain(inner.map_response(|response| response.map(|_| bodies::full("instead"))))
        })
        .await;
        let mut client = running.connect().await;
        assert_eq!(client.get("/").await.body, "instead");
        let expected = running.expected(client.address, "/");
        expected.error("cancelled").check(&running.only().await);
    }
}
