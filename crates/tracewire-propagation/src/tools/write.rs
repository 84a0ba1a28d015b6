//! Writes header values, each in place of every value of its name.
//!
//! An illegal value and a full map leave the header out: telemetry never panics in a request.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Sets `name` to a copy of `value`.
pub(crate) fn set(headers: &mut HeaderMap, name: &HeaderName, value: &[u8]) {
    insert(headers, name, HeaderValue::from_bytes(value));
}

/// Sets `name` to `value`.
pub(crate) fn set_string(headers: &mut HeaderMap, name: &HeaderName, value: String) {
    insert(headers, name, HeaderValue::try_from(value));
}

/// Sets `name` to `value`, without a copy.
pub(crate) fn set_static(headers: &mut HeaderMap, name: &HeaderName, value: &'static str) {
    insert::<()>(headers, name, Ok(HeaderValue::from_static(value)));
}

/// Sets a header whose name is known only now. A name that is not legal is left out.
pub(crate) fn set_named(headers: &mut HeaderMap, name: &str, value: String) {
    if let (Ok(name), Ok(value)) =
        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value))
    {
        let _ = headers.try_insert(name, value);
    }
}

/// Removes `name`, which is there hardly ever.
pub(crate) fn remove(headers: &mut HeaderMap, name: &HeaderName) {
    /// A look at so few names costs less than hashing one.
    const FEW: usize = 16;
    if headers.len() > FEW || headers.keys().any(|there| there == name) {
        headers.remove(name);
    }
}

fn insert<E>(headers: &mut HeaderMap, name: &HeaderName, value: Result<HeaderValue, E>) {
    if let Ok(value) = value {
        let _ = headers.try_insert(name, value);
    }
}
