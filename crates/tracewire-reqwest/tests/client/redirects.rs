//! Redirects that reqwest follows by itself, below the middleware.

use crate::{
    clients::Clients,
    support::{
        recorder::{Recorder, answered, attributes},
        server::Server,
    },
};
use opentelemetry::trace::Status;

#[tokio::test]
async fn one_span_covers_all_hops() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    for (path, hops) in [("/redirect", 2), ("/another-redirect", 3)] {
        let before = server.received().len();
        let url = server.url(path);
        let response = recorder.client().get(&url).send().await.unwrap();
        assert_eq!(response.url().path(), "/success");
        let span = recorder.client_spans().pop().unwrap();
        assert_eq!(span.status, Status::Unset);
        assert_eq!(attributes(&span.attributes), answered(server.port(), &url, 200));
        assert_eq!(server.received().len() - before, hops);
    }
}

#[tokio::test]
async fn every_hop_gets_the_headers_of_the_first() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    recorder.client().get(server.url("/redirect")).send().await.unwrap();
    let span_id = recorder.client_span().span_context.span_id().to_string();
    let paths: Vec<_> = server.received().into_iter().map(|received| received.path).collect();
    assert_eq!(paths, ["/redirect", "/success"]);
    for received in server.received() {
        assert!(received.header("traceparent").unwrap().contains(&span_id));
    }
}

#[tokio::test]
async fn other_headers_survive_a_redirect() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let call = recorder.client().get(server.url("/to-secured")).header("authorization", "me");
    assert_eq!(call.send().await.unwrap().status(), 200);
}
