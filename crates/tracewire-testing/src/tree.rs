//! Spans as an indented tree, without ids and times.

use crate::{span::Span, value::written};
use opentelemetry::{
    KeyValue,
    trace::{SpanKind, Status},
};
use std::{collections::HashSet, fmt};

/// How much of each span is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Detail {
    /// Name, kind and status.
    Outline,
    /// Attributes, events and links as well.
    Everything,
}

/// One line a span, children below their parent and further in, siblings in the order given.
pub(crate) fn tree(spans: &[Span], detail: Detail) -> String {
    let mut writer = Writer { spans, detail, written: HashSet::new(), text: String::new() };
    for (index, span) in spans.iter().enumerate() {
        if !writer.has_parent(span) {
            writer.span(index, 0);
        }
    }
    // Spans that are each other's ancestors still have to be seen.
    for index in 0..spans.len() {
        writer.span(index, 0);
    }
    writer.text.truncate(writer.text.trim_end().len());
    writer.text
}

struct Writer<'a> {
    spans: &'a [Span],
    detail: Detail,
    written: HashSet<usize>,
    text: String,
}

impl Writer<'_> {
    fn has_parent(&self, span: &Span) -> bool {
        self.spans.iter().any(|other| is_parent(other, span))
    }

    fn span(&mut self, index: usize, depth: usize) {
        if !self.written.insert(index) {
            return;
        }
        let span = &self.spans[index];
        self.line(depth, &self.headline(span));
        if self.detail == Detail::Everything {
            self.attributes(depth, "| ", &span.attributes);
            for event in &span.events {
                self.line(depth, &format!("| ! {}", event.name));
                self.attributes(depth, "|   ", &event.attributes);
            }
            for link in &span.links {
                let target = self.spans.iter().find(|other| other.span_id == link.span_id);
                let name = target.map_or("a span elsewhere", |target| target.name.as_str());
                self.line(depth, &format!("| ~ {name}"));
                self.attributes(depth, "|   ", &link.attributes);
            }
        }
        for child in 0..self.spans.len() {
            if is_parent(span, &self.spans[child]) {
                self.span(child, depth + 1);
            }
        }
    }

    fn headline(&self, span: &Span) -> String {
        let kind = match span.kind {
            SpanKind::Internal => "",
            SpanKind::Client => " [client]",
            SpanKind::Server => " [server]",
            SpanKind::Producer => " [producer]",
            SpanKind::Consumer => " [consumer]",
        };
        let status = match &span.status {
            Status::Unset => String::new(),
            Status::Ok => String::from(" ok"),
            Status::Error { description } if description.is_empty() => String::from(" error"),
            Status::Error { description } => format!(" error: {}", description.escape_debug()),
        };
        let parent = match span.parent_span_id {
            Some(_) if !self.has_parent(span) => " (parent elsewhere)",
            _ => "",
        };
        format!("{}{kind}{status}{parent}", span.name.escape_debug())
    }

    fn attributes(&mut self, depth: usize, prefix: &str, attributes: &[KeyValue]) {
        for attribute in attributes {
            self.line(depth, &format!("{prefix}{}", written(attribute)));
        }
    }

    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn is_parent(parent: &Span, child: &Span) -> bool {
    child.parent_span_id == Some(parent.span_id) && child.trace_id == parent.trace_id
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&tree(std::slice::from_ref(self), Detail::Everything))
    }
}
