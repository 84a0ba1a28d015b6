//! What headers are read from and written to: an `http::HeaderMap`, or OpenTelemetry's carriers.
//!
//! Formats are written once, generic over [`Source`] and [`Sink`], so that the path over a
//! `HeaderMap` has no dynamic dispatch and no copies.

use http::{HeaderMap, HeaderName, HeaderValue, header::GetAll};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, text_map_propagator::FieldIter},
};
use std::sync::OnceLock;

/// Lines of one name that are read.
pub(crate) const MAX_LINES: usize = 128;

/// Headers that are looked through for names with a prefix. Servers allow fewer.
const MAX_HEADERS: usize = 1024;

/// White space that is taken off each side of a value, in bytes.
const MAX_OWS: usize = 64;

/// A format over any carrier; [`implement_traits!`] makes the public traits of it.
pub(crate) trait Codec {
    /// `parent` with what the carrier holds, or `None` when it holds nothing valid.
    fn read<S: Source>(&self, source: &S, parent: &Context) -> Option<Context>;

    /// Writes what `context` carries.
    fn write<S: Sink>(&self, context: &Context, sink: &mut S);
}

/// Headers that can be read.
pub(crate) trait Source {
    type Lines<'a>: Lines<'a>
    where
        Self: 'a;

    /// Every value of `name`, in order.
    fn lines<'a>(&'a self, name: &'static HeaderName) -> Self::Lines<'a>;

    /// The headers whose names begin with `prefix`: the rest of the name, and a value.
    fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])>;
}

/// The values of one name.
pub(crate) trait Lines<'a> {
    fn iter(&self) -> impl Iterator<Item = &'a [u8]>;

    /// The bytes of all lines, with a comma behind each; `None` for more than `limit`, or for more
    /// than [`MAX_LINES`].
    fn joined_len(&self, limit: usize) -> Option<usize> {
        let mut total: usize = 0;
        for (count, line) in self.iter().enumerate() {
            total = total.saturating_add(line.len()).saturating_add(1);
            if total > limit || count >= MAX_LINES {
                return None;
            }
        }
        Some(total)
    }
}

/// Headers that can be written. Values handed in are legal header values.
pub(crate) trait Sink {
    /// Sets `name` to a copy of `value`, in place of every value there.
    fn set(&mut self, name: &'static HeaderName, value: &[u8]);

    /// Sets `name` to `value`, in place of every value there.
    fn set_string(&mut self, name: &'static HeaderName, value: String);

    /// Sets `name` to `value`, in place of every value there.
    fn set_static(&mut self, name: &'static HeaderName, value: &'static str);

    /// Sets a header whose name is only known now; what is no name is left out.
    fn set_named(&mut self, name: &str, value: String);

    /// Removes what an earlier hop left under `name`, where the carrier can.
    fn remove(&mut self, name: &'static HeaderName);
}

/// The headers that a format writes, as each of the two traits wants to have them.
pub(crate) struct Names {
    names: &'static [&'static HeaderName],
    lists: OnceLock<(Vec<HeaderName>, Vec<String>)>,
}

impl Names {
    pub(crate) const fn new(names: &'static [&'static HeaderName]) -> Self {
        Self { names, lists: OnceLock::new() }
    }

    pub(crate) fn headers(&self) -> &[HeaderName] {
        &self.lists().0
    }

    pub(crate) fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.lists().1)
    }

    fn lists(&self) -> &(Vec<HeaderName>, Vec<String>) {
        let list = || self.names.iter().map(|&name| (name.clone(), name.to_string())).unzip();
        self.lists.get_or_init(list)
    }
}

/// The value of `name`, unless it is absent or there twice.
pub(crate) enum Single<'a> {
    Absent,
    One(&'a [u8]),
    Many,
}

/// Reads the value of a header that may be sent only once.
pub(crate) fn single<'a, S: Source>(source: &'a S, name: &'static HeaderName) -> Single<'a> {
    let lines = source.lines(name);
    let mut lines = lines.iter();
    match (lines.next(), lines.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::One(value),
        (Some(_), Some(_)) => Single::Many,
    }
}

/// The first value of `name`.
pub(crate) fn first<'a, S: Source>(source: &'a S, name: &'static HeaderName) -> Option<&'a [u8]> {
    source.lines(name).iter().next().map(trim_ows)
}

/// `value` without HTTP's optional white space around it (RFC 9110, section 5.6.3), as long as that
/// is not longer than anybody writes.
pub(crate) fn trim_ows(value: &[u8]) -> &[u8] {
    let is_ows = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = value.iter().take(MAX_OWS).take_while(is_ows).count();
    let value = &value[before..];
    let behind = value.iter().rev().take(MAX_OWS).take_while(is_ows).count();
    &value[..value.len() - behind]
}

impl Source for HeaderMap {
    type Lines<'a> = GetAll<'a, HeaderValue>;

