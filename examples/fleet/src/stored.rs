//! The traces that samplers have kept.

use crate::{load::CUSTOMER, service::SPANS};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A span, as far as it tells whether its trace is whole.
#[derive(Debug)]
struct Span {
    id: String,
    parent: String,
    name: String,
}

/// All kept spans, by trace.
#[derive(Debug, Default)]
pub(crate) struct Stored(HashMap<u128, Vec<Span>>);

/// What is left of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Whole,
    Partial,
    Missing,
}

impl Stored {
    /// Adds what a file has. A last line that was not written to its end is passed over.
    pub(crate) fn read(&mut self, file: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            for span in list(&line, "resourceSpans")
                .flat_map(|resource| list(resource, "scopeSpans"))
                .flat_map(|scope| list(scope, "spans"))
            {
                self.add(span);
            }
        }
        Ok(())
    }

    fn add(&mut self, span: &Value) {
        let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
        if let Ok(trace) = u128::from_str_radix(&text("traceId"), 16) {
            self.0.entry(trace).or_default().push(Span {
                id: text("spanId"),
                parent: text("parentSpanId"),
                name: text("name"),
            });
        }
    }

    /// A trace is whole if it has every span once, each below another or the customer's.
    pub(crate) fn state(&self, trace: u128) -> State {
        let Some(spans) = self.0.get(&trace) else { return State::Missing };
        let mut names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
        names.sort_unstable();
        let ids: HashSet<_> = spans.iter().map(|span| span.id.as_str()).collect();
        let is_tree =
            spans.iter().all(|span| span.parent == CUSTOMER || ids.contains(span.parent.as_str()));
        if names == SPANS && ids.len() == SPANS.len() && is_tree {
            State::Whole
        } else {
            State::Partial
        }
    }

    /// How many spans were kept.
    pub(crate) fn spans(&self) -> u64 {
        self.0.values().map(|spans| spans.len() as u64).sum()
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored(spans: &[(&str, &str, &str)]) -> Stored {
        let mut stored = Stored::default();
        for (id, parent, name) in spans {
            let trace = format!("{:032x}", 7);
            stored.add(
                &json!({ "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name }),
            );
        }
        stored
    }

    const WHOLE: [(&str, &str, &str); 6] = [
        ("1", CUSTOMER, "GET /buy/{item}"),
        ("2", "1", "GET"),
        ("3", "2", "GET /orders/{item}"),
        ("4", "3", "reserve"),
        ("5", "4", "GET"),
        ("6", "5", "GET /stock/{item}"),
    ];

    #[test]
    fn a_trace_with_every_span_is_whole() {
        assert_eq!(stored(&WHOLE).state(7), State::Whole);
        assert_eq!(stored(&WHOLE).state(8), State::Missing);
    }

    #[test]
    fn a_trace_without_a_span_or_with_one_twice_is_partial() {
        for left_out in 0..WHOLE.len() {
            let mut spans = WHOLE.to_vec();
            spans.remove(left_out);
            assert_eq!(stored(&spans).state(7), State::Partial);
        }
        let mut spans = WHOLE.to_vec();
        spans.push(WHOLE[0]);
        assert_eq!(stored(&spans).state(7), State::Partial);
        let mut spans = WHOLE;
        spans[3].1 = "9";
        assert_eq!(stored(&spans).state(7), State::Partial);
    }
}
