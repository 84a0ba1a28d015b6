//! Adapters between [`Propagator`] and OpenTelemetry's `TextMapPropagator`.
//!
//! These two are the only way from one to the other.

use crate::{propagator::Propagator, tools::write};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

/// A [`Propagator`] as an OpenTelemetry [`TextMapPropagator`], over any carrier: the headers of a
/// message, the metadata of a job, a map of texts.
///
/// It reads the names that [`Extractor::keys`] lists and those that the propagator writes, all
/// lines of each through [`Extractor::get_all`], and copies them into a `HeaderMap`. Several lines
/// of one name are written as one, with commas between them.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tracecontext")] {
/// use opentelemetry::{Context, propagation::TextMapPropagator, trace::TraceContextExt};
/// use std::collections::HashMap;
/// use tracewire_propagation::{TextMap, TraceContext};
///
/// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let message = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
/// let context = TextMap::new(TraceContext::new()).extract_with_context(&Context::new(), &message);
/// assert!(context.span().span_context().is_sampled());
/// # }
/// ```
///
/// Makes the default of the process OpenTelemetry's global propagator too:
///
/// ```
/// use opentelemetry::global;
/// use tracewire_propagation::{TextMap, default_propagator};
///
/// global::set_text_map_propagator(TextMap::new(default_propagator()));
/// ```
#[derive(Clone, Debug)]
pub struct TextMap<P> {
    propagator: P,
    fields: Vec<String>,
}

impl<P: Propagator> TextMap<P> {
    /// Adapts `propagator`.
    pub fn new(propagator: P) -> Self {
        let fields = propagator.header_names().iter().map(ToString::to_string).collect();
        Self { propagator, fields }
    }
}

impl<P: Propagator> TextMapPropagator for TextMap<P> {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let mut headers = HeaderMap::new();
        self.propagator.inject(context, &mut headers);
        for name in headers.keys() {
            let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            injector.set(name.as_str(), lines.collect::<Vec<_>>().join(","));
        }
    }

    fn extract_with_context(&self, parent: &Context, extractor: &dyn Extractor) -> Context {
        self.propagator.extract(&copy(extractor, self.propagator.header_names()), parent)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// An OpenTelemetry [`TextMapPropagator`] as a [`Propagator`].
///
/// # Examples
///
/// ```
/// use opentelemetry::propagation::TextMapCompositePropagator;
/// use tracewire_propagation::{FromTextMap, Propagator};
///
/// let theirs = FromTextMap::new(TextMapCompositePropagator::new(Vec::new()));
/// assert!(theirs.header_names().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct FromTextMap<P> {
    propagator: P,
    header_names: Vec<HeaderName>,
}

impl<P: TextMapPropagator + Send + Sync> FromTextMap<P> {
    /// Adapts `propagator`. Fields of it that are no header names are not among
    /// [`header_names`](Propagator::header_names), and never written.
    pub fn new(propagator: P) -> Self {
        let header_names = propagator.fields().filter_map(|field| field.parse().ok()).collect();
        Self { propagator, header_names }
    }
}

impl<P: TextMapPropagator + Send + Sync> Propagator for FromTextMap<P> {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        self.propagator.extract_with_context(parent, &Read(headers))
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.propagator.inject_context(context, &mut Written(headers));
    }

    fn header_names(&self) -> &[HeaderName] {
        &self.header_names
    }
}

/// A copy of the carrier: a propagator may read more names than it writes.
fn copy(extractor: &dyn Extractor, names: &[HeaderName]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let named = names.iter().map(HeaderName::as_str);
    for key in extractor.keys().into_iter().chain(named) {
        let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
            continue;
        };
        if headers.contains_key(&name) {
            continue;
        }
        for line in extractor.get_all(key).unwrap_or_default() {
            if let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) {
                // A full map has no room for more headers: the rest is as good as absent.
                let _ = headers.try_append(name.clone(), value);
            }
        }
    }
    headers
}

struct Read<'a>(&'a HeaderMap);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.get_all(key).iter().filter_map(|value| value.to_str().ok());
        Some(lines.collect()).filter(|lines: &Vec<_>| !lines.is_empty())
    }
}

struct Written<'a>(&'a mut HeaderMap);

impl Injector for Written<'_> {
    fn set(&mut self, key: &str, value: String) {
        // What is no header is left out; an injector has no way to say so.
        write::set_named(self.0, key, value);
    }
}

#[cfg(all(test, feature = "tracecontext", feature = "baggage"))]
mod tests {
    use super::*;
    use crate::{Baggage, Composite, TraceContext};
    use opentelemetry::baggage::BaggageExt;
    use std::collections::HashMap;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn composite() -> Composite {
        Composite::new().and(TraceContext::new()).and(Baggage::new())
    }

    fn carrier() -> HashMap<String, String> {
        [("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "b=1,a=2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn ours_reads_and_writes_their_carriers() {
        let adapted = TextMap::new(composite());
        let context = adapted.extract_with_context(&Context::new(), &carrier());
        let mut sent = HashMap::new();
        adapted.inject_context(&context, &mut sent);
        assert_eq!(sent, carrier());
        assert_eq!(adapted.fields().collect::<Vec<_>>(), ["traceparent", "tracestate", "baggage"]);
    }

    #[test]
    fn theirs_reads_and_writes_header_maps() {
        // There and back again: theirs is ours behind their trait.
        let adapted = FromTextMap::new(TextMap::new(composite()));
        let mut headers = HeaderMap::new();
        for (name, value) in carrier() {
            headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        headers.insert("x-opaque", HeaderValue::from_bytes(b"\xff").unwrap());
        let context = adapted.extract(&headers, &Context::new());
        let mut sent = HeaderMap::new();
        adapted.inject(&context, &mut sent);
        headers.remove("x-opaque");
        assert_eq!(sent, headers);
        assert_eq!(adapted.header_names(), ["traceparent", "tracestate", "baggage"]);
    }

    #[test]
    fn every_line_reaches_the_other_side() {
        let mut headers = HeaderMap::new();
        headers.append("baggage", HeaderValue::from_static("a=1"));
        headers.append("baggage", HeaderValue::from_static("b=2"));
        let context =
            FromTextMap::new(TextMap::new(composite())).extract(&headers, &Context::new());
        assert_eq!(context.baggage().len(), 2);
    }

    #[test]
    fn what_is_no_header_is_left_out() {
        #[derive(Debug)]
        struct Careless;

        impl TextMapPropagator for Careless {
            fn inject_context(&self, _: &Context, injector: &mut dyn Injector) {
                injector.set("no header", "1".to_owned());
                injector.set("x-broken", "a\r\nb: c".to_owned());
                injector.set("x-fine", "1".to_owned());
            }

            fn extract_with_context(&self, parent: &Context, _: &dyn Extractor) -> Context {
                parent.clone()
            }

            fn fields(&self) -> FieldIter<'_> {
                FieldIter::new(&[])
            }
        }

        let mut headers = HeaderMap::new();
        FromTextMap::new(Careless).inject(&Context::new(), &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-fine"], "1");
    }
}
