//! One POST to a collector: compressed, retried, and over before its time is up.

use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{self, HeaderMap};
use http::{StatusCode, Uri};
use ureq::{Agent, Proxy, Timeout};
use url::Url;

use crate::error::InitError;
use crate::stop::{Stop, after};

/// How long to wait for a connection; a dead network must not cost a batch its whole time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read: it holds counts and a message, and the collector is untrusted.
const MOST_RESPONSE: u64 = 64 * 1024;
const FIRST_DELAY: Duration = Duration::from_millis(200);
const USER_AGENT: &str = concat!(
    "tracewire/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);

/// Everything about the requests to one endpoint.
#[derive(Debug)]
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
#[derive(Debug)]
pub(crate) struct HttpClient {
    agent: Agent,
    uri: Uri,
    shown: String,
    headers: HeaderMap,
    gzip: bool,
    timeout: Option<Duration>,
    stop: Arc<Stop>,
    // The last body could not be delivered.
    failing: AtomicBool,
}

impl HttpClient {
    pub(crate) fn new(target: Target, stop: Arc<Stop>) -> Result<Self, InitError> {
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // A redirect would carry credentials to wherever the answer says.
            .max_redirects(0)
            .http_status_as_error(false)
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
            shown,
            headers: target.headers,
            gzip: target.gzip,
            timeout: target.timeout,
            stop,
            failing: AtomicBool::new(false),
        })
    }

    /// Posts `body`, again if that may help, and gives the answer's body or why there is none.
    pub(crate) fn post(
        &self,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let body = if self.gzip { gzip(&body) } else { body };
        let result = self.attempts(content_type, &body);
        self.failing.store(result.is_err(), Ordering::Relaxed);
        result
    }

    fn attempts(&self, content_type: &'static str, body: &[u8]) -> Result<Vec<u8>, String> {
        let limit = after(self.timeout.unwrap_or(Duration::MAX));
        let mut attempt = 1;
        loop {
            let left = self.stop.at_most(limit).saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Err(format!("no time was left to send it to {}", self.shown));
            }
            let fault = match self.once(content_type, body, left) {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            // At the end, a collector that refused one batch is asked but once for each other.
            let most = match (self.stop.has_begun(), self.failing.load(Ordering::Relaxed)) {
                (false, _) => u32::MAX,
                (true, false) => 3,
                (true, true) => 1,
            };
            let next = fault.retry.after(attempt).map(after);
            match next {
                Some(next) if attempt < most && next < self.stop.at_most(limit) => {
                    self.stop.sleep_until(next);
                    attempt += 1;
                }
                _ => return Err(fault.describe(attempt)),
            }
        }
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
                what: format!("HTTP {} from {}", status.as_u16(), self.shown),
                retry: Retry::of(status, response.headers()),
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
        Fault { what: format!("{}: {}", self.shown, describe(&error)), retry }
    }
}

/// One attempt that failed.
struct Fault {
    what: String,
    retry: Retry,
}

impl Fault {
    fn describe(self, attempts: u32) -> String {
        if attempts == 1 { self.what } else { format!("{}, {attempts} attempts", self.what) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    Never,
    Soon,
    After(Duration),
}

impl Retry {
    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            return Self::Never;
        }
        let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        after.and_then(|text| retry_after(text, SystemTime::now())).map_or(Self::Soon, Self::After)
    }

    /// The pause after this attempt: doubling, with jitter, unless the collector named one.
    fn after(self, attempt: u32) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(pause) => Some(pause),
            Self::Soon => {
                let pause = FIRST_DELAY * 2_u32.pow((attempt - 1).min(6));
                // Between 80 and 120 percent; a hasher's random keys are randomness enough.
                let jitter = 80 + RandomState::new().hash_one(attempt) % 41;
                Some(pause.mul_f64(jitter as f64 / 100.0))
            }
        }
    }
}

/// Seconds or a date, as RFC 9110 §10.2.3 has it.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date = httpdate::parse_http_date(text.trim()).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        }
    }
}

/// The URL without what may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
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
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("a Vec takes every write")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_retryable_statuses_are_retried() {
        let retry = |status| Retry::of(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
        for status in [429, 502, 503, 504] {
            assert_eq!(retry(status), Retry::Soon);
        }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            assert_eq!(retry(status), Retry::Never);
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
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn pauses_double_and_differ_by_a_fifth() {
        for (attempt, milliseconds) in [(1, 200), (2, 400), (3, 800), (7, 12_800), (99, 12_800)] {
            let pause = Retry::Soon.after(attempt).unwrap();
            let middle = Duration::from_millis(milliseconds);
            assert!(pause >= middle.mul_f64(0.8) && pause <= middle.mul_f64(1.2), "{pause:?}");
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
    fn no_credential_is_shown() {
        let url = Url::parse("https://user:secret@collector:4318/v1/traces?key=secret#secret");
        assert_eq!(shown(&url.unwrap()), "https://collector:4318/v1/traces");
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
