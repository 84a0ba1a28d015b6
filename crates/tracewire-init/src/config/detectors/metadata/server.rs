//! A metadata server, asked for one thing after another until the time is up.

use std::time::Instant;

use http::Method;
use opentelemetry::KeyValue;
use serde_json::Value;
use tracewire_export::wiring::{MetadataAnswer, MetadataClient};
use url::Url;

use crate::config::detectors::variables::plain;

/// The server of one detector.
pub(super) struct Server {
    send: Box<Ask>,
}

/// Sends a request to a URL with headers, and returns the answer.
type Ask = dyn Fn(Method, &str, &[(&str, &str)]) -> Result<MetadataAnswer, String>;

impl Server {
    /// Asks over the network.
    pub(super) fn new(until: Instant) -> Self {
        let client = MetadataClient::new();
        Self::answering(move |method, url, headers| match method {
            Method::PUT => client.put(url, headers, until),
            _ => client.get(url, headers, until),
        })
    }

    /// Is answered by `send`.
    pub(super) fn answering(
        send: impl Fn(Method, &str, &[(&str, &str)]) -> Result<MetadataAnswer, String> + 'static,
    ) -> Self {
        Self { send: Box::new(send) }
    }

    /// The body of the answer; `None` if the server has no such thing.
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        is_right: impl Fn(&MetadataAnswer) -> bool,
    ) -> Result<Option<String>, String> {
        let answer = (self.send)(Method::GET, url, headers).map_err(|why| at(url, &why))?;
        body(url, answer, is_right)
    }

    pub(super) fn put(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Option<String>, String> {
        let answer = (self.send)(Method::PUT, url, headers).map_err(|why| at(url, &why))?;
        body(url, answer, |_| true)
    }

    /// The JSON object that the server answers with.
    pub(super) fn object(&self, url: &str, headers: &[(&str, &str)]) -> Result<Value, String> {
        let text = self.get(url, headers, |_| true)?.unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(at(url, "the answer is not the expected one")),
        }
    }
}

fn body(
    url: &str,
    answer: MetadataAnswer,
    is_right: impl Fn(&MetadataAnswer) -> bool,
) -> Result<Option<String>, String> {
    match answer.status {
        200 | 404 if !is_right(&answer) => {
            Err(at(url, "the answer is not that of a metadata server"))
        }
        200 => Ok(Some(answer.text)),
        404 => Ok(None),
        status => Err(at(url, &format!("HTTP {status}"))),
    }
}

/// What went wrong, and with which server. Paths are not shown: those of ECS name the container.
fn at(url: &str, why: &str) -> String {
    let host = url.parse::<Url>().ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or("the metadata server");
    format!("{host}: {why}")
}

/// The beginning of all URLs of a server, from a variable.
///
/// # Errors
///
/// It is not `http://` with a host and at most a path.
pub(super) fn base(variable: &str, text: &str) -> Result<String, String> {
    let is_plain = |url: &Url| {
        url.scheme() == "http"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match text.parse::<Url>() {
        Ok(url) if is_plain(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(format!(
            "{variable} must be a URL that begins with http://, without credentials or query"
        )),
    }
}

/// An attribute with the text of a field, at a path of objects. One that is no text, or that no attribute
/// may have, is left out.
pub(super) fn fact(key: &'static str, object: &Value, path: &[&str]) -> Option<KeyValue> {
    Some(KeyValue::new(key, text(object, path)?))
}

/// The text of a field, at a path of objects.
pub(super) fn text(object: &Value, path: &[&str]) -> Option<String> {
    let field = path.iter().try_fold(object, |object, name| object.get(name))?;
    plain(field.as_str()?)
}
