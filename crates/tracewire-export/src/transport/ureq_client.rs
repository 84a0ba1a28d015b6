//! The HTTP client that exporters use unless the program gave one.

use super::{
    proxy::Proxy,
    retry::{Fault, Retry},
    tls::Tls,
};
use crate::{
    diagnostics::unreachable,
    error::ExportError,
    pipeline::{batch::CONCURRENT_EXPORTS, failure::ErrorType},
};
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use std::{fmt, io::Read, time::Duration};
use ureq::{Agent, Timeout};
use url::Url;

/// How long to wait for a connection; a dead network must not cost a batch its whole time.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What each connection keeps for what it reads and writes. The head of an answer must fit.
const INPUT_BUFFER: usize = 16 * 1024;
const OUTPUT_BUFFER: usize = 32 * 1024;
pub(crate) const USER_AGENT: &str = concat!(
    "tracewire/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);

/// How much of an answer is read: it holds counts and a message, and the collector is untrusted.
pub(crate) const MOST_RESPONSE: usize = 64 * 1024;

/// How long a request may take, for clients that can stop by themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLeft(pub(super) Duration);

/// Blocks the thread that sends, and stops when its time is up.
pub(crate) struct UreqClient(Agent);

impl UreqClient {
    /// A client for requests to `url`, whose scheme says whether TLS is needed.
    pub(crate) fn new(url: &Url, tls: &Tls, proxy: Option<Proxy>) -> Result<Self, ExportError> {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // A redirect would carry credentials to wherever the answer says.
            .max_redirects(0)
            .http_status_as_error(false)
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER)
            .max_idle_connections_per_host(CONCURRENT_EXPORTS)
            .proxy(proxy.map(Proxy::into_ureq));
        Ok(Self(tls.configure(config, url)?.build().new_agent()))
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let left = request.extensions().get::<TimeLeft>().map(|TimeLeft(left)| *left);
        let (head, body) = request.into_parts();
        let mut request = self.0.post(head.uri).config().timeout_global(left).build();
        for (name, value) in &head.headers {
            request = request.header(name, value);
        }
        let (head, body) = request.send(&*body)?.into_parts();
        let mut answer = Vec::new();
        // The data has arrived, whatever becomes of the rest of the answer.
        let _ = body.into_reader().take(MOST_RESPONSE as u64).read_to_end(&mut answer);
        Ok(Response::from_parts(head, answer.into()))
    }
}

#[async_trait::async_trait]
impl HttpClient for UreqClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.send(request).map_err(HttpError::from)
    }
}

impl fmt::Debug for UreqClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqClient").finish_non_exhaustive()
    }
}

/// An attempt without an answer, and whether another one may help.
pub(super) fn fault(endpoint: &str, error: &ureq::Error) -> Fault {
    let never = matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_));
    let retry = if never { Retry::Never } else { Retry::Soon };
    let cause = describe(error);
    let what = if is_unreached(error) {
        unreachable::reason(endpoint, &cause)
    } else {
        format!("{endpoint}: {cause}")
    };
    Fault { kind: kind(error), what, retry }
}

fn kind(error: &ureq::Error) -> ErrorType {
    match error {
        ureq::Error::Io(error) => ErrorType::of_io(error),
        ureq::Error::HostNotFound | ureq::Error::Timeout(Timeout::Resolve) => ErrorType::Dns,
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => ErrorType::Connect,
        ureq::Error::Timeout(_) => ErrorType::Timeout,
        ureq::Error::Tls(_) | ureq::Error::TlsRequired => ErrorType::Tls,
        #[cfg(feature = "__rustls")]
        ureq::Error::Rustls(_) => ErrorType::Tls,
        _ => ErrorType::Other,
    }
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
pub(super) fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(Timeout::Connect) => "the connection timed out".to_owned(),
        ureq::Error::Timeout(Timeout::Resolve) => "the DNS lookup timed out".to_owned(),
        ureq::Error::Timeout(_) => "the response timed out".to_owned(),
        ureq::Error::BadUri(_) => "the endpoint is unusable".to_owned(),
        error => error.to_string(),
    }
}
