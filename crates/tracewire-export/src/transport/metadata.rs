//! Requests to the metadata server of a cloud.

use super::ureq_client::describe;
use http::{HeaderMap, Method, Request};
use std::{
    fmt,
    io::Read,
    time::{Duration, Instant},
};
use ureq::{Agent, AsSendBody};

/// The longest body of an answer, in bytes.
const MOST_BODY: u64 = 256 * 1024;

/// Asks the metadata servers of clouds, over plain HTTP.
///
/// It uses no proxy, follows no redirect, and reads at most 256 KiB of an answer. A request is over at its
/// deadline, however slowly the server answers.
///
/// ```no_run
/// use std::time::{Duration, Instant};
/// use tracewire_export::wiring::MetadataClient;
///
/// # fn main() -> Result<(), String> {
/// let until = Instant::now() + Duration::from_secs(1);
/// let client = MetadataClient::new();
/// let url = "http://169.254.169.254/computeMetadata/v1/instance/id";
/// let answer = client.get(url, &[("Metadata-Flavor", "Google")], until)?;
/// println!("{} {}", answer.status, answer.text);
/// # Ok(())
/// # }
/// ```
pub struct MetadataClient(Agent);

/// What a metadata server answered.
#[derive(Clone, Debug)]
pub struct MetadataAnswer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub text: String,
}

impl MetadataClient {
    /// Makes a client that has no connection yet.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("tracewire/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.new_agent())
    }

    /// Sends a GET request to `url`.
    ///
    /// # Errors
    ///
    /// There is no whole answer before `until`, or it is longer than 256 KiB or not UTF-8.
    pub fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        until: Instant,
    ) -> Result<MetadataAnswer, String> {
        self.send(Method::GET, url, headers, (), until)
    }

    /// Sends a PUT request with an empty body to `url`.
    ///
    /// # Errors
    ///
    /// As of [`get`](Self::get).
    pub fn put(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        until: Instant,
    ) -> Result<MetadataAnswer, String> {
        let empty: &[u8] = &[];
        self.send(Method::PUT, url, headers, empty, until)
    }

    fn send<B: AsSendBody>(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: B,
        until: Instant,
    ) -> Result<MetadataAnswer, String> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("there was no time left".to_owned());
        }
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri(url), |request, (name, value)| {
                request.header(*name, *value)
            })
            .body(body)
            .map_err(|_| "the request is unusable".to_owned())?;
        self.run(request, left).map_err(|error| describe(&error))
    }

    fn run<B: AsSendBody>(
        &self,
        request: Request<B>,
        left: Duration,
    ) -> Result<MetadataAnswer, ureq::Error> {
        let request = self.0.configure_request(request).timeout_global(Some(left)).build();
        let (head, body) = self.0.run(request)?.into_parts();
        let mut text = String::new();
        body.into_reader().take(MOST_BODY + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST_BODY {
            return Err(ureq::Error::BodyExceedsLimit(MOST_BODY));
        }
        Ok(MetadataAnswer { status: head.status.as_u16(), headers: head.headers, text })
    }
}

impl Default for MetadataClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MetadataClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetadataClient").finish_non_exhaustive()
    }
}
