//! One POST to a collector: compressed, retried, and over before its time is up.
//!
//! Whatever client sends it stands behind `opentelemetry_http::HttpClient`: ours, or one that the
//! program gave, which may sign requests or speak over a Unix socket.

use super::{
    retry::{Fault, Retries, Retry},
    ureq_client::{self, MOST_RESPONSE, TimeLeft},
};
use crate::{
    diagnostics::{shown, unreachable},
    error::ExportError,
    pipeline::{
        block_on::block_until,
        deadline::{Deadline, after},
        failure::{ErrorType, Failure},
    },
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    Request, StatusCode, Uri,
    header::{self, HeaderMap, HeaderValue},
};
use opentelemetry_http::{HttpClient, HttpError};
use std::{
    error::Error,
    fmt,
    io::{self, Write},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tracewire_text::redact_message;
use url::Url;

/// Everything about the requests to one endpoint.
pub(crate) struct Target {
    pub(crate) client: Arc<dyn HttpClient>,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    /// For one batch, retries included; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
}

/// Posts bodies to one endpoint. Blocks the calling thread, which must not be a runtime's.
pub(crate) struct Poster {
    client: Arc<dyn HttpClient>,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
    retries: Retries,
}

impl Poster {
    pub(crate) fn new(target: Target, deadline: Arc<Deadline>) -> Result<Self, ExportError> {
        let shown = shown::url(&target.url);
        let uri = target.url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
            let what = format!("the exporter cannot use {shown} as an endpoint");
            ExportError::exporter(what).with_source(error)
        })?;
        Ok(Self {
            client: target.client,
            uri,
            headers: target.headers,
            gzip: target.gzip,
            retries: Retries::new(shown, target.timeout, deadline),
        })
    }

    /// The body as it is posted, without what it was before.
    pub(crate) fn compressed(&self, body: Vec<u8>) -> Vec<u8> {
        if self.gzip { gzip(&body) } else { body }
    }

    /// Posts a [compressed](Self::compressed) `body`, again if that may help, and gives the answer's
    /// body or why there is none.
    pub(crate) fn post(
        &self,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let body = Bytes::from(body);
        self.retries.run(|left| self.once(content_type, body.clone(), left))
    }

    fn once(
        &self,
        content_type: &'static str,
        body: Bytes,
        left: Duration,
    ) -> Result<Vec<u8>, Fault> {
        let answer = block_until(after(left), async {
            self.client.send_bytes(self.request(content_type, body, left)).await
        });
        let response = match answer {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(self.unanswered(&error)),
            None => {
                let what = format!("{}: the response timed out", self.retries.endpoint());
                return Err(Fault { kind: ErrorType::Timeout, what, retry: Retry::Soon });
            }
        };
        let status = response.status();
        if !status.is_success() {
            // The body is not shown: it may hold what was sent.
            return Err(Fault {
                kind: ErrorType::Http(status.as_u16()),
                what: format!("HTTP {} from {}", status.as_u16(), self.retries.endpoint()),
                retry: retry(status, response.headers()),
            });
        }
        let answer = response.body();
        Ok(answer[..answer.len().min(MOST_RESPONSE)].to_vec())
    }

    fn request(&self, content_type: &'static str, body: Bytes, left: Duration) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(ureq_client::USER_AGENT));
        if self.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        request.extensions_mut().insert(TimeLeft(left));
        request
    }

    fn unanswered(&self, error: &HttpError) -> Fault {
        let endpoint = self.retries.endpoint();
        if let Some(error) = error.downcast_ref::<ureq::Error>() {
            return ureq_client::fault(endpoint, error);
        }
        let mut cause: &(dyn Error + 'static) = &**error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let is_unreached = cause.downcast_ref::<io::Error>().is_some_and(unreachable::is_unreached);
        // What a client says may hold the whole URL.
        let text = redact_message(&cause.to_string(), false).into_owned();
        let what = if is_unreached {
            unreachable::reason(endpoint, &text)
        } else {
            format!("{endpoint}: {text}")
        };
        Fault { kind: ErrorType::of_cause(cause), what, retry: Retry::Soon }
    }
}

/// Without the headers and the URL: a provider's `Debug` shows its exporters.
impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").field("retries", &self.retries).finish_non_exhaustive()
    }
}

/// Whether a request that was answered so is sent again, and when.
pub(crate) fn retry(status: StatusCode, headers: &HeaderMap) -> Retry {
    if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return Retry::Never;
    }
    // A proxy may add its own: the longest pause is right for all that ask.
    let wanted =
        headers.get_all(header::RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    let pauses = wanted.filter_map(|text| retry_after(text, SystemTime::now()));
    pauses.max().map_or(Retry::Soon, Retry::After)
}

/// Seconds or a date, as RFC 9110 §10.2.3 has it. A date in the past is no pause.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is for ever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let finished = encoder.write_all(body).and_then(|()| encoder.finish());
    let mut compressed = finished.expect("a Vec takes every write");
    compressed.shrink_to_fit();
    compressed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{proxy::Proxy, tls::Tls, ureq_client::UreqClient};
    use std::io::Read;

    #[test]
    fn only_the_retryable_statuses_are_retried() {
        let retry = |status| retry(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
        for status in [429, 502, 503, 504] {
            assert_eq!(retry(status), Retry::Soon);
        }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            assert_eq!(retry(status), Retry::Never);
        }
    }

    #[test]
    fn of_several_pauses_the_longest_counts() {
        for (values, expected) in [
            (&["0", "9"][..], Retry::After(Duration::from_secs(9))),
            (&["9", "0"], Retry::After(Duration::from_secs(9))),
            (&["soon", "9"], Retry::After(Duration::from_secs(9))),
            (&["soon", "-1"], Retry::Soon),
            (&[], Retry::Soon),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::RETRY_AFTER, value.parse().unwrap());
            }
            assert_eq!(retry(StatusCode::SERVICE_UNAVAILABLE, &headers), expected, "{values:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("600", Some(600)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("soon", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_proxy_is_asked_for_a_tunnel() {
        use std::io::{BufRead, BufReader};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut first_lines = Vec::new();
            for _ in 0..2 {
                let head: Vec<_> = stream
                    .by_ref()
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|l| !l.is_empty())
                    .collect();
                first_lines.push(head[0].clone());
                if first_lines.len() == 2 {
                    stream.read_exact(&mut [0; 4]).unwrap();
                }
                stream
                    .get_mut()
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .unwrap();
            }
            first_lines
        });
        let url = Url::parse("http://collector.invalid:4318/v1/traces").unwrap();
        let proxy = Proxy::parse(&format!("http://{address}"));
        let target = Target {
            client: Arc::new(UreqClient::new(&url, &Tls::default(), proxy).unwrap()),
            url,
            headers: HeaderMap::new(),
            gzip: false,
            timeout: Some(Duration::from_secs(10)),
        };
        let client = Poster::new(target, Arc::default()).unwrap();
        assert_eq!(client.post("text/plain", b"body".to_vec()), Ok(Vec::new()));
        assert_eq!(
            server.join().unwrap(),
            ["CONNECT collector.invalid:4318 HTTP/1.1", "POST /v1/traces HTTP/1.1"]
        );
    }
}
