//! Calls that got no response: each kind has a name of its own.

use crate::{
    clients::{Clients, plain_client},
    support::{
        recorder::{Recorder, attributes, unanswered},
        server::{Server, Transport, closed_port},
    },
};
use http::Extensions;
use opentelemetry::trace::Status;
use reqwest::{
    Request, Response,
    dns::{Name, Resolve, Resolving},
};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next, Result};
use std::{io, sync::Arc, time::Duration};

/// Calls `url` and returns the only span, which must be an error.
fn assert_failed(recorder: &Recorder, port: u16, url: &str, error: &str) {
    let span = recorder.client_span();
    assert_eq!(span.status, Status::error(""));
    assert_eq!(attributes(&span.attributes), unanswered(port, url, Some(error)));
    let (metric, count) = recorder.durations().remove(0);
    assert_eq!((metric["error.type"].as_str(), count), (error, 1));
}

#[tokio::test]
async fn a_refused_connection_is_connect() {
    let (recorder, port) = (Recorder::new(), closed_port().await);
    let url = format!("http://127.0.0.1:{port}/");
    recorder.client().get(&url).send().await.unwrap_err();
    assert_failed(&recorder, port, &url, "connect");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_a_timeout() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/silence");
    let call = recorder.client().get(&url).timeout(Duration::from_millis(20));
    call.send().await.unwrap_err();
    assert_failed(&recorder, server.port(), &url, "timeout");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_dns() {
    struct Nobody;
    impl Resolve for Nobody {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(io::Error::other("no such host").into()) })
        }
    }
    let recorder = Recorder::new();
    let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Nobody));
    let client = ClientBuilder::new(client.build().unwrap()).with(recorder.middleware()).build();
    let url = "http://nobody.invalid:81/";
    client.get(url).send().await.unwrap_err();
    let mut expected = unanswered(81, url, Some("dns"));
    expected.insert("server.address".into(), "nobody.invalid".into());
    assert_eq!(attributes(&recorder.client_span().attributes), expected);
}

#[tokio::test]
async fn a_redirect_without_end_is_redirect() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/circular-redirect");
    recorder.client().get(&url).send().await.unwrap_err();
    assert_failed(&recorder, server.port(), &url, "redirect");
    assert_eq!(server.received().len(), 11);
}

#[tokio::test]
async fn a_connection_that_breaks_is_request() {
    let (recorder, listener) =
        (Recorder::new(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    let closing = tokio::spawn(async move {
        // Read what is sent, so that the end of the connection is an end and no reset.
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await
    });
    let url = format!("http://127.0.0.1:{port}/");
    recorder.client().get(&url).send().await.unwrap_err();
    closing.await.unwrap().unwrap();
    assert_failed(&recorder, port, &url, "request");
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
    let recorder = Recorder::new();
    let client =
        ClientBuilder::new(plain_client()).with(recorder.middleware()).with(Broken).build();
    let url = "http://127.0.0.1:1/";
    client.get(url).send().await.unwrap_err();
    assert_failed(&recorder, 1, url, "middleware");
    assert!(!recorder.everything().contains("SECRET"));
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
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let client =
        ClientBuilder::new(plain_client()).with(recorder.middleware()).with(Strict).build();
    let url = server.url("/error");
    client.get(&url).send().await.unwrap_err();
    let mut expected = unanswered(server.port(), &url, Some("500"));
    expected.insert("http.response.status_code".into(), "int 500".into());
    assert_eq!(attributes(&recorder.client_span().attributes), expected);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_tls() {
    let (recorder, server) = (Recorder::new(), Server::over(Transport::Tls).await);
    let url = server.url("/success");
    recorder.client().get(&url).send().await.unwrap_err();
    assert_failed(&recorder, server.port(), &url, "tls");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_tls() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    let url = server.url("/success").replace("http:", "https:");
    recorder.client().get(&url).send().await.unwrap_err();
    assert_failed(&recorder, server.port(), &url, "tls");
}
