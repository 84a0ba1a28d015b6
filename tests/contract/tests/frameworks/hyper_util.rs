//! hyper-util's client under the layer, inside tower-http's redirects.

use crate::layers::client_layer;
use bytes::Bytes;
use contract::client::{
    Answer, BoxError, ClientUnderTest, Redirects, Setup, http_client, server::Server,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};
use tower_http::follow_redirect::{FollowRedirectLayer, policy::Limited};
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

mod http1 {
    contract::client_tests! {
        super::HyperUtil, Http1 { redirects: yes, timeouts: yes, end_at_body: yes }
    }
}

mod http2 {
    contract::client_tests! {
        super::HyperUtil, Http2 { redirects: yes, timeouts: yes, end_at_body: yes }
    }
}

mod tls {
    contract::client_tests! {
        super::HyperUtil, Tls { redirects: yes, timeouts: yes, end_at_body: yes }
    }
}

#[derive(Clone)]
struct HyperUtil(Boxed);

impl ClientUnderTest for HyperUtil {
    const REDIRECTS: Redirects = Redirects::Hops;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        Self(traced(http_client(server, setup), client_layer(capture, setup), setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        self.0.clone().oneshot(request.map(Full::from)).await
    }
}

/// Any client, with boxed bodies.
pub(crate) type Boxed =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

/// `client` inside the layer, twice if asked for, and both inside what follows redirects.
pub(crate) fn traced<S, B>(client: S, layer: ClientLayer, setup: Setup) -> Boxed
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = BoxError>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let client = layer.layer(client);
    let client: Boxed = if setup.nested {
        let client = layer.layer(client);
        BoxCloneSyncService::new(client.map_response(|response| response.map(boxed)))
    } else {
        BoxCloneSyncService::new(client.map_response(|response| response.map(boxed)))
    };
    BoxCloneSyncService::new(FollowRedirectLayer::with_policy(Limited::new(10)).layer(client))
}

fn boxed<B>(body: B) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}
