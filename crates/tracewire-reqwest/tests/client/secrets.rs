//! Nothing secret in a URL reaches an exporter.

use crate::clients::Clients;
use contract::client::{
    recorded::{client_spans, everything},
    server::{Server, closed_port},
};
use http::Method;
use reqwest::Request;
use tracewire_testing::Capture;

#[tokio::test]
async fn credentials_and_sensitive_values_are_never_exported() {
    let (capture, server) = (Capture::new(), Server::start().await);
    for port in [server.port(), closed_port()] {
        let url = format!(
            "http://ada:SECRET@127.0.0.1:{port}/success?token=SECRET&id=1#access_token=SECRET"
        );
        let request = Request::new(Method::GET, url.parse().unwrap());
        let _ = capture.client().execute(request).await;
        let spans = client_spans(&capture);
        spans.last().unwrap().has(
            "url.full",
            format!("http://REDACTED:REDACTED@127.0.0.1:{port}/success?token=REDACTED&id=1"),
        );
    }
    assert_eq!(client_spans(&capture).len(), 2);
    assert!(!everything(&capture).contains("SECRET"));
}
