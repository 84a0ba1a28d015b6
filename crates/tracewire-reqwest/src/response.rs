//! Describes: the facts of a response's head.

use reqwest::Response;
use tracewire_http::ClientResponse;

pub(crate) fn describe(response: &Response) -> ClientResponse<'_> {
    let (status, version) = (response.status(), response.version());
    let mut facts = ClientResponse::new(status, version, response.headers());
    facts.peer = response.remote_addr();
    facts
}
