//! One POST to a collector: compressed, retried, and over before its time is up.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{self, HeaderMap};
use http::{StatusCode, Uri};
use tracewire_text::host;
use ureq::{Agent, Proxy, Timeout};
use url::Url;

use crate::attempts::{Attempts, Fault, Retry};
use crate::batching::EXPORTS;
use crate::error::InitError;
pub(crate) use crate::shown::url as shown;
use crate::stop::Stop;
use crate::unreachable;

/// How long to wait for a connection; a dead network must not cost a batch its whole time.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read: it holds counts and a message, and the collector is untrusted.
const MOST_RESPONSE: u64 = 64 * 1024;
/// What each connection keeps for what it reads and writes. The head of an answer must fit.
const INPUT_BUFFER: usize = 16 * 1024;
const OUTPUT_BUFFER: usize = 32 * 1024;
pub(crate) const USER_AGENT: &str = concat!(
    "tracewire/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);

/// Everything about the requests to one endpoint.
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    /// For one batch, retries included; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) proxy: Option<Proxy>,
    /// `None` if the connection needs no TLS.
    #[cfg(feature = "__rustls")]
    pub(crate) tls: Option<ureq::tls::TlsConfig>,
}

/// Sends bodies to one endpoint. Blocks the calling thread, which must not be a runtime's.
pub(crate) struct HttpClient {
    agent: Agent,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
    attempts: Attempts,
}

impl HttpClient {
    pub(crate) fn new(target: Target, stop: Arc<Stop>) -> Result<Self, InitError> {
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // A redirect would carry credentials to wherever the answer says.
            .max_redirects(0)
            .http_status_as_error(false)
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER)
            .max_idle_connections_per_host(EXPORTS)
            .proxy(target.proxy);
        #[cfg(feature = "__rustls")]
        let config = match target.tls {
            Some(tls) => config.tls_config(tls),
            None => config,
        };
        let shown = shown(&target.url);
        let uri = target.url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
            let what = format!("the exporter cannot use {shown} as an endpoint");
            InitError::exporter(what).with_source(error)
        })?;
        Ok(Self {
            agent: config.build().new_agent(),
            uri,
            headers: target.headers,
            gzip: target.gzip,
            attempts: Attempts::new(shown, target.timeout, stop),
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
    ) -> Result<Vec<u8>, String> {
        self.attempts.run(|left| self.once(content_type, &body, left))
    }

    fn once(
        &self,
        content_type: &'static str,
        body: &[u8],
        left: Duration,
    ) -> Result<Vec<u8>, Fault> {
        let mut request = self
            .agent
            .post(&self.uri)
            .config()
            .timeout_global(Some(left))
            .build()
            .header(header::CONTENT_TYPE, content_type);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        let response = request.send(body).map_err(|error| self.unanswered(error))?;
        let status = response.status();
        if !status.is_success() {
            // The body is not shown: it may hold what was sent.
            return Err(Fault {
                what: format!("HTTP {} from {}", status.as_u16(), self.attempts.endpoint()),
                retry: retry(status, response.headers()),
            });
        }
        let mut answer = Vec::new();
        // The data has arrived, whatever becomes of the rest of the answer.
        let _ = response.into_body().into_reader().take(MOST_RESPONSE).read_to_end(&mut answer);
        Ok(answer)
    }

    fn unanswered(&self, error: ureq::Error) -> Fault {
        let never = matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_));
        let retry = if never { Retry::Never } else { Retry::Soon };
        let (endpoint, cause) = (self.attempts.endpoint(), describe(&error));
        let what = if is_unreached(&error) {
            unreachable::reason(endpoint, &cause)
        } else {
            format!("{endpoint}: {cause}")
        };
        Fault { what, retry }
    }
}

/// Without the headers and the URL: a provider's `Debug` shows its exporters.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

fn retry(status: StatusCode, headers: &HeaderMap) -> Retry {
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

/// Whether there was nobody to send anything to.
fn is_unreached(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => unreachable::is_unreached(error),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Timeout(limit) => matches!(limit, Timeout::Connect | Timeout::Resolve),
        _ => false,
    }
}

/// Why there was no answer, without the URL, which may hold credentials.
fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(Timeout::Connect) => "no connection in time".to_owned(),
        ureq::Error::Timeout(Timeout::Resolve) => "no address in time".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::BadUri(_) => "the endpoint is unusable".to_owned(),
        error => error.to_string(),
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(host::is_loopback)
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
        let target = Target {
            url: Url::parse("http://collector.invalid:4318/v1/traces").unwrap(),
            headers: HeaderMap::new(),
            gzip: false,
            timeout: Some(Duration::from_secs(10)),
            proxy: Some(Proxy::new(&format!("http://{address}")).unwrap()),
            #[cfg(feature = "__rustls")]
            tls: None,
        };
        let client = HttpClient::new(target, Arc::default()).unwrap();
        assert_eq!(client.post("text/plain", b"body".to_vec()), Ok(Vec::new()));
        assert_eq!(
            server.join().unwrap(),
            ["CONNECT collector.invalid:4318 HTTP/1.1", "POST /v1/traces HTTP/1.1"]
        );
    }

    #[test]
    fn loopback_is_known_by_name_and_address() {
        for (url, expected) in [
            ("http://localhost:4318", true),
            ("http://127.0.0.1:4318", true),
            ("http://[::1]:4318", true),
            ("http://collector:4318", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
