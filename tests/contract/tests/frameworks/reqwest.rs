//! reqwest with the middleware: one span for all redirects, or one for each hop.

use bytes::Bytes;
use contract::client::{
    Answer, ClientUnderTest, LIMIT, Redirects, Setup, UNROUTABLE,
    server::{Server, Transport},
};
use http::Request;
use http_body_util::BodyExt;
use reqwest::{
    Certificate,
    dns::{Name, Resolve, Resolving},
    redirect::Policy,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::sync::Arc;
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;

mod plain {
    mod http1 {
        contract::client_tests! {
            super::super::Plain, Http1 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
    mod http2 {
        contract::client_tests! {
            super::super::Plain, Http2 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
    mod tls {
        contract::client_tests! {
            super::super::Plain, Tls { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
}

mod hop_by_hop {
    mod http1 {
        contract::client_tests! {
            super::super::HopByHop, Http1 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
    mod http2 {
        contract::client_tests! {
            super::super::HopByHop, Http2 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
    mod tls {
        contract::client_tests! {
            super::super::HopByHop, Tls { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
        }
    }
}

/// reqwest follows redirects.
#[derive(Clone)]
struct Plain(ClientWithMiddleware);

impl ClientUnderTest for Plain {
    const REDIRECTS: Redirects = Redirects::OneSpan;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let middleware = middleware(capture, setup);
        Self(traced(builder(server, setup), middleware, setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        call(&self.0, request).await
    }
}

/// The middleware follows redirects.
#[derive(Clone)]
struct HopByHop(ClientWithMiddleware);

impl ClientUnderTest for HopByHop {
    const REDIRECTS: Redirects = Redirects::Numbered;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let middleware = middleware(capture, setup).redirects(Default::default());
        Self(traced(builder(server, setup).redirect(Policy::none()), middleware, setup))
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

/// Never ends its search for [`UNROUTABLE`].
struct NoWay;

impl Resolve for NoWay {
    fn resolve(&self, name: Name) -> Resolving {
        assert_eq!(name.as_str(), UNROUTABLE);
        Box::pin(std::future::pending())
    }
}

fn middleware(capture: &Capture, setup: Setup) -> ClientMiddleware {
    contract::configured_client!(ClientMiddleware::new(), capture, setup)
}

fn traced(
    mut builder: reqwest::ClientBuilder,
    mut middleware: ClientMiddleware,
    setup: Setup,
) -> ClientWithMiddleware {
    if setup.connections {
        builder = middleware.trace_setups(builder);
    }
    let client = builder.build().unwrap();
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
