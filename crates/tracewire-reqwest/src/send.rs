//! Sends: one request as one call, from the request to its response's head.

use crate::{error, request, response};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Next, Result};
use std::sync::Arc;
use tracewire_http::{
    ErrorType, Outcome,
    wiring::{ClientCall, ClientSettings, Scope, Scoped},
};

/// A call whose response or error is there, and which has not ended yet.
pub(crate) struct Answered {
    /// `None` where the request is left alone.
    pub(crate) call: Option<ClientCall>,
    pub(crate) result: Result<Response>,
}

impl Answered {
    /// Ends the call, or has the body end it.
    pub(crate) fn end(self) -> Result<Response> {
        let Self { call, result } = self;
        let Some(mut call) = call else { return result };
        match result {
            Ok(response) if call.ends_at_body() => Ok(response::carry(response, call)),
            Ok(response) => {
                call.end(Outcome::Complete);
                Ok(response)
            }
            Err(error) => {
                if let Some(status) = error::status(&error) {
                    call.set_status(status);
                }
                call.end(Outcome::Failed(error::error_type(&error)));
                Err(error)
            }
        }
    }

    /// Ends the call with the head of its response.
    pub(crate) fn end_at_head(call: Option<ClientCall>, error: Option<ErrorType>) {
        if let Some(call) = call {
            call.end(error.map_or(Outcome::Complete, Outcome::Failed));
        }
    }
}

/// Sends one request, as one call.
pub(crate) async fn send(
    settings: &Arc<ClientSettings>,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Answered {
    let mut scope = Scope::from(request::start(settings, &mut request, extensions));
    let sending = scope.run(|| next.run(request, extensions));
    let (result, scope) = Scoped::new(sending, scope).await;
    let mut call = scope.into_traced();
    if let (Some(call), Ok(response)) = (&mut call, &result) {
        call.set_response(&response::describe(response));
    }
    Answered { call, result }
}
