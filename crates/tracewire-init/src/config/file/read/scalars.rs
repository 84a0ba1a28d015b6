//! Scalars by the type that a reader wants, and how messages show what stands there instead.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value as Json;

use super::Cursor;
use crate::config::file::position::Spanned;
use crate::config::file::scalar::{Resolved, resolve};
use crate::config::file::tree::{Content, Scalar};
use tracewire_export::wiring::shown::Shown;

/// As for variables: the largest number of items, bytes or milliseconds.
pub(crate) const MOST: i64 = i32::MAX as i64;

/// Reads text; a function for where a method's lifetime would be too narrow.
pub(crate) fn text(cursor: Cursor<'_>) -> Option<Spanned<String>> {
    cursor.text()
}

/// Reads a boolean, likewise.
pub(crate) fn boolean(cursor: Cursor<'_>) -> Option<Spanned<bool>> {
    cursor.boolean()
}

impl<'a> Cursor<'a> {
    /// Text that is quoted, or plain and of no other type.
    pub(crate) fn text(self) -> Option<Spanned<String>> {
        match (self.scalar(), self.resolved()) {
            (Some(scalar), Some(Resolved::Text)) => Some(self.spanned(scalar.text.clone())),
            (Some(_), Some(Resolved::Null)) | (None, _) | (_, None) => {
                self.unexpected("text");
                None
            }
            (Some(scalar), Some(_)) => {
                let quoted = if scalar.variables.is_empty() { "it" } else { "the reference" };
                self.unexpected(format_args!("text; put {quoted} in quotes"));
                None
            }
        }
    }

    pub(crate) fn boolean(self) -> Option<Spanned<bool>> {
        match self.resolved() {
            Some(Resolved::Boolean(value)) => Some(self.spanned(value)),
            _ => {
                self.unexpected(format_args!("true or false{}", self.quotes_hint()));
                None
            }
        }
    }

    /// A whole number. `1.0` is one, as it is in the schema.
    pub(crate) fn whole(self, range: RangeInclusive<i64>) -> Option<Spanned<i64>> {
        self.whole_of(range, "")
    }

    /// How many items or bytes, up to 2³¹−1.
    pub(crate) fn size(self, least: i64) -> Option<Spanned<usize>> {
        let found = self.whole(least..=MOST)?;
        Some(self.spanned(usize::try_from(found.value).ok()?))
    }

    /// A limit, at least `least`. Larger ones than a `usize` has are as good as none.
    pub(crate) fn limit(self, least: i64) -> Option<Spanned<usize>> {
        let found = self.whole(least..=i64::MAX)?;
        Some(self.spanned(usize::try_from(found.value).unwrap_or(usize::MAX)))
    }

    /// Whole milliseconds, up to 2³¹−1 of them.
    pub(crate) fn milliseconds(self, least: i64) -> Option<Spanned<Duration>> {
        let found = self.whole_of(least..=MOST, ", in milliseconds")?;
        Some(self.spanned(Duration::from_millis(u64::try_from(found.value).ok()?)))
    }

    pub(crate) fn number(self, range: RangeInclusive<f64>) -> Option<Spanned<f64>> {
        let value = self.resolved().and_then(Resolved::number);
        match value.filter(|value| range.contains(value)) {
            Some(value) => Some(self.spanned(value)),
            None => {
                let (least, most) = (range.start(), range.end());
                let hint = self.quotes_hint();
                self.unexpected(format_args!("a number from {least} to {most}{hint}"));
                None
            }
        }
    }

    /// Any number that is one.
    pub(crate) fn finite(self) -> Option<Spanned<f64>> {
        match self.resolved().and_then(Resolved::number).filter(|value| value.is_finite()) {
            Some(value) => Some(self.spanned(value)),
            None => {
                self.unexpected(format_args!("a number{}", self.quotes_hint()));
                None
            }
        }
    }

    /// One of these words.
    pub(crate) fn choice<T: Clone>(self, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = match (self.scalar(), self.resolved()) {
            (Some(scalar), Some(Resolved::Text)) => scalar.text.as_str(),
            _ => "",
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(self.spanned(value.clone()));
        }
        let hint = self.reading.hint(text, words.iter().map(|&(word, _)| word));
        let words: Vec<_> = words.iter().map(|&(word, _)| word).collect();
        self.unexpected(format_args!("one of: {}{hint}", words.join(", ")));
        None
    }

