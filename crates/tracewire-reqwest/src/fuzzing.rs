//! What `fuzz/` drives: what a redirect asks for.

use crate::{
    hop::{Hop, Kept, Step},
    redirects::Redirects,
};
use reqwest::{Request, Response};

/// Returns the request that `response` to `request` redirects to, if it is followed, and whether that is of
/// another origin.
#[must_use]
pub fn next(
    request: &Request,
    response: &Response,
    redirects: Redirects,
) -> Option<(Request, bool)> {
    match Kept::of(request).step(response, redirects) {
        Step::Follow(hop) => {
            let Hop { request, cross_origin } = *hop;
            Some((request, cross_origin))
        }
        Step::GiveBack | Step::Fail(_) => None,
    }
}
