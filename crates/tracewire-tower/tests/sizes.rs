//! Futures are moved on their way through a stack of services: what a layer adds stays small.

use http::Response;
use std::{future::Ready, mem::size_of};
use tracewire_http::wiring::{ClientCall, ServerCall};
use tracewire_tower::{
    client,
    server::{ResponseBody, ResponseFuture},
};

type Answer = Ready<Result<Response<String>, std::io::Error>>;

#[test]
fn a_server_adds_little_to_futures_and_bodies() {
    let future = size_of::<ResponseFuture<Answer>>() - size_of::<Answer>();
    let body = size_of::<ResponseBody<String>>() - size_of::<String>();
    println!("future +{future}, body +{body}, call {}", size_of::<ServerCall>());
    assert!(future <= 72, "{future}");
    assert!(body <= 160, "{body}");
    assert!(size_of::<ServerCall>() <= 64);
}

#[test]
fn a_client_adds_little_to_futures_and_bodies() {
    let future = size_of::<client::ResponseFuture<Answer>>() - size_of::<Answer>();
    let body = size_of::<client::ResponseBody<String>>() - size_of::<String>();
    println!("future +{future}, body +{body}, call {}", size_of::<ClientCall>());
    assert!(future <= 112, "{future}");
    assert!(body <= 184, "{body}");
    assert!(size_of::<ClientCall>() <= 112, "{}", size_of::<ClientCall>());
}
