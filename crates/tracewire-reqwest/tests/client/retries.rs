//! The middleware inside, outside and on both sides of reqwest-retry.

use crate::clients::{Clients, plain_client};
use contract::client::{
    recorded::{
        answered, assert_recorded, client_span, client_spans, duration, resent, unanswered,
    },
    server::{Received, Server, closed_port},
};
use http::{Extensions, StatusCode};
use opentelemetry::trace::Status;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use std::time::Duration;
use tracewire_reqwest::Resends;
use tracewire_testing::Capture;

fn retries(times: u32) -> RetryTransientMiddleware<ExponentialBackoff> {
    let millisecond = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(millisecond, millisecond)
        .build_with_max_retries(times);
    RetryTransientMiddleware::new_with_policy(policy)
}

#[tokio::test]
async fn inside_every_attempt_is_a_span_with_headers_of_its_own() {
    let (capture, server) = (Capture::new(), Server::start().await);
    server.fail(2);
    let client =
        ClientBuilder::new(plain_client()).with(retries(3)).with(capture.middleware()).build();
    let url = server.url("/flaky");
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);

    assert_recorded(
        &capture,
        [
            answered(server.port(), &url, 503),
            resent(server.port(), &url, 503, 1),
            resent(server.port(), &url, 200, 2),
        ],
    );
    for (span, received) in client_spans(&capture).iter().zip(server.received()) {
        let span_id = span.span_id.to_string();
        assert!(received.header("traceparent").unwrap().contains(&span_id));
    }
}

#[tokio::test]
async fn outside_one_span_covers_all_attempts() {
    let (capture, server) = (Capture::new(), Server::start().await);
    server.fail(2);
    let client =
        ClientBuilder::new(plain_client()).with(capture.middleware()).with(retries(3)).build();
    let url = server.url("/flaky");
    client.get(&url).send().await.unwrap();
    let span = client_span(&capture);
    span.is_status(Status::Unset).has_exactly(answered(server.port(), &url, 200));
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn on_both_sides_one_span_says_how_often_it_was_resent() {
    let (capture, server) = (Capture::new(), Server::start().await);
    server.fail(2);
    let client = ClientBuilder::new(plain_client())
        .with(capture.middleware())
        .with(retries(3))
        .with(capture.middleware())
        .build();
    let url = server.url("/flaky");
    client.get(&url).send().await.unwrap();
    client_span(&capture).has_exactly(resent(server.port(), &url, 200, 2));
    assert_eq!(duration(&capture).count, 1);
}

#[tokio::test]
async fn the_count_starts_anew_for_another_url() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let (client, mut extensions) = (capture.client(), Extensions::new());
    for path in ["/success", "/success", "/missing"] {
        let request = client.get(server.url(path)).build().unwrap();
        client.execute_with_extensions(request, &mut extensions).await.unwrap();
    }
    let spans = client_spans(&capture);
    let counts: Vec<_> =
        spans.iter().map(|span| span.attribute("http.request.resend_count")).collect();
    assert_eq!(counts, [None, Some(&1.into()), None]);
}

#[tokio::test]
async fn a_call_dropped_between_attempts_leaves_no_open_one() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let (client, mut extensions) = (capture.client(), Extensions::new());
    let request = client.get(server.url("/silence")).build().unwrap();
    tokio::select! {
        _ = client.execute_with_extensions(request, &mut extensions) => unreachable!(),
        () = server.arrived() => {}
    }
    let request = client.get(server.url("/success")).build().unwrap();
    client.execute_with_extensions(request, &mut extensions).await.unwrap();
    assert_eq!(client_spans(&capture).len(), 2);
}

#[tokio::test]
async fn outside_the_cause_is_found_below_the_retries() {
    for times in [0, 2] {
        let (capture, server) = (Capture::new(), Server::start().await);
        let client = ClientBuilder::new(plain_client())
            .with(capture.middleware())
            .with(retries(times))
            .build();
        let silence = server.url("/silence");
        let call = client.get(&silence).timeout(Duration::from_millis(20));
        call.send().await.unwrap_err();
        let port = closed_port();
        let refused = format!("http://127.0.0.1:{port}/");
        client.get(&refused).send().await.unwrap_err();
        let circle = server.url("/circular-redirect");
        client.get(&circle).send().await.unwrap_err();

        assert_recorded(
            &capture,
            [
                unanswered(server.port(), &silence, Some("timeout")),
                unanswered(port, &refused, Some("connect")),
                unanswered(server.port(), &circle, Some("redirect")),
            ],
        );
    }
}

/// Asks again while the first response is still there, as a refresh of a token does, and returns
/// the second.
struct Again;

#[async_trait::async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let again = request.try_clone().unwrap();
        let first = next.clone().run(request, extensions).await?;
        let second = next.run(again, extensions).await;
        drop(first);
        second
    }
}

#[tokio::test]
async fn a_request_sent_again_before_the_first_response_is_read_is_a_second_attempt() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().end_at_body(true);
    let client = ClientBuilder::new(plain_client()).with(Again).with(middleware).build();
    let url = server.url("/success");
    client.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_recorded(
        &capture,
        [answered(server.port(), &url, 200), resent(server.port(), &url, 200, 1)],
    );
    let mut sent: Vec<_> = server
        .received()
        .iter()
        .map(|sent| sent.header("traceparent").unwrap().to_owned())
        .collect();
    sent.dedup();
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn a_nested_middleware_still_makes_no_span_while_a_body_is_read() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let middleware = capture.middleware().end_at_body(true);
    let client = ClientBuilder::new(plain_client())
        .with(Again)
        .with(middleware.clone())
        .with(middleware)
        .build();
    let url = server.url("/success");
    client.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_recorded(
        &capture,
        [answered(server.port(), &url, 200), resent(server.port(), &url, 200, 1)],
    );
}

#[tokio::test]
async fn hedged_requests_are_attempts_of_their_own() {
    for nested in [false, true] {
        let (capture, server) = (Capture::new(), Server::start().await);
        let mut client = ClientBuilder::new(plain_client()).with(capture.middleware());
        if nested {
            client = client.with(capture.middleware());
        }
        let (client, url) = (client.build(), server.url("/success"));
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let mut second = extensions.clone();
        let send = |extensions| {
            client.execute_with_extensions(client.get(&url).build().unwrap(), extensions)
        };
        let (one, two) = tokio::join!(send(&mut extensions), send(&mut second));
        assert_eq!(
            (one.unwrap().status(), two.unwrap().status()),
            (StatusCode::OK, StatusCode::OK)
        );
        let spans = client_spans(&capture);
        let mut counts: Vec<_> = spans
            .iter()
            .map(|span| span.attribute("http.request.resend_count").map(ToString::to_string))
            .collect();
        counts.sort();
        assert_eq!(counts, [None, Some("1".to_owned())]);
        for span in spans.iter() {
            let of_this = |received: &Received| {
                received.header("traceparent").unwrap().contains(&span.span_id.to_string())
            };
            assert_eq!(server.received().iter().filter(|received| of_this(received)).count(), 1);
        }
    }
}
