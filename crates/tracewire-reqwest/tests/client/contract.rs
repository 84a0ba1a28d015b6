//! The contract of every client, kept by reqwest with the middleware.

use crate::{
    clients::Clients,
    support::{
        contract::{Answer, Caller, LIMIT, Redirects, Setup, UNROUTABLE, contract},
        server::{Server, Transport},
    },
};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use reqwest::{
    Certificate,
    dns::{Name, Resolve, Resolving},
    redirect::Policy,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::sync::Arc;
use tracewire_reqwest::{ClientMiddleware, HeaderSelector};
use tracewire_testing::Capture;

contract! {
    http1: super::Plain, Http1;
    http2: super::Plain, Http2;
    tls: super::Plain, Tls;
    http1_hop_by_hop: super::HopByHop, Http1;
    http2_hop_by_hop: super::HopByHop, Http2;
    tls_hop_by_hop: super::HopByHop, Tls;
}

/// reqwest follows redirects.
#[derive(Clone)]
struct Plain(ClientWithMiddleware);

impl Caller for Plain {
    const REDIRECTS: Redirects = Redirects::OneSpan;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let client = builder(server, setup).build().unwrap();
        Self(wrap(client, &middleware(capture, setup), setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        call(&self.0, request).await
    }
}

/// The middleware follows redirects.
#[derive(Clone)]
struct HopByHop(ClientWithMiddleware);

impl Caller for HopByHop {
    const REDIRECTS: Redirects = Redirects::Numbered;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let client = builder(server, setup).redirect(Policy::none()).build().unwrap();
        let middleware = middleware(capture, setup).redirects(Default::default());
        Self(wrap(client, &middleware, setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        call(&self.0, request).await
    }
}

fn builder(server: &Server, setup: Setup) -> reqwest::ClientBuilder {
    let mut builder = reqwest::Client::builder().no_proxy();
    if server.transport() == Transport::Http2 {
        builder = builder.http2_prior_knowledge();
    }
    if let Some(certificate) = server.certificate() {
        builder = builder.tls_certs_only([Certificate::from_der(certificate).unwrap()]);
    }
    if setup.limited {
        builder = builder.timeout(LIMIT).dns_resolver(Arc::new(NoWay));
    }
    builder
}

/// Finds no host, and no end of searching.
struct NoWay;

impl Resolve for NoWay {
    fn resolve(&self, name: Name) -> Resolving {
        assert_eq!(name.as_str(), UNROUTABLE);
        Box::pin(std::future::pending())
    }
}

fn middleware(capture: &Capture, setup: Setup) -> ClientMiddleware {
    let mut middleware = capture
        .middleware()
        .end_at_body(setup.end_at_body)
        .active_requests(setup.active_requests)
        .body_sizes(setup.body_sizes);
    if setup.capture {
        middleware = middleware
            .capture_request_headers(HeaderSelector::new(["x-test-request"]))
            .capture_response_headers(HeaderSelector::new(["x-test-response"]));
    }
    middleware
}

fn wrap(
    client: reqwest::Client,
    middleware: &ClientMiddleware,
    setup: Setup,
) -> ClientWithMiddleware {
    let mut builder = ClientBuilder::new(client).with(middleware.clone());
    if setup.nested {
        builder = builder.with(middleware.clone());
    }
    builder.build()
}

async fn call(client: &ClientWithMiddleware, request: Request<Bytes>) -> Answer {
    let response = client.execute(request.try_into()?).await?;
    let response: http::Response<reqwest::Body> = response.into();
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}
