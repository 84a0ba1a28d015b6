//! Which request methods may become a span name or a metric attribute.

use super::limited;
use crate::conventions as c;
use http::Method;
use opentelemetry::{KeyValue, StringValue};
use std::sync::Arc;

macro_rules! known {
    ($($method:literal)*) => {
        /// The name of one of the methods that the conventions know: RFC 9110, `PATCH` (RFC 5789)
        /// and `QUERY`.
        pub(crate) fn conventional(method: &str) -> Option<&'static str> {
            match method {
                $($method => Some($method),)*
                _ => None,
            }
        }
    };
}

known!("CONNECT" "DELETE" "GET" "HEAD" "OPTIONS" "PATCH" "POST" "PUT" "QUERY" "TRACE");

/// The value of `http.request.method` for every method that is not known.
pub(crate) const OTHER: &str = "_OTHER";

/// The methods that are recorded by name; every other one is recorded as `_OTHER`.
///
/// Names are case-sensitive, as HTTP's are. The default is the list of the conventions; a list of
/// your own replaces it whole.
///
/// ```
/// use tracewire_http::{KnownMethods, wiring::ServerSettings};
///
/// let methods = KnownMethods::new(["GET", "HEAD", "POST", "PROPFIND"]);
/// let settings = ServerSettings::new("my-server", "1.0.0").known_methods(methods);
/// ```
#[derive(Clone, Debug, Default)]
pub struct KnownMethods(Option<Arc<[StringValue]>>);

impl KnownMethods {
    /// Knows exactly `methods`.
    ///
    /// ```
    /// use tracewire_http::KnownMethods;
    ///
    /// let methods = KnownMethods::new(["GET", "POST", "PURGE"]);
    /// # let _ = methods;
    /// ```
    pub fn new<I, T>(methods: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Arc<str>>,
    {
        Self(Some(methods.into_iter().map(|method| StringValue::from(method.into())).collect()))
    }

    /// Reads `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, a comma-separated list that replaces the
    /// default; unset or empty means the default.
    pub fn from_env() -> Self {
        let list = std::env::var("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").unwrap_or_default();
        Self::from_list(&list)
    }

    /// The name of one of the conventions' ten methods; `_OTHER` for every other one.
    ///
    /// ```
    /// use http::Method;
    /// use tracewire_http::KnownMethods;
    ///
    /// assert_eq!(KnownMethods::conventional(&Method::GET), "GET");
    /// assert_eq!(KnownMethods::conventional(&Method::from_bytes(b"BREW").unwrap()), "_OTHER");
    /// ```
    pub fn conventional(method: &Method) -> &'static str {
        conventional(method.as_str()).unwrap_or(OTHER)
    }

    fn from_list(list: &str) -> Self {
        let mut methods =
            list.split(',').map(str::trim).filter(|method| !method.is_empty()).peekable();
        if methods.peek().is_none() { Self::default() } else { Self::new(methods) }
    }

    /// The name to record for `method`, if it is known.
    pub(crate) fn name(&self, method: &Method) -> Option<StringValue> {
        match &self.0 {
            None => conventional(method.as_str()).map(StringValue::from),
            Some(list) => list.iter().find(|known| known.as_str() == method.as_str()).cloned(),
        }
    }
}

/// Adds the attributes of a request's method: the name `recorded`, and where that is `_OTHER` the
/// method as `sent`.
pub(crate) fn describe_method(
    recorded: &StringValue,
    sent: &Method,
    limit: usize,
    attributes: &mut Vec<KeyValue>,
) {
    attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD, recorded.clone()));
    if recorded.as_str() == OTHER {
        let sent = limited(sent.as_str().into(), limit);
        attributes.push(KeyValue::new(c::HTTP_REQUEST_METHOD_ORIGINAL, sent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(methods: &KnownMethods, method: &str) -> Option<String> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        methods.name(&method).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn default_methods_are_known_and_case_sensitive() {
        let methods = KnownMethods::default();
        for method in [
            "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
        ] {
            assert_eq!(name(&methods, method).as_deref(), Some(method));
        }
        assert_eq!(name(&methods, "get"), None);
        assert_eq!(name(&methods, "PROPFIND"), None);
    }

    #[test]
    fn a_list_replaces_the_default() {
        let methods = KnownMethods::from_list(" PURGE, GET ,,");
        assert_eq!(name(&methods, "PURGE").as_deref(), Some("PURGE"));
        assert_eq!(name(&methods, "GET").as_deref(), Some("GET"));
        assert_eq!(name(&methods, "POST"), None);
    }

    #[test]
    fn an_empty_list_is_the_default() {
        for list in ["", " ", ",, ,"] {
            assert_eq!(name(&KnownMethods::from_list(list), "DELETE").as_deref(), Some("DELETE"));
        }
    }
}