    fn lines<'a>(&'a self, name: &'static HeaderName) -> Self::Lines<'a> {
        self.get_all(name)
    }

    fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.iter().take(MAX_HEADERS).filter_map(move |(name, value)| {
            Some((name.as_str().strip_prefix(prefix)?, value.as_bytes()))
        })
    }
}

impl<'a> Lines<'a> for GetAll<'a, HeaderValue> {
    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        GetAll::iter(self).map(HeaderValue::as_bytes)
    }
}

impl Sink for HeaderMap {
    fn set(&mut self, name: &'static HeaderName, value: &[u8]) {
        insert(self, name, HeaderValue::from_bytes(value));
    }

    fn set_string(&mut self, name: &'static HeaderName, value: String) {
        insert(self, name, HeaderValue::try_from(value));
    }

    fn set_static(&mut self, name: &'static HeaderName, value: &'static str) {
        insert::<()>(self, name, Ok(HeaderValue::from_static(value)));
    }

    fn set_named(&mut self, name: &str, value: String) {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value))
        {
            let _ = self.try_insert(name, value);
        }
    }

    fn remove(&mut self, name: &'static HeaderName) {
        Self::remove(self, name);
    }
}

// A full map and an illegal value leave the header out: never a panic over telemetry.
fn insert<E>(headers: &mut HeaderMap, name: &'static HeaderName, value: Result<HeaderValue, E>) {
    if let Ok(value) = value {
        let _ = headers.try_insert(name, value);
    }
}

/// OpenTelemetry's reading side, read through `get_all` so that no line is lost.
pub(crate) struct TextSource<'c>(pub(crate) &'c dyn Extractor);

impl Source for TextSource<'_> {
    type Lines<'a>
        = TextLines<'a>
    where
        Self: 'a;

    fn lines<'a>(&'a self, name: &'static HeaderName) -> TextLines<'a> {
        TextLines(self.0.get_all(name.as_str()).unwrap_or_default())
    }

    fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0.keys().into_iter().take(MAX_HEADERS).filter_map(move |key| {
            let (start, rest) = key.split_at_checked(prefix.len())?;
            let value = self.0.get(key).filter(|_| start.eq_ignore_ascii_case(prefix))?;
            Some((rest, value.as_bytes()))
        })
    }
}

pub(crate) struct TextLines<'a>(pub(crate) Vec<&'a str>);

impl<'a> Lines<'a> for TextLines<'a> {
    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().map(|line| line.as_bytes())
    }
}

/// OpenTelemetry's writing side.
pub(crate) struct TextSink<'c>(pub(crate) &'c mut dyn Injector);

impl Sink for TextSink<'_> {
    fn set(&mut self, name: &'static HeaderName, value: &[u8]) {
        if let Ok(value) = str::from_utf8(value) {
            self.0.set(name.as_str(), value.to_owned());
        }
    }

    fn set_string(&mut self, name: &'static HeaderName, value: String) {
        self.0.set(name.as_str(), value);
    }

    fn set_static(&mut self, name: &'static HeaderName, value: &'static str) {
        self.0.set(name.as_str(), value.to_owned());
    }

    fn set_named(&mut self, name: &str, value: String) {
        self.0.set(name, value);
    }

    fn remove(&mut self, _: &'static HeaderName) {}
}

/// Implements [`Propagator`](crate::Propagator) and OpenTelemetry's `TextMapPropagator` for a
/// [`Codec`] with a method `names` that returns its static [`Names`].
macro_rules! implement_traits {
    ($format:ty) => {
        impl $crate::Propagator for $format {
            fn extract(
                &self,
                headers: &http::HeaderMap,
                parent: &opentelemetry::Context,
            ) -> opentelemetry::Context {
                $crate::carrier::Codec::read(self, headers, parent)
                    .unwrap_or_else(|| parent.clone())
            }

            fn inject(&self, context: &opentelemetry::Context, headers: &mut http::HeaderMap) {
                $crate::carrier::Codec::write(self, context, headers);
            }

            fn header_names(&self) -> &[http::HeaderName] {
                self.names().headers()
            }
        }

        impl opentelemetry::propagation::TextMapPropagator for $format {
            fn inject_context(
                &self,
                context: &opentelemetry::Context,
                injector: &mut dyn opentelemetry::propagation::Injector,
            ) {
                let mut sink = $crate::carrier::TextSink(injector);
                $crate::carrier::Codec::write(self, context, &mut sink);
            }

            fn extract_with_context(
                &self,
                parent: &opentelemetry::Context,
                extractor: &dyn opentelemetry::propagation::Extractor,
            ) -> opentelemetry::Context {
                let source = $crate::carrier::TextSource(extractor);
                $crate::carrier::Codec::read(self, &source, parent)
                    .unwrap_or_else(|| parent.clone())
            }

            fn fields(&self) -> opentelemetry::propagation::text_map_propagator::FieldIter<'_> {
                self.names().fields()
            }
        }
    };
}
pub(crate) use implement_traits;
