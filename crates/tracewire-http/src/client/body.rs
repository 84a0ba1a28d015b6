//! The body of a response, carrying the call to its end where that is asked for.

use super::ClientCall;
use crate::{
    exchange::{ExchangeBody, Scope},
    outcome::ErrorType,
};
use http_body::Body;

/// The body of a response to a [`ClientCall`].
pub type ClientBody<B> = ExchangeBody<B, ClientCall>;

impl<B: Body> ClientBody<B> {
    /// Carries `call`, whose [response](ClientCall::set_response) was noted, to the end of `inner`.
    ///
    /// `classify` names the body's errors.
    pub fn of_call(inner: B, call: ClientCall, classify: fn(&B::Error) -> ErrorType) -> Self {
        if call.is_bodyless() {
            return Self::unread(inner, Some(call), classify);
        }
        let length = inner.size_hint().exact().or(call.declared_length());
        Self::new(inner, Some(call), length, classify)
    }

    /// Passes `inner` on; its call, if there was one, is over.
    pub fn untraced(inner: B) -> Self {
        Self::new(inner, Scope::Bare, None, |_| ErrorType::Body)
    }
}
