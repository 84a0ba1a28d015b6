//! The language of the filter box.
//!
//! Terms are separated by spaces, and all have to match: `error`, `>200ms`, `<1s`, `service:shop`,
//! `status:502`, `link:<trace id>`, `key=value` for an attribute, and words, which are looked for in
//! names and values. A term in quotes is a word; one after `-` must not match.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewire_text::hex;

use crate::store::Trace;

/// The longest query that is read, and the most terms.
const MOST_BYTES: usize = 1024;
const MOST_TERMS: usize = 16;

/// A filter on traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<(bool, Term)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Error,
    LongerThan(u64),
    ShorterThan(u64),
    Service(String),
    Status(u16),
    Link(String),
    Attribute(String, String),
    Word(String),
}

impl Query {
    /// Reads a query. Every text is one.
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = match text.char_indices().find(|(place, _)| *place >= MOST_BYTES) {
            Some((end, _)) => &text[..end],
            None => text,
        };
        let mut terms = Vec::new();
        while terms.len() < MOST_TERMS {
            rest = rest.trim_start();
            let Some((is_wanted, term, after)) = next_term(rest) else { break };
            terms.extend(term.map(|term| (is_wanted, term)));
            rest = after;
        }
        Self { terms }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    /// Returns whether a trace matches all terms.
    pub(crate) fn matches(&self, trace: &Trace) -> bool {
        // Terms about the summary come first, as the others need decoded spans.
        let summary = |(wanted, term): &(bool, Term)| {
            term.in_summary(trace).is_none_or(|matches| matches == *wanted)
        };
        self.terms.iter().all(summary) && self.matches_spans(trace)
    }

    /// Returns whether one span of a service matches all terms.
    pub(crate) fn matches_span(&self, span: &Span, service: &str) -> bool {
        let matches = |term: &Term| match term {
            Term::Service(name) => service.to_lowercase() == *name,
            term => term.in_span(span),
        };
        self.terms.iter().all(|(wanted, term)| matches(term) == *wanted)
    }

    fn matches_spans(&self, trace: &Trace) -> bool {
        let open = |(_, term): &&(bool, Term)| term.in_summary(trace).is_none();
        let mut open: Vec<_> = self.terms.iter().filter(open).collect();
        for (_, bytes) in trace.body.spans() {
            if open.is_empty() {
                return true;
            }
            let Ok(span) = Span::decode(bytes) else { continue };
            if open.iter().any(|(wanted, term)| !wanted && term.in_span(&span)) {
                return false;
            }
            open.retain(|(wanted, term)| !(*wanted && term.in_span(&span)));
        }
        open.iter().all(|(wanted, _)| !wanted)
    }
}

impl Term {
    fn parse(text: &str) -> Self {
        if text.eq_ignore_ascii_case("error") {
            return Self::Error;
        }
        if let Some(duration) = text.strip_prefix('>').and_then(duration) {
            return Self::LongerThan(duration);
        }
        if let Some(duration) = text.strip_prefix('<').and_then(duration) {
            return Self::ShorterThan(duration);
        }
        if let Some(service) = text.strip_prefix("service:") {
            return Self::Service(service.to_lowercase());
        }
        if let Some(status) = text.strip_prefix("status:").and_then(|status| status.parse().ok()) {
            return Self::Status(status);
        }
        if let Some(id) = text.strip_prefix("link:") {
            return Self::Link(id.to_ascii_lowercase());
        }
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Self::Attribute(key.into(), value.into()),
            _ => Self::Word(text.to_lowercase()),
        }
    }

    /// Returns whether the term matches, if the summary alone can tell.
    fn in_summary(&self, trace: &Trace) -> Option<bool> {
        let summary = &trace.summary;
        match self {
            Self::Error => Some(summary.errors > 0),
            Self::LongerThan(duration) => Some(summary.duration() > *duration),
            Self::ShorterThan(duration) => Some(summary.duration() < *duration),
            Self::Service(name) => {
                Some(trace.services().iter().any(|service| service.to_lowercase() == *name))
            }
            Self::Status(status) => Some(summary.http_status == *status),
            Self::Word(word) => contains(&summary.name, word).then_some(true),
            Self::Attribute(..) | Self::Link(_) => None,
        }
    }

    fn in_span(&self, span: &Span) -> bool {
        match self {
            Self::Attribute(key, value) => has(&span.attributes, key, value),
            Self::Link(id) => span.links.iter().any(|link| hex::to_string(&link.trace_id) == *id),
            Self::Word(word) => {
                let in_event = |event: &opentelemetry_proto::tonic::trace::v1::span::Event| {
                    contains(&event.name, word) || mentions(&event.attributes, word)
                };
                contains(&span.name, word)
                    || mentions(&span.attributes, word)
                    || span.status.as_ref().is_some_and(|status| contains(&status.message, word))
                    || span.events.iter().any(in_event)
            }
            Self::Error => span.status.as_ref().is_some_and(|status| status.code == 2),
            Self::LongerThan(limit) => elapsed(span) > *limit,
            Self::ShorterThan(limit) => elapsed(span) < *limit,
            Self::Status(status) => {
                has(&span.attributes, "http.response.status_code", &status.to_string())
            }
            // A span does not know its service.
            Self::Service(_) => false,
        }
    }
}

