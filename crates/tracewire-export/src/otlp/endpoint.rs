//! Endpoints: whether they can be used, and the credentials in them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::HeaderValue;
use url::Url;

use crate::diagnostics::shown::{Shown, has_real_host};
use crate::error::ExportError;

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
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| decode(text).unwrap_or_else(|| text.to_owned());
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

/// `text` with each `%XX` replaced; `None` if one is incomplete or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}
