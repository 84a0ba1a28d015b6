//! Describes and ends: the facts of a response's head, and a body that carries the call on.

use crate::error;
use http::{
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
    response::Builder,
};
use reqwest::{Body, Response, ResponseBuilderExt};
use tracewire_http::{
    ClientResponse,
    wiring::{ClientBody, ClientCall},
};

/// The facts of `response`, as far as `call` asks for them.
pub(crate) fn describe<'a>(response: &'a Response, call: &ClientCall) -> ClientResponse<'a> {
    let (status, version) = (response.status(), response.version());
    let mut facts = ClientResponse::new(status, version, response.headers());
    facts.peer = response.remote_addr();
    facts.body_size = response.content_length();
    if call.looks_at_size() {
        // Where reqwest decodes a body it removes both headers. Without them nothing tells a
        // decoded body from one of unknown length.
        let untouched = |name| response.headers().contains_key(name);
        facts.may_be_decoded = !untouched(CONTENT_LENGTH) && !untouched(CONTENT_ENCODING);
    }
    facts
}

/// `response` with a body that ends `call`. Everything else stays as it is.
pub(crate) fn carry(response: Response, call: ClientCall) -> Response {
    let url = response.url().clone();
    let (mut head, body) = http::Response::<Body>::from(response).into_parts();
    // reqwest keeps the URL beside the response; on the way back it looks for it in an extension
    // that only this builder can make.
    if let Some(extensions) = Builder::new().url(url).extensions_mut() {
        head.extensions.extend(std::mem::take(extensions));
    }
    let body = Body::wrap(ClientBody::of_call(body, call, error::of_body));
    http::Response::from_parts(head, body).into()
}
