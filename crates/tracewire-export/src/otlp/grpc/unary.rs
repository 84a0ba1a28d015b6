//! One unary call: a message that is encoded already, and the answer's message and status.
//!
//! tonic's own client would copy each message once more, for every attempt, and keep the copy until
//! the collector answers. It would also panic at details of a status that are not base64.

use base64::{
    Engine as _,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    io::Read,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Code, Status};

/// How much of an answer is read: it holds counts and a message, and the collector is untrusted.
const MOST_ANSWER: usize = 64 * 1024;
const STATUS: &str = "grpc-status";
const DETAILS: &str = "grpc-status-details-bin";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message on its way: its prefix, and the bytes that all attempts share.
pub(super) struct Message {
    prefix: Option<Bytes>,
    message: Option<Bytes>,
}

impl Message {
    pub(super) fn new(message: Bytes, is_compressed: bool) -> Self {
        let mut prefix = BytesMut::with_capacity(5);
        prefix.put_u8(is_compressed.into());
        prefix.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        let message = Some(message).filter(|message| !message.is_empty());
        Self { prefix: Some(prefix.freeze()), message }
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.prefix.take().or_else(|| self.message.take());
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_none() && self.message.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let parts = [&self.prefix, &self.message];
        SizeHint::with_exact(parts.into_iter().flatten().map(|bytes| bytes.len() as u64).sum())
    }
}

/// Reads the whole answer, of which a bounded part is kept, and gives its message.
pub(super) async fn read<B>(response: http::Response<B>) -> Result<Vec<u8>, Status>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, mut body) = response.into_parts();
    if let Some(status) = status(&head.headers) {
        // An answer without a message has its status in the head.
        return outcome(status, Vec::new());
    }
    let mut read = BytesMut::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        match frame.map_err(|error| Status::from_error(error.into()))?.into_data() {
            Ok(data) => {
                let most = MOST_ANSWER.saturating_sub(read.len());
                read.extend_from_slice(&data[..data.len().min(most)]);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let status = trailers.as_ref().and_then(status).unwrap_or_else(|| of_http(head.status));
    outcome(status, message(read.freeze()))
}

fn outcome(status: Status, message: Vec<u8>) -> Result<Vec<u8>, Status> {
    if status.code() == Code::Ok { Ok(message) } else { Err(status) }
}

/// The status among headers or trailers.
fn status(headers: &HeaderMap) -> Option<Status> {
    let code = Code::from_bytes(headers.get(STATUS)?.as_bytes());
    // The message is not shown: it may hold what was sent.
    let details = headers.get(DETAILS).and_then(|details| BASE64.decode(details).ok());
    Some(Status::with_details(code, "", details.unwrap_or_default().into()))
}

/// The status of an answer that is not gRPC's, as its [mapping] has it.
///
/// [mapping]: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
fn of_http(status: StatusCode) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("HTTP {}", status.as_u16()))
}

/// The first message of an answer; what cannot be read is empty, for the data has arrived.
fn message(mut answer: Bytes) -> Vec<u8> {
    if answer.len() < 5 {
        return Vec::new();
    }
    let is_compressed = answer.get_u8() != 0;
    let length = usize::try_from(answer.get_u32()).unwrap_or(usize::MAX);
    let message = &answer[..length.min(answer.len())];
    if !is_compressed {
        return message.to_vec();
    }
    let mut decoded = Vec::new();
    let most = u64::try_from(MOST_ANSWER).unwrap_or(u64::MAX);
    let _ = GzDecoder::new(message).take(most).read_to_end(&mut decoded);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use http_body_util::Full;
    use std::{future::ready, io::Write};
    use tonic_types::{ErrorDetails, StatusExt};

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], message].concat()
    }

    /// Reads an answer whose trailers have these headers.
    fn answer(data: Vec<u8>, trailers: HeaderMap) -> Result<Vec<u8>, Status> {
        let body = Full::new(Bytes::from(data)).with_trailers(ready(Some(Ok(trailers))));
        futures(read(http::Response::new(body)))
    }

    fn futures<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn ok() -> HeaderMap {
        HeaderMap::from_iter([(STATUS.parse().unwrap(), "0".parse().unwrap())])
    }

    #[test]
    fn a_message_has_its_prefix_and_is_not_copied() {
        let bytes = Bytes::from_static(b"message");
        let message = Message::new(bytes.clone(), true);
        assert_eq!(message.size_hint().exact(), Some(12));
        let sent = futures(async {
            let mut message = message;
            let prefix = message.frame().await.unwrap().unwrap().into_data().unwrap();
            let rest = message.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(message.is_end_stream() && message.frame().await.is_none());
            (prefix, rest)
        });
        assert_eq!(&*sent.0, [1, 0, 0, 0, 7]);
        assert_eq!(sent.1.as_ptr(), bytes.as_ptr());
        let empty = Message::new(Bytes::new(), false);
        assert_eq!(empty.size_hint().exact(), Some(5));
    }

    #[test]
    fn an_answer_has_its_message_plain_or_compressed() {
        assert_eq!(answer(framed(0, b"hello"), ok()).unwrap(), b"hello");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"hello").unwrap();
        assert_eq!(answer(framed(1, &encoder.finish().unwrap()), ok()).unwrap(), b"hello");
    }

    #[test]
    fn what_is_no_message_is_an_empty_one() {
        for data in [vec![], vec![0], vec![0, 255, 255, 255, 255], framed(1, b"no gzip")] {
            assert_eq!(answer(data.clone(), ok()).unwrap(), b"", "{data:?}");
        }
    }

    #[test]
    fn an_answer_without_end_costs_a_bounded_amount() {
        let long = answer(framed(0, &vec![7; 1_000_000]), ok()).unwrap();
        assert_eq!(long.len(), MOST_ANSWER - 5);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 10_000_000]).unwrap();
        let bomb = answer(framed(1, &encoder.finish().unwrap()), ok()).unwrap();
        assert_eq!(bomb.len(), MOST_ANSWER);
    }

    #[test]
    fn a_status_is_read_from_head_or_trailers_and_bad_details_are_none() {
        let details = ErrorDetails::with_retry_info(Some(std::time::Duration::ZERO));
        let sent = Status::with_error_details(Code::Unavailable, "secret", details);
        let mut headers = HeaderMap::new();
        sent.add_header(&mut headers).unwrap();
        let mut head = http::Response::new(Full::new(Bytes::new()));
        *head.headers_mut() = headers.clone();
        for status in
            [answer(vec![], headers.clone()).unwrap_err(), futures(read(head)).unwrap_err()]
        {
            assert_eq!((status.code(), status.message()), (Code::Unavailable, ""));
            assert!(status.get_details_retry_info().is_some());
        }
        headers.insert(DETAILS, "no base64!".parse().unwrap());
        let status = answer(vec![], headers).unwrap_err();
        assert_eq!((status.code(), status.details()), (Code::Unavailable, &[][..]));
    }

    #[test]
    fn an_answer_of_something_else_has_the_status_of_its_kind() {
        for (http, code) in [
            (200, Code::Unknown),
            (401, Code::Unauthenticated),
            (404, Code::Unimplemented),
            (503, Code::Unavailable),
        ] {
            let mut response = http::Response::new(Full::new(Bytes::from_static(b"<html>")));
            *response.status_mut() = StatusCode::from_u16(http).unwrap();
            assert_eq!(futures(read(response)).unwrap_err().code(), code, "{http}");
        }
    }
}
