//! The media type of a message.

use super::first;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

/// How much of a content type is read, in bytes.
const MEDIA_TYPE: usize = 256;

/// The media type in `headers`, as it was written but without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&[u8]> {
    first(headers, &CONTENT_TYPE).map(media_type_in)
}

/// The same for the value of `Content-Type`.
pub(crate) fn media_type_in(content_type: &HeaderValue) -> &[u8] {
    let value = content_type.as_bytes();
    let value = &value[..value.len().min(MEDIA_TYPE)];
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    value[..end].trim_ascii()
}

/// What follows `application/grpc` in a media type that begins with it, whatever its case.
pub(crate) fn after_grpc(media_type: &[u8]) -> Option<&[u8]> {
    const GRPC: &[u8] = b"application/grpc";
    let (start, rest) = media_type.split_at_checked(GRPC.len())?;
    start.eq_ignore_ascii_case(GRPC).then_some(rest)
}
