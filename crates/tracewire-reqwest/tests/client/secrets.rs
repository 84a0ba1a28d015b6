//! Nothing secret in a URL reaches an exporter.

use crate::{
    clients::Clients,
    support::{
        recorder::{Recorder, attributes},
        server::{Server, closed_port},
    },
};
use http::Method;
use reqwest::Request;

#[tokio::test]
async fn credentials_and_sensitive_values_are_never_exported() {
    let (recorder, server) = (Recorder::new(), Server::start().await);
    for port in [server.port(), closed_port().await] {
        let url = format!("http://ada:SECRET@127.0.0.1:{port}/success?token=SECRET&id=1#top");
        let request = Request::new(Method::GET, url.parse().unwrap());
        let _ = recorder.client().execute(request).await;
        let span = recorder.client_spans().pop().unwrap();
        assert_eq!(
            attributes(&span.attributes)["url.full"],
            format!("http://REDACTED:REDACTED@127.0.0.1:{port}/success?token=REDACTED&id=1#top")
        );
    }
    assert_eq!(recorder.client_spans().len(), 2);
    assert!(!recorder.everything().contains("SECRET"));
}
