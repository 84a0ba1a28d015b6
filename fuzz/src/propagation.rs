//! What must hold of every propagator on every input.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use tracewire_propagation::Propagator;

/// The longest header that any format may write: a `tracestate` of 32 full members.
const MAX_VALUE: usize = 32 * (256 + 1 + 256) + 31;

/// Reads the headers in `data`, sends them on, and reads and sends on what was sent.
///
/// What a second service sends has to be what the first one sent.
pub fn relay_twice(propagator: &dyn Propagator, names: &[&'static str], data: &[u8]) {
    let first = relay(propagator, &headers(names, data));
    let second = relay(propagator, &first);
    assert_eq!(first, second);
}

/// Reads `headers` and sends on what was understood.
pub fn relay(propagator: &dyn Propagator, headers: &HeaderMap) -> HeaderMap {
    let context = propagator.extract(headers, &Context::new());
    let mut outgoing = HeaderMap::new();
    propagator.inject(&context, &mut outgoing);
    for (name, value) in &outgoing {
        assert!(value.len() <= MAX_VALUE, "{name}: {} bytes", value.len());
        assert!(value.to_str().is_ok(), "{name} is not ASCII");
        let may_be_empty = name.as_str().starts_with("uberctx-"); // an entry without a value
        assert!(may_be_empty || !value.is_empty(), "{name} is empty");
    }
    outgoing
}

/// Each line is a header: its first byte chooses the name, the rest is the value.
pub fn headers(names: &[&'static str], data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n').take(100) {
        let Some((&choice, value)) = line.split_first() else { continue };
        let name = names[usize::from(choice) % names.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}
