//! Ends: carries the exchange to the end of the response.

use http::{Method, response::Parts};
use http_body::Body;
use tracewire_http::{ErrorType, Exchange, ExchangeBody, Scope, declared_length, is_bodyless};

/// Response body of [`ServerService`](super::ServerService).
///
/// Passes every frame untouched and ends the exchange once, by the rule of the
/// [module docs](crate::server#when-it-ends).
pub type ResponseBody<B> = ExchangeBody<B, Exchange>;

/// Carries the exchange to the end of `inner`.
pub(super) fn carry<B: Body>(
    inner: B,
    scope: Scope<Exchange>,
    method: &Method,
    head: &Parts,
) -> ResponseBody<B> {
    let classify = |_: &B::Error| ErrorType::Body;
    if is_bodyless(method, head.status) {
        return ResponseBody::unread(inner, scope, classify);
    }
    ResponseBody::new(inner, scope, declared_length(&head.headers), classify)
}
