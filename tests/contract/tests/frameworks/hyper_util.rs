//! hyper-util's client under the layer, inside tower-http's redirects.

use crate::layers::client_layer;
use bytes::Bytes;
use contract::client::{
    Answer, BoxError, ClientUnderTest, Redirects, Setup, http_client, limited, resolve,
    server::{Server, Transport},
    trusting,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::{Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_http::follow_redirect::{FollowRedirectLayer, policy::Limited};
use tracewire_testing::Capture;
use tracewire_tower::{
    ClientLayer,
    client::connections::{ConnectionBody, Connections},
};

mod http1 {
    contract::client_tests! {
        super::HyperUtil, Http1 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
    }
}

mod http2 {
    contract::client_tests! {
        super::HyperUtil, Http2 { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
    }
}

mod tls {
    contract::client_tests! {
        super::HyperUtil, Tls { redirects: yes, timeouts: yes, end_at_body: yes, connections: yes }
    }
}

#[derive(Clone)]
struct HyperUtil(Boxed);

impl ClientUnderTest for HyperUtil {
    const REDIRECTS: Redirects = Redirects::Hops;

    fn new(capture: &Capture, server: &Server, setup: Setup) -> Self {
        let mut layer = client_layer(capture, setup);
        if setup.connections {
            let client = with_traced_connections(&mut layer, server, setup);
            return Self(traced(client, layer, setup));
        }
        Self(traced(http_client(server, setup), layer, setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        self.0.clone().oneshot(request.map(Full::from)).await
    }
}

/// The client of [`http_client`] whose connections are traced.
fn with_traced_connections(
    layer: &mut ClientLayer,
    server: &Server,
    setup: Setup,
) -> BoxCloneSyncService<Request<Full<Bytes>>, Response<ConnectionBody<Incoming>>, BoxError> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(server.transport() == Transport::Http2);
    let tcp = |connections: &Connections| {
        let resolver = connections.resolver(service_fn(resolve));
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        connections.connect(tcp)
    };
    match trusting(server) {
        None => limited(layer.trace_connections(&builder, tcp).map_err(Into::into), setup),
        Some(mut config) => {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            let connector =
                |connections: &Connections| HttpsConnector::from((tcp(connections), config));
            limited(layer.trace_connections(&builder, connector).map_err(Into::into), setup)
        }
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
