//! Redirects that reqwest follows by itself, below the middleware.

use crate::clients::Clients;
use contract::client::{
    recorded::{answered, client_span, client_spans},
    server::Server,
};
use opentelemetry::trace::Status;
use tracewire_testing::Capture;

#[tokio::test]
async fn one_span_covers_all_hops() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for (path, hops) in [("/redirect", 2), ("/another-redirect", 3)] {
        let before = server.received().len();
        let url = server.url(path);
        let response = capture.client().get(&url).send().await.unwrap();
        assert_eq!(response.url().path(), "/success");
        let spans = client_spans(&capture);
        let span = spans.last().unwrap();
        span.is_status(Status::Unset).has_exactly(answered(server.port(), &url, 200));
        assert_eq!(server.received().len() - before, hops);
    }
}

#[tokio::test]
async fn every_hop_gets_the_headers_of_the_first() {
    let (capture, server) = (Capture::new(), Server::start().await);
    capture.client().get(server.url("/redirect")).send().await.unwrap();
    let span_id = client_span(&capture).span_id.to_string();
    let paths: Vec<_> = server.received().into_iter().map(|received| received.path).collect();
    assert_eq!(paths, ["/redirect", "/success"]);
    for received in server.received() {
        assert!(received.header("traceparent").unwrap().contains(&span_id));
    }
}

#[tokio::test]
async fn other_headers_survive_a_redirect() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let call = capture.client().get(server.url("/to-secured")).header("authorization", "me");
    assert_eq!(call.send().await.unwrap().status(), 200);
}
