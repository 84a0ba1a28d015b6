//! What a configuration file or a vendor's variables say about HTTP instrumentation, for the whole process.

use crate::{
    default::new_version,
    sync::{RwLock, shared},
};
use std::{
    ops::RangeInclusive,
    sync::{Arc, PoisonError},
};

/// What a configuration file, or a vendor's variables, say about HTTP instrumentation.
///
/// It stands here because layers and `init` do not know each other. Layers take what code does not set
/// from it, and then read no variable: a file replaces all of them, and what comes from variables has all
/// of them.
///
/// ```
/// use tracewire_propagation::{HttpSettings, set_http_settings};
///
/// let mut settings = HttpSettings::default();
/// settings.excluded_paths = vec!["/healthz".into()];
/// set_http_settings(Some(settings));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpSettings {
    /// What servers record.
    pub server: HttpSide,
    /// What clients record.
    pub client: HttpSide,
    /// The keys of queries whose values are redacted; `None` is the default list.
    pub sensitive_query_parameters: Option<Vec<String>>,
    /// Patterns of paths that servers do not trace, beside those that code names.
    pub excluded_paths: Vec<String>,
    /// Patterns of URLs that clients do not trace, beside those that code names.
    pub excluded_urls: Vec<String>,
    /// Pairs of `peer=name`: the services behind hosts that clients call.
    pub service_peers: Vec<String>,
}

/// What servers or clients record of a message.
///
/// ```
/// use tracewire_propagation::HttpSettings;
///
/// let mut settings = HttpSettings::default();
/// settings.server.request_headers = vec!["content-type".into(), "x-shop-*".into()];
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpSide {
    /// The methods that are recorded by name; `None` is the conventions' ten.
    pub known_methods: Option<Vec<String>>,
    /// Names and patterns of the request headers that become attributes.
    pub request_headers: Vec<String>,
    /// Names and patterns of the response headers that become attributes.
    pub response_headers: Vec<String>,
    /// Headers of requests and responses that become attributes of another name: header, attribute.
    pub header_attributes: Vec<(String, String)>,
    /// The status codes that are errors; `None` is what the conventions say: 5xx on servers, 4xx and 5xx on
    /// clients.
    pub error_statuses: Option<Vec<RangeInclusive<u16>>>,
}

/// Sets what [`http_settings`] returns from now on; `None` is without a file.
///
/// Layers notice it with their next exchange, because it changes
/// [`default_version`](crate::default_version).
///
/// ```
/// use tracewire_propagation::{HttpSettings, http_settings, set_http_settings};
///
/// set_http_settings(Some(HttpSettings::default()));
/// assert!(http_settings().is_some());
/// ```
pub fn set_http_settings(settings: Option<HttpSettings>) {
    let settings = settings.map(Arc::new);
    let mut slot = SETTINGS.write().unwrap_or_else(PoisonError::into_inner);
    if *slot != settings {
        *slot = settings;
        drop(slot);
        new_version();
    }
}

/// Returns what the configuration file of this process says, or a vendor's variables; `None` is without
/// either.
///
/// ```
/// assert!(tracewire_propagation::http_settings().is_none()); // no configuration file was read
/// ```
pub fn http_settings() -> Option<Arc<HttpSettings>> {
    SETTINGS.read().unwrap_or_else(PoisonError::into_inner).clone()
}

shared!(SETTINGS: RwLock<Option<Arc<HttpSettings>>> = RwLock::new(None));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::default_version;

    #[test]
    fn a_change_makes_a_new_version_and_the_same_again_does_not() {
        let settings =
            HttpSettings { excluded_paths: vec!["/healthz".to_owned()], ..HttpSettings::default() };
        let before = default_version();
        set_http_settings(Some(settings.clone()));
        let after = default_version();
        assert!(after > before);
        assert_eq!(http_settings().as_deref(), Some(&settings));
        set_http_settings(Some(settings));
        set_http_settings(None);
        assert_eq!(http_settings(), None);
        assert!(default_version() > after);
    }
}
