//! Ended spans together, with assertions.

use crate::{
    span::Span,
    text::{dedent, difference},
    tree::{Detail, tree},
};
use opentelemetry::{Value, trace::SpanKind};
use std::{fmt, ops::Deref, sync::Arc};

/// Spans that have ended, in the order of their starts. A slice of [`Span`]s, printed as a tree.
///
/// ```
/// # use tracewire_span::span;
/// # use tracewire_testing::Capture;
/// # let capture = Capture::new();
/// capture.in_scope(|| {
///     let refused: Result<(), _> = span("checkout").in_scope(|| {
///         span("charge").attribute("amount", 5).in_scope(|| Err("card refused"))
///     });
/// });
/// let spans = capture.spans();
/// spans.assert_tree("
///     checkout error: card refused
///       charge error: card refused
/// ");
/// spans.one("charge").has("amount", 5).is_child_of(&spans.one("checkout"));
/// ```
#[derive(Clone)]
pub struct Spans(Arc<[Span]>);

impl Spans {
    pub(crate) fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_by(|a, b| (a.start_time, &a.name).cmp(&(b.start_time, &b.name)));
        Self(spans.into())
    }

    /// The one span of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, name: &str) -> Span {
        let mut named = self.named(name).into_iter();
        match (named.next(), named.next()) {
            (Some(span), None) => span,
            (None, _) => panic!("expected a span {name:?}\n\nall spans:\n{self}"),
            (Some(_), Some(_)) => {
                panic!("expected one span {name:?}, but found several\n\nall spans:\n{self}")
            }
        }
    }

    /// The only span.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn only(&self) -> Span {
        match &self[..] {
            [span] => Span { family: Some(Arc::clone(&self.0)), ..span.clone() },
            spans => panic!("expected one span, but found {}\n\nall spans:\n{self}", spans.len()),
        }
    }

    /// All spans of this kind.
    pub fn of_kind(&self, kind: SpanKind) -> Self {
        Self(self.iter().filter(|span| span.kind == kind).cloned().collect())
    }

    /// All spans of this name.
    pub fn named(&self, name: &str) -> Vec<Span> {
        let named = self.iter().filter(|span| span.name == name);
        named.map(|span| Span { family: Some(Arc::clone(&self.0)), ..span.clone() }).collect()
    }

    /// Names, kinds and statuses, one line a span, children below their parent and further in.
    pub fn tree(&self) -> String {
        tree(self, Detail::Outline)
    }

    /// Everything but ids and times: as [`tree`](Self::tree), with attributes, events (`!`) and
    /// links (`~`) on lines that begin with `|`.
    pub fn snapshot(&self) -> String {
        tree(self, Detail::Everything)
    }

    /// Asserts the [`tree`](Self::tree). The indentation that all expected lines share does not count.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        if let Some(difference) = difference(&dedent(expected), &self.tree()) {
            panic!("{difference}\nall spans:\n{self}");
        }
    }

    /// Asserts the [`snapshot`](Self::snapshot), so that an attribute too many fails as well.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn assert_snapshot(&self, expected: &str) {
        if let Some(difference) = difference(&dedent(expected), &self.snapshot()) {
            panic!("{difference}");
        }
    }

    /// Returns the spans with `…` in place of the values of these attributes, for values that
    /// change from run to run, such as ports and sizes.
    pub fn without_values_of<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut spans = self.0.to_vec();
        for key in keys {
            let attributes = spans.iter_mut().flat_map(|span| {
                let events = span.events.iter_mut().flat_map(|event| &mut event.attributes);
                let links = span.links.iter_mut().flat_map(|link| &mut link.attributes);
                span.attributes.iter_mut().chain(events).chain(links)
            });
            for attribute in attributes.filter(|own| own.key.as_str() == key) {
                attribute.value = Value::from("…");
            }
        }
        Self::new(spans)
    }

    /// The spans with siblings in the order of their names, for work done at the same time.
    pub fn by_name(&self) -> Self {
        let mut spans = self.0.to_vec();
        spans.sort_by(|a, b| (&a.name, a.start_time).cmp(&(&b.name, b.start_time)));
        Self(spans.into())
    }
}

impl Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.0
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("(no spans)");
        }
        f.write_str(&self.snapshot())
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
