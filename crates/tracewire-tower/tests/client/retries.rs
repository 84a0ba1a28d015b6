//! The layer inside and outside tower's retries.

use crate::clients::layer;
use bytes::Bytes;
use contract::client::{
    BoxError, HttpClient, Setup, http_client,
    recorded::{answered, assert_recorded, client_spans, resent},
    server::Server,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::future::{Ready, ready};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, retry::Policy, util::BoxCloneSyncService};
use tracewire_testing::Capture;
use tracewire_tower::client::Resends;

/// Sends again what was answered with 503, up to three times.
#[derive(Clone)]
struct Retries(u32);

impl<B> Policy<Request<Full<Bytes>>, Response<B>, BoxError> for Retries {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Ready<()>> {
        let status = result.as_ref().ok()?.status();
        self.0 = self.0.checked_sub(1)?;
        (status == StatusCode::SERVICE_UNAVAILABLE).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

/// Calls `/flaky`, which fails twice, and returns its URL.
async fn call<S, B>(server: &Server, client: S, attempts: Option<Resends>) -> String
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = BoxError>,
{
    server.fail(2);
    let url = server.url("/flaky");
    let mut request = Request::get(&url).body(Full::default()).unwrap();
    if let Some(attempts) = attempts {
        request.extensions_mut().insert(attempts);
    }
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    url
}

async fn start() -> (Capture, Server, HttpClient) {
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = http_client(&server, Setup::default());
    (capture, server, client)
}

#[tokio::test]
async fn attempts_that_share_a_counter_are_numbered() {
    let (capture, server, client) = start().await;
    let client = ServiceBuilder::new().retry(Retries(3)).layer(layer(&capture)).service(client);
    let url = call(&server, client, Some(Resends::new())).await;
    assert_recorded(
        &capture,
        [
            answered(server.port(), &url, 503),
            resent(server.port(), &url, 503, 1),
            resent(server.port(), &url, 200, 2),
        ],
    );
}

#[tokio::test]
async fn attempts_without_a_counter_are_spans_all_the_same() {
    let (capture, server, client) = start().await;
    let client = ServiceBuilder::new().retry(Retries(3)).layer(layer(&capture)).service(client);
    call(&server, client, None).await;
    assert_eq!(client_spans(&capture).len(), 3);
    let mut ids: Vec<_> =
        server.received().iter().map(|r| r.header("traceparent").unwrap().to_owned()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn outside_one_span_covers_all_attempts() {
    let (capture, server, client) = start().await;
    let client = ServiceBuilder::new().layer(layer(&capture)).retry(Retries(3)).service(client);
    let url = call(&server, client, None).await;
    assert_recorded(&capture, [answered(server.port(), &url, 200)]);
}

#[tokio::test]
async fn on_both_sides_one_span_says_how_often_it_was_resent() {
    let (capture, server, client) = start().await;
    let client = ServiceBuilder::new()
        .layer(layer(&capture))
        .retry(Retries(3))
        .layer(layer(&capture))
        .service(client);
    let url = call(&server, client, None).await;
    assert_recorded(&capture, [resent(server.port(), &url, 200, 2)]);
}

#[tokio::test]
async fn clones_of_a_request_in_flight_together_are_attempts_of_their_own() {
    for end_at_body in [false, true] {
        for nested in [false, true] {
            let (capture, server, client) = start().await;
            let ours = layer(&capture).end_at_body(end_at_body);
            let inner =
                ours.layer(client).map_response(|response| response.map(BodyExt::boxed_unsync));
            let client = match nested {
                false => BoxCloneSyncService::new(inner),
                true => BoxCloneSyncService::new(
                    ours.layer(inner).map_response(|response| response.map(BodyExt::boxed_unsync)),
                ),
            };
            let mut request = Request::get(server.url("/success")).body(Full::default()).unwrap();
            request.extensions_mut().insert(Resends::new());
            // The first response is kept until the second is there, as a hedge or a refresh does.
            let first = client.clone().oneshot(request.clone()).await.unwrap();
            let (second, third) = tokio::join!(
                client.clone().oneshot(request.clone()),
                client.clone().oneshot(request)
            );
            drop((first, second.unwrap(), third.unwrap()));
            let spans = client_spans(&capture);
            let mut counts: Vec<_> = spans
                .iter()
                .map(|span| span.attribute("http.request.resend_count").map(ToString::to_string))
                .collect();
            counts.sort();
            assert_eq!(counts, [None, Some("1".to_owned()), Some("2".to_owned())]);
            let mut sent: Vec<_> = server
                .received()
                .iter()
                .map(|received| received.header("traceparent").unwrap().to_owned())
                .collect();
            sent.sort();
            sent.dedup();
            assert_eq!(sent.len(), 3);
        }
    }
}
