//! The contract of every client, kept by hyper-util with the layer.

use crate::{
    clients::{http_client, layer},
    support::{
        contract::{Answer, BoxError, Caller, Redirects, Setup, contract},
        server::Server,
    },
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};
use tower_http::follow_redirect::{FollowRedirectLayer, policy::Limited};
use tracewire_testing::Capture;
use tracewire_tower::client::HeaderSelector;

contract! {
    http1: super::Hyper, Http1;
    http2: super::Hyper, Http2;
    tls: super::Hyper, Tls;
}

type Boxed =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

/// The layer inside tower-http's, which follows redirects.
#[derive(Clone)]
struct Hyper(Boxed);

impl Caller for Hyper {
    const REDIRECTS: Redirects = Redirects::Hops;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let mut ours = layer(capture)
            .end_at_body(setup.end_at_body)
            .active_requests(setup.active_requests)
            .body_sizes(setup.body_sizes);
        if setup.capture {
            ours = ours
                .capture_request_headers(HeaderSelector::new(["x-test-request"]))
                .capture_response_headers(HeaderSelector::new(["x-test-response"]));
        }
        let client = ours.layer(http_client(server, setup));
        let client: Boxed = if setup.nested {
            let client = ours.layer(client);
            BoxCloneSyncService::new(client.map_response(|response| response.map(boxed)))
        } else {
            BoxCloneSyncService::new(client.map_response(|response| response.map(boxed)))
        };
        let follow = FollowRedirectLayer::with_policy(Limited::new(10));
        Self(BoxCloneSyncService::new(follow.layer(client)))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        self.0.clone().oneshot(request.map(Full::from)).await
    }
}

fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}
