//! Endpoints: whether they can be used, and the credentials in them.

use crate::{
    diagnostics::shown::{Shown, has_real_host},
    error::ExportError,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::header::HeaderValue;
use std::borrow::Cow;
use tracewire_text::percent;
use url::Url;

/// The URL of an endpoint that can be used.
///
/// # Errors
///
/// If it is no URL of `http` or `https` with a host, or `https` is not compiled in.
pub fn usable(text: &str) -> Result<Url, ExportError> {
    const SETTING: &str = "endpoint";
    const ALLOWED: &str = "it must be a URL such as http://localhost:4318";
    let unusable = || ExportError::shown(SETTING, &Shown::endpoint(text), ALLOWED);
    let url = Url::parse(text).map_err(|_| unusable())?;
    if !matches!(url.scheme(), "http" | "https") || !has_real_host(&url) {
        return Err(unusable());
    }
    if url.scheme() == "https" && !cfg!(feature = "__rustls") {
        return Err(ExportError::not_compiled_in(
            SETTING,
            &Shown::url(&url),
            "https needs the cargo feature `tls` or `tls-ring`; without it, http works",
        ));
    }
    Ok(url)
}

/// The user and password of a URL as a header, without which the URL is left.
pub(crate) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    fn decoded(text: &str) -> Cow<'_, str> {
        percent::decode(text).unwrap_or(text.into())
    }
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let pair =
        format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let mut header = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .expect("base64 is text");
    header.set_sensitive(true);
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(header)
}
