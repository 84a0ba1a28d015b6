//! What connections below gRPC have in common.

use tokio::io::{AsyncRead, AsyncWrite};
use tracewire_text::host::without_brackets;
use url::Url;

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// A stream of bytes, plain or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// The host of `url` as a name or an address.
pub(super) fn host(url: &Url) -> &str {
    without_brackets(url.host_str().unwrap_or_default())
}
