//! Follows redirects hop by hop, each a call of its own.

use crate::{
    hop::{Kept, Step},
    redirects::{RedirectError, Redirected, Redirects},
    send::{Answered, Sending},
};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next, Result};
use std::{sync::Arc, time::Instant};
use tracewire_http::{
    ErrorType, Resends,
    wiring::{ClientSettings, Traced},
};

/// Sends `request`, then whatever the redirects ask for.
pub(crate) async fn follow(
    settings: &Arc<ClientSettings>,
    redirects: Redirects,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    let deadline = request.timeout().and_then(|limit| Instant::now().checked_add(*limit));
    let mut chain = Chain::new(extensions);
    let mut hops = 0;
    loop {
        let kept = Kept::of(&request);
        let Answered { mut call, result } = {
            let mut sending = Sending::default();
            sending.fill(settings, request, chain.extensions, next.clone());
            // Awaited where it is: the future would have room for it twice.
            (&mut sending).await
        };
        let Ok(response) = result else { return Answered { call, result }.end() };
        let step = match kept.step(&response, redirects) {
            Step::Follow(_) if hops >= redirects.max => Step::Fail(RedirectError::TooMany),
            step => step,
        };
        let hop = match step {
            Step::GiveBack => return Answered { call, result: Ok(response) }.end(),
            Step::Fail(error) => {
                if let Some(call) = &mut call {
                    call.exchange_mut().set_error::<RedirectError>(Some(&error));
                }
                Answered::end_at_head(call, Some(ErrorType::Redirect));
                return Err(Error::middleware(error));
            }
            Step::Follow(hop) => hop,
        };
        Answered::end_at_head(call, None);
        request = hop.request;
        if hop.cross_origin {
            // What the caller or a middleware around this one wrote was meant for the first host.
            let (url, headers) = (request.url().clone(), request.headers_mut());
            settings.restrict(url.host_str().unwrap_or_default(), headers);
        }
        if let Some(deadline) = deadline {
            *request.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));
        }
        chain.extend(hop.cross_origin);
        Resends::redirect(chain.extensions, request.method(), request.url().as_str());
        hops += 1;
    }
}

/// The redirects of one request so far, kept in its extensions while it is under way.
struct Chain<'a> {
    extensions: &'a mut Extensions,
    /// What a middleware around this one followed.
    outer: Option<Redirected>,
}

impl<'a> Chain<'a> {
    fn new(extensions: &'a mut Extensions) -> Self {
        let outer = extensions.get().copied();
        Self { extensions, outer }
    }

    fn extend(&mut self, cross_origin: bool) {
        let before = self.extensions.get::<Redirected>().copied().unwrap_or_default();
        self.extensions.insert(before.and_then(cross_origin));
    }
}

impl Drop for Chain<'_> {
    fn drop(&mut self) {
        // A retry of the whole request starts where it was first asked for.
        match self.outer {
            Some(outer) => drop(self.extensions.insert(outer)),
            None => drop(self.extensions.remove::<Redirected>()),
        }
    }
}
