//! Calls that got no response: each kind has a name of its own.

use crate::clients::{Clients, plain_client};
use bytes::Bytes;
use contract::client::{
    recorded::{client_span, duration, everything, unanswered},
    server::{Server, Transport, closed_port},
};
use http::Extensions;
use http_body::Frame;
use http_body_util::StreamBody;
use opentelemetry::trace::Status;
use reqwest::{
    Body, Request, Response,
    dns::{Name, Resolve, Resolving},
};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next, Result};
use std::{io, sync::Arc, time::Duration};
use tracewire_testing::Capture;

/// Calls `url` and returns the only span, which must be an error.
fn assert_failed(capture: &Capture, port: u16, url: &str, error: &'static str) {
    let span = client_span(capture);
    span.is_status(Status::error("")).has_exactly(unanswered(port, url, Some(error)));
    let duration = duration(capture);
    assert_eq!(duration.attribute("error.type"), Some(&error.into()));
    assert_eq!(duration.count, 1);
}

#[tokio::test]
async fn a_refused_connection_is_connect() {
    let (capture, port) = (Capture::new(), closed_port());
    let url = format!("http://127.0.0.1:{port}/");
    capture.client().get(&url).send().await.unwrap_err();
    assert_failed(&capture, port, &url, "connect");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_a_timeout() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let url = server.url("/silence");
    let call = capture.client().get(&url).timeout(Duration::from_millis(20));
    call.send().await.unwrap_err();
    assert_failed(&capture, server.port(), &url, "timeout");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_dns() {
    struct Nobody;
    impl Resolve for Nobody {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(io::Error::other("no such host").into()) })
        }
    }
    let capture = Capture::new();
    let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Nobody));
    let client = ClientBuilder::new(client.build().unwrap()).with(capture.middleware()).build();
    let url = "http://nobody.invalid:81/";
    client.get(url).send().await.unwrap_err();
    let mut expected = unanswered(81, url, Some("dns"));
    expected.insert("server.address", "nobody.invalid".into());
    client_span(&capture).has_exactly(expected);
}

#[tokio::test]
async fn a_redirect_without_end_is_redirect() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let url = server.url("/circular-redirect");
    capture.client().get(&url).send().await.unwrap_err();
    assert_failed(&capture, server.port(), &url, "redirect");
    assert_eq!(server.received().len(), 11);
}

#[tokio::test]
async fn a_connection_that_breaks_is_request() {
    let (capture, listener) =
        (Capture::new(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    let closing = tokio::spawn(async move {
        // Read what is sent, so that the end of the connection is an end and no reset.
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await
    });
    let url = format!("http://127.0.0.1:{port}/");
    capture.client().get(&url).send().await.unwrap_err();
    closing.await.unwrap().unwrap();
    assert_failed(&capture, port, &url, "request");
}

#[tokio::test]
async fn an_error_of_another_middleware_is_middleware() {
    struct Broken;
    #[async_trait::async_trait]
    impl Middleware for Broken {
        async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
            Err(Error::middleware(io::Error::other("token=SECRET")))
        }
    }
    let capture = Capture::new();
    let client = ClientBuilder::new(plain_client()).with(capture.middleware()).with(Broken).build();
    let url = "http://127.0.0.1:1/";
    client.get(url).send().await.unwrap_err();
    assert_failed(&capture, 1, url, "middleware");
    assert!(!everything(&capture).contains("SECRET"));
}

#[tokio::test]
async fn an_error_made_from_a_response_has_its_status() {
    struct Strict;
    #[async_trait::async_trait]
    impl Middleware for Strict {
        async fn handle(
            &self,
            request: Request,
            extensions: &mut Extensions,
            next: Next<'_>,
        ) -> Result<Response> {
            let response = next.run(request, extensions).await?;
            Ok(response.error_for_status()?)
        }
    }
    let (capture, server) = (Capture::new(), Server::start().await);
    let client = ClientBuilder::new(plain_client()).with(capture.middleware()).with(Strict).build();
    let url = server.url("/error");
    client.get(&url).send().await.unwrap_err();
    let mut expected = unanswered(server.port(), &url, Some("500"));
    expected.insert("http.response.status_code", 500.into());
    client_span(&capture).has_exactly(expected);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_tls() {
    let (capture, server) = (Capture::new(), Server::over(Transport::Tls).await);
    let url = server.url("/success");
    capture.client().get(&url).send().await.unwrap_err();
    assert_failed(&capture, server.port(), &url, "tls");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_tls() {
    let (capture, server) = (Capture::new(), Server::start().await);
    let url = server.url("/success").replace("http:", "https:");
    capture.client().get(&url).send().await.unwrap_err();
    assert_failed(&capture, server.port(), &url, "tls");
}

#[tokio::test]
async fn an_upload_that_fails_is_body() {
    for over in [Transport::Http1, Transport::Http2] {
        let (capture, server) = (Capture::new(), Server::over(over).await);
        let mut client = reqwest::Client::builder().no_proxy();
        if over == Transport::Http2 {
            client = client.http2_prior_knowledge();
        }
        let client = ClientBuilder::new(client.build().unwrap()).with(capture.middleware()).build();
        let url = server.url("/silence");
        let frames =
            [Ok(Frame::data(Bytes::from_static(b"part"))), Err(io::Error::other("SECRET"))];
        let body = Body::wrap(StreamBody::new(futures_util::stream::iter(frames)));
        let request = client.post(&url).timeout(Duration::from_secs(5)).body(body);
        request.send().await.unwrap_err();
        client_span(&capture).is_status(Status::error("")).has("error.type", "body");
        assert_eq!(duration(&capture).attribute("error.type"), Some(&"body".into()));
        assert!(!everything(&capture).contains("SECRET"));
    }
}
