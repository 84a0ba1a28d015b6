//! tonic's channel under the layer with the conventions of gRPC, which leave calls that are none to
//! the conventions of HTTP.

use crate::{
    hyper_util::{Boxed, traced},
    layers::client_layer,
};
use bytes::Bytes;
use contract::client::{
    Answer, ClientUnderTest, Redirects, Setup, limited, resolve, server::Server,
};
use http::{Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::connect::HttpConnector;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{ServiceExt, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::client::RpcMethods;

mod http2 {
    contract::client_tests! {
        super::Tonic, Http2 { redirects: yes, timeouts: yes, end_at_body: yes, connections: "a channel of tonic connects by itself" }
    }
}

#[derive(Clone)]
struct Tonic(Boxed);

impl ClientUnderTest for Tonic {
    const REDIRECTS: Redirects = Redirects::Hops;

    /// A channel does not say where it is connected to.
    const KNOWS_PEER: bool = false;

    fn new(capture: &Capture, _server: &Server, setup: Setup) -> Self {
        let channels = Channels::default();
        let client = service_fn(move |request: Request<Full<Bytes>>| {
            let channel = channels.to(request.uri());
            async move { Ok(channel.oneshot(request.map(Body::new)).await?) }
        });
        let layer = client_layer(capture, setup).grpc(RpcMethods::any());
        Self(traced(limited(client, setup), layer, setup))
    }

    async fn call(&self, request: Request<Bytes>) -> Answer {
        self.0.clone().oneshot(request.map(Full::from)).await
    }
}

/// A channel for each server: a channel sends every request to the one it was made for.
#[derive(Clone, Default)]
struct Channels(Arc<Mutex<HashMap<String, Channel>>>);

impl Channels {
    fn to(&self, uri: &Uri) -> Channel {
        let server = uri.authority().expect("every request has one").to_string();
        let mut channels = self.0.lock().unwrap();
        let connect = |server: &String| {
            let mut connector = HttpConnector::new_with_resolver(service_fn(resolve));
            connector.enforce_http(false);
            Endpoint::from_shared(format!("http://{server}"))
                .unwrap()
                .connect_with_connector_lazy(connector)
        };
        let new = || connect(&server);
        channels.entry(server.clone()).or_insert_with(new).clone()
    }
}