fn elapsed(span: &Span) -> u64 {
    span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano)
}

/// The next term, whether it is wanted, and what follows it.
fn next_term(text: &str) -> Option<(bool, Option<Term>, &str)> {
    if text.is_empty() {
        return None;
    }
    let (is_wanted, text) = match text.strip_prefix('-') {
        Some(after) if !after.is_empty() && !after.starts_with(char::is_whitespace) => {
            (false, after)
        }
        _ => (true, text),
    };
    if let Some(quoted) = text.strip_prefix('"') {
        let (word, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        let term = (!word.is_empty()).then(|| Term::Word(word.to_lowercase()));
        return Some((is_wanted, term, after));
    }
    // A value may be in quotes: key="two words".
    if let Some((key, quoted)) = text.split_once("=\"")
        && !key.is_empty()
        && !key.contains(char::is_whitespace)
    {
        let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        return Some((is_wanted, Some(Term::Attribute(key.into(), value.into())), after));
    }
    let (term, after) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    Some((is_wanted, Some(Term::parse(term)), after))
}

/// A duration such as `200ms` or `1.5s`, in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let number: f64 = number.parse().ok()?;
    let nanos = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 6e10,
        _ => return None,
    };
    // A cast saturates.
    Some((number * nanos) as u64)
}

fn contains(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        // `word` is lower case already.
        let mut windows = text.as_bytes().windows(word.len().max(1));
        return word.is_empty() || windows.any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    }
    text.to_lowercase().contains(word)
}

fn has(attributes: &[KeyValue], key: &str, value: &str) -> bool {
    let mut same = attributes.iter().filter(|attribute| attribute.key == key);
    same.any(|attribute| match attribute.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(found) => value.is_empty() || equals(found, value),
        None => value.is_empty(),
    })
}

fn equals(found: &Value, value: &str) -> bool {
    match found {
        Value::StringValue(text) => text == value,
        Value::BoolValue(flag) => value == if *flag { "true" } else { "false" },
        Value::IntValue(number) => value.parse() == Ok(*number),
        Value::DoubleValue(number) => value.parse() == Ok(*number),
        Value::ArrayValue(array) => array.values.iter().any(|item| any_equals(item, value)),
        _ => false,
    }
}

fn any_equals(any: &AnyValue, value: &str) -> bool {
    any.value.as_ref().is_some_and(|found| equals(found, value))
}

fn mentions(attributes: &[KeyValue], word: &str) -> bool {
    attributes.iter().any(|attribute| {
        let value = attribute.value.as_ref().and_then(|any| any.value.as_ref());
        let in_value = match value {
            Some(Value::StringValue(text)) => contains(text, word),
            Some(Value::IntValue(number)) => contains(&number.to_string(), word),
            _ => false,
        };
        in_value || contains(&attribute.key, word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> Vec<(bool, Term)> {
        Query::parse(text).terms
    }

    #[test]
    fn terms_are_read_as_documented() {
        let word = |text: &str| Term::Word(text.to_owned());
        let attribute = |key: &str, value: &str| Term::Attribute(key.into(), value.into());
        for (text, expected) in [
            ("", vec![]),
            ("  error ", vec![(true, Term::Error)]),
            ("-error", vec![(false, Term::Error)]),
            (
                ">200ms <1.5s",
                vec![
                    (true, Term::LongerThan(200_000_000)),
                    (true, Term::ShorterThan(1_500_000_000)),
                ],
            ),
            (">200", vec![(true, word(">200"))]),
            (
                "service:Shop status:502",
                vec![(true, Term::Service("shop".into())), (true, Term::Status(502))],
            ),
            ("status:many", vec![(true, word("status:many"))]),
            (
                "http.route=/a Find",
                vec![(true, attribute("http.route", "/a")), (true, word("find"))],
            ),
            ("a=\"two words\" b", vec![(true, attribute("a", "two words")), (true, word("b"))]),
            ("\"two words\" -\"x y", vec![(true, word("two words")), (false, word("x y"))]),
            ("- =x", vec![(true, word("-")), (true, word("=x"))]),
            ("link:AB", vec![(true, Term::Link("ab".into()))]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_a_bounded_query(text in "\\PC{0,2000}") {
            prop_assert!(Query::parse(&text).len() <= MOST_TERMS);
        }

        #[test]
        fn words_in_quotes_stay_words(word in "[a-z =:<>-]{1,20}") {
            prop_assert_eq!(terms(&format!("\"{word}\"")), vec![(true, Term::Word(word))]);
        }

        #[test]
        fn a_part_of_a_text_is_found_in_any_case(text in "[a-zA-Zäß]{1,20}", from in 0..20_usize) {
            let part: String = text.chars().skip(from.min(text.chars().count() - 1)).collect();
            prop_assert!(contains(&text, &part.to_lowercase()));
        }
    }
}
