//! Reads the body of a request within limits.

use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderName};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, grpc};
use super::encoding::Encoding;

/// The largest body, as it is sent.
pub(super) const MOST_SENT: usize = 4 * 1024 * 1024;
/// The largest message, unpacked.
pub(super) const MOST_UNPACKED: usize = 16 * 1024 * 1024;
/// How much of a body that is too large is read, for its answer to arrive.
const MOST_DRAINED: usize = 16 * 1024 * 1024;
/// gRPC's frame around a message: a flag and a length.
const FRAME: usize = 5;
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Reads the message of a request.
pub(super) async fn read<B>(
    encoding: Encoding,
    headers: &HeaderMap,
    body: B,
) -> Result<Bytes, Answer>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let until = Instant::now() + PATIENCE;
    let mut body = std::pin::pin!(body);
    if announced.is_some_and(|length: u64| length > MOST_SENT as u64) {
        // Who expects to be told whether to send has sent nothing yet.
        if !headers.contains_key(EXPECT) {
            drain(body, until).await;
        }
        return Err(too_large(MOST_SENT));
    }
    let sent = timeout_at(until, Limited::new(body.as_mut(), MOST_SENT).collect()).await;
    let sent = sent.map_err(|_| {
        let message = format!("the body took longer than {} s", PATIENCE.as_secs());
        Answer::new(StatusCode::REQUEST_TIMEOUT, grpc::DEADLINE_EXCEEDED, message)
    })?;
    let sent = match sent {
        Ok(sent) => sent.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            drain(body, until).await;
            return Err(too_large(MOST_SENT));
        }
        Err(_) => return Err(malformed("the body ended early")),
    };
    match encoding {
        Encoding::Grpc => unframe(headers, sent),
        Encoding::Protobuf | Encoding::Json => unpack(named(headers, &CONTENT_ENCODING), sent),
    }
}

/// Reads on and keeps nothing. A client whose connection is closed while it still sends sees a broken pipe,
/// and sends the same again, instead of reading why.
async fn drain<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, until: Instant) {
    let mut left = MOST_DRAINED;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout_at(until, read).await;
}

/// Takes the one message of a unary call out of its frame.
fn unframe(headers: &HeaderMap, mut body: Bytes) -> Result<Bytes, Answer> {
    if body.len() < FRAME {
        return Err(malformed("no gRPC message"));
    }
    let (flag, length) = (body.get_u8(), body.get_u32());
    if body.len() as u64 != u64::from(length) {
        return Err(malformed("expected one gRPC message of the declared length"));
    }
    match flag {
        0 => Ok(body),
        1 => match named(headers, &GRPC_ENCODING) {
            None | Some("identity") => Err(malformed("a compressed message without grpc-encoding")),
            encoding => unpack(encoding, body),
        },
        _ => Err(malformed("unknown flags of a gRPC message")),
    }
}

fn named<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().unwrap_or("?"))
}

fn unpack(encoding: Option<&str>, body: Bytes) -> Result<Bytes, Answer> {
    match encoding {
        None | Some("" | "identity") => Ok(body),
        Some("gzip") => {
            let mut plain = Vec::new();
            let mut decoder = MultiGzDecoder::new(&*body).take(MOST_UNPACKED as u64 + 1);
            decoder.read_to_end(&mut plain).map_err(|_| malformed("the body is not gzip"))?;
            if plain.len() > MOST_UNPACKED {
                return Err(too_large(MOST_UNPACKED));
            }
            Ok(plain.into())
        }
        Some(_) => Err(Answer::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            grpc::UNIMPLEMENTED,
            "only gzip compression is supported".to_owned(),
        )),
    }
}

fn too_large(limit: usize) -> Answer {
    let unpacked = if limit == MOST_UNPACKED { ", unpacked" } else { "" };
    let message = format!("larger than {} MiB{unpacked}; send smaller batches", limit >> 20);
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, grpc::RESOURCE_EXHAUSTED, message)
}

fn malformed(reason: &str) -> Answer {
    Answer::new(StatusCode::BAD_REQUEST, grpc::INVALID_ARGUMENT, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_body_is_a_message_or_a_refusal(
            body in proptest::collection::vec(any::<u8>(), 0..64),
            encoding in proptest::option::of("gzip|identity|br|"),
        ) {
            let mut headers = HeaderMap::new();
            if let Some(encoding) = &encoding {
                headers.insert(GRPC_ENCODING, encoding.parse().unwrap());
            }
            let body = Bytes::from(body);
            for read in [unframe(&headers, body.clone()), unpack(encoding.as_deref(), body)] {
                if let Err(refusal) = read {
                    prop_assert!(refusal.status.is_client_error());
                }
            }
        }
    }

    #[test]
    fn what_unpacks_to_more_than_its_limit_is_refused_before_it_is_unpacked() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&vec![0; MOST_UNPACKED + 1]).unwrap();
        let refusal = unpack(Some("gzip"), packed.finish().unwrap().into()).unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
