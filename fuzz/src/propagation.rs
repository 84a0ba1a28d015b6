//! What must hold of every propagator on every input.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, Key,
    baggage::{Baggage as Entries, BaggageExt},
    propagation::TextMapPropagator,
    trace::TraceContextExt,
};
use std::collections::HashMap;
use tracewire_propagation::{
    Baggage, Composite, FromTextMap, Propagator, TextMap, TraceContext, W3c,
};

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

/// Reads requests one after the other on one thread, and sends each on: what was read of those before changes
/// nothing. Lines as of [`headers`]; an empty line ends a request.
pub fn shared(data: &[u8]) {
    let formats = Composite::new().and(TraceContext::new()).and(Baggage::new());
    let names = ["traceparent", "tracestate", "baggage", "baggage", "accept"];
    let requests: Vec<_> =
        String::from_utf8_lossy(data).split("\n\n").take(12).map(str::to_owned).collect();
    // A list is shared from its third time on.
    for request in requests.iter().chain(&requests).chain(requests.iter().rev()) {
        let headers = headers(&names, request.as_bytes());
        let (shared, alone) = (W3c::new(), &formats);
        assert_eq!(seen(&shared, &headers), seen(alone, &headers), "{headers:?}");
        // What the application adds is its own.
        let context = shared.extract(&headers, &Context::new());
        let all = context.baggage().iter().map(|(key, value)| (key.clone(), value.clone()));
        let own = (Key::from("own"), ("1".into(), Default::default()));
        let more = context.with_baggage(all.chain([own]).collect::<Entries>());
        let mut sent = HeaderMap::new();
        shared.inject(&more, &mut sent);
    }
}

/// What can be seen of a context, and what goes on from it.
fn seen(propagator: &dyn Propagator, headers: &HeaderMap) -> (String, Vec<String>, HeaderMap) {
    let context = propagator.extract(headers, &Context::new());
    let mut entries: Vec<_> = context.baggage().iter().map(|entry| format!("{entry:?}")).collect();
    entries.sort();
    let mut sent = HeaderMap::new();
    propagator.inject(&context, &mut sent);
    (format!("{:?}", context.span().span_context()), entries, sent)
}

/// Reads headers from a map of texts, which sees what a `HeaderMap` holds, and writes into one.
pub fn text_map(
    propagator: &(impl Propagator + Clone + 'static),
    names: &[&'static str],
    data: &[u8],
) {
    let headers = headers(names, data);
    let mut carrier: HashMap<String, String> = HashMap::new();
    for (name, value) in &headers {
        // One text a name, and no bytes.
        let Ok(value) = value.to_str() else { return };
        if carrier.insert(name.to_string(), value.to_owned()).is_some() {
            return;
        }
    }
    if relay(propagator, &headers) != relay(propagator, &headers) {
        return; // ids of our own are random
    }
    let adapted = TextMap::new(propagator.clone());
    let context = adapted.extract(&carrier);
    let mut written = HashMap::new();
    adapted.inject_context(&context, &mut written);
    let direct = relay(propagator, &headers);
    let direct: HashMap<String, String> = direct
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("it is text").to_owned()))
        .collect();
    assert_eq!(written, direct);
    // And back through OpenTelemetry's interface.
    let back = FromTextMap::new(adapted);
    assert_eq!(relay(&back, &headers), relay(propagator, &headers));
}