    /// What the schema's extensions get: the value as JSON, with types as in the file.
    pub(crate) fn json(self) -> Json {
        match &self.node.content {
            Content::Broken => Json::Null,
            Content::Scalar(scalar) => match self.resolved() {
                None | Some(Resolved::Null) => Json::Null,
                Some(Resolved::Boolean(value)) => Json::Bool(value),
                Some(Resolved::Whole(value)) => Json::from(value),
                Some(Resolved::Number(value)) => Json::from(value),
                Some(Resolved::Text) => Json::String(scalar.text.clone()),
            },
            Content::Sequence(items) => {
                items.iter().map(|item| Cursor { node: item, ..self }.json()).collect()
            }
            Content::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), Cursor { node: &entry.value, ..self }.json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// The scalar as it is written, whatever its type; `None` for collections.
    pub(crate) fn scalar(self) -> Option<&'a Scalar> {
        match &self.node.content {
            Content::Scalar(scalar) => Some(scalar),
            Content::Sequence(_) | Content::Mapping(_) | Content::Broken => None,
        }
    }

    /// The scalar's type; `None` for collections.
    pub(crate) fn resolved(self) -> Option<Resolved> {
        self.scalar().map(|scalar| match scalar.is_plain {
            true => resolve(&scalar.text),
            false => Resolved::Text,
        })
    }

    pub(crate) fn is_sequence(self) -> bool {
        matches!(self.node.content, Content::Sequence(_))
    }

    pub(crate) fn is_mapping(self) -> bool {
        matches!(self.node.content, Content::Mapping(_))
    }

    pub(crate) fn spanned<T>(self, value: T) -> Spanned<T> {
        Spanned { value, place: self.place() }
    }

    /// The value as messages may have it.
    pub(super) fn shown(self) -> String {
        match &self.node.content {
            Content::Sequence(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
            _ if self.is_null() => "an empty value".to_owned(),
            _ if self.is_secret => "the value (not shown)".to_owned(),
            Content::Broken => String::new(),
            Content::Scalar(scalar) => match self.resolved() {
                Some(Resolved::Text) if scalar.text.contains("://") => {
                    Shown::endpoint(&scalar.text).to_string()
                }
                Some(Resolved::Text) => Shown::value(&scalar.text).to_string(),
                _ => Shown::value(scalar.text.trim()).text().to_owned(),
            },
        }
    }

    /// ` (from ${QUEUE})`, or nothing.
    pub(super) fn origin(self) -> String {
        /// More of them are not worth reading.
        const MOST_NAMED: usize = 3;
        let variables = self.scalar().map_or(&[][..], |scalar| &scalar.variables);
        if variables.is_empty() {
            return String::new();
        }
        let named = variables
            .iter()
            .take(MOST_NAMED)
            .map(|name| format!("${{{}}}", tracewire_text::shortened(name, 64)));
        format!(" (from {})", named.collect::<Vec<_>>().join(", "))
    }

    fn whole_of(self, range: RangeInclusive<i64>, unit: &str) -> Option<Spanned<i64>> {
        let value = self.resolved().and_then(Resolved::whole);
        match value.filter(|value| range.contains(value)) {
            Some(value) => Some(self.spanned(value)),
            None => {
                let (range, hint) = (Whole(range), self.quotes_hint());
                self.unexpected(format_args!("a whole number{range}{unit}{hint}"));
                None
            }
        }
    }

    /// For a number or a boolean that only its quotes make text.
    fn quotes_hint(self) -> &'static str {
        match self.scalar() {
            Some(Scalar { is_plain: false, text, .. })
                if !matches!(resolve(text), Resolved::Text | Resolved::Null) =>
            {
                "; remove the quotes, which make it text"
            }
            _ => "",
        }
    }
}

impl Resolved {
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(value as f64),
            Self::Number(value) => Some(value),
            Self::Null | Self::Boolean(_) | Self::Text => None,
        }
    }

    pub(crate) fn whole(self) -> Option<i64> {
        match self {
            Self::Whole(value) => Some(value),
            // Every float of this size without a fraction is a number of 64 bits.
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 9e18 => Some(value as i64),
            _ => None,
        }
    }
}

/// ` from 0 to 10`, without an end that every number of 64 bits is within.
struct Whole(RangeInclusive<i64>);

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (*self.0.start(), *self.0.end());
        if least > i64::MIN {
            write!(f, " from {least}")?;
        }
        if most < i64::MAX { write!(f, " to {most}") } else { Ok(()) }
    }
}
