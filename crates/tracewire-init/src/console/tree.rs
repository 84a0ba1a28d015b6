//! A trace as a tree of lines.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use opentelemetry::trace::{Event, SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::paint::Paint;
use tracewire_text::shortened;

/// Names are aligned up to this many columns; longer ones push their line's rest to the right.
const MOST_ALIGNED: usize = 64;
const MOST_NAME: usize = 80;
const MOST_VALUE: usize = 80;
const MOST_MESSAGE: usize = 160;
const MOST_ATTRIBUTES: usize = 8;
const MOST_EVENTS: usize = 8;

/// The spans of one trace, drawn with a header line.
///
/// A span hangs under its parent if that is among `spans`, else it is a root of its own. Siblings
/// stand in the order in which they started.
pub(crate) fn render(spans: &[SpanData], paint: Paint) -> String {
    let mut lines = Vec::with_capacity(spans.len());
    let forest = Forest::of(spans);
    let roots = forest.roots.len();
    for (index, &root) in forest.roots.iter().enumerate() {
        forest.walk(root, "", index + 1 == roots, &mut lines);
    }
    let column = lines
        .iter()
        .map(|line| line.width)
        .filter(|&width| width <= MOST_ALIGNED)
        .max()
        .unwrap_or_default();
    let mut out = header(spans, paint);
    for line in &lines {
        line.draw(column, paint, &mut out);
    }
    out
}

struct Forest<'a> {
    roots: Vec<&'a SpanData>,
    children: HashMap<SpanId, Vec<&'a SpanData>>,
}

impl<'a> Forest<'a> {
    fn of(spans: &'a [SpanData]) -> Self {
        let present: HashSet<SpanId> =
            spans.iter().map(|span| span.span_context.span_id()).collect();
        let mut ordered: Vec<&SpanData> = spans.iter().collect();
        ordered.sort_by_key(|span| span.start_time);
        let mut forest = Self { roots: Vec::new(), children: HashMap::new() };
        for span in ordered {
            if present.contains(&span.parent_span_id) {
                forest.children.entry(span.parent_span_id).or_default().push(span);
            } else {
                forest.roots.push(span);
            }
        }
        forest
    }

    fn walk(&self, span: &'a SpanData, indent: &str, is_last: bool, lines: &mut Vec<Line<'a>>) {
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let indent_below = format!("{indent}{below}");
        let children = self.children.get(&span.span_context.span_id());
        let name = shortened(&span.name, MOST_NAME);
        let tree = format!("{indent}{branch}");
        let kind = kind(&span.span_kind);
        lines.push(Line {
            width: tree.chars().count() + kind.len() + name.chars().count(),
            tree,
            kind,
            name,
            span,
            events_indent: format!(
                "{indent_below}{}",
                if children.is_some() { "│  " } else { "   " }
            ),
        });
        let children = children.map_or(&[][..], Vec::as_slice);
        for (index, child) in children.iter().enumerate() {
            self.walk(child, &indent_below, index + 1 == children.len(), lines);
        }
    }
}

fn header(spans: &[SpanData], paint: Paint) -> String {
    let Some(first) = spans.first() else {
        return String::new();
    };
    let begun = spans.iter().map(|span| span.start_time).min();
    let ended = spans.iter().map(|span| span.end_time).max();
    let lasted = begun.zip(ended).and_then(|(begun, ended)| ended.duration_since(begun).ok());
    let number = match spans.len() {
        1 => "1 span".to_owned(),
        number => format!("{number} spans"),
    };
    format!(
        "{} {} {}\n",
        paint.bold("trace"),
        paint.bold(first.span_context.trace_id()),
        paint.dim(format_args!("· {number} · {}", duration(lasted.unwrap_or_default()))),
    )
}

struct Line<'a> {
    tree: String,
    kind: &'static str,
    name: String,
    /// Columns of the three above.
    width: usize,
    span: &'a SpanData,
    events_indent: String,
}

impl Line<'_> {
    fn draw(&self, column: usize, paint: Paint, out: &mut String) {
        let span = self.span;
        let pad = column.saturating_sub(self.width);
        let lasted = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let _ = write!(
            out,
            "{}{}{}{:pad$}  {:>9}",
            paint.dim(&self.tree),
            paint.cyan(self.kind),
            paint.bold(&self.name),
            "",
            duration(lasted),
        );
        if let Some(code) = http_status(span) {
            let _ = match code {
                ..300 => write!(out, "  {}", paint.green(code)),
                300..400 => write!(out, "  {}", paint.cyan(code)),
                400..500 => write!(out, "  {}", paint.yellow(code)),
                500.. => write!(out, "  {}", paint.red(code)),
            };
        }
        if let Some(fault) = fault(span) {
            let _ = write!(out, "  {}", paint.red(format_args!("✗{fault}")));
        }
        for (key, value) in shown_attributes(span) {
            let pair = format_args!("{}={}", shortened(key, MOST_NAME), value).to_string();
            let _ = write!(out, "  {}", paint.dim(pair));
        }
        if span.parent_span_is_remote && span.parent_span_id != SpanId::INVALID && self.is_root() {
            let _ = write!(out, "  {}", paint.dim(format_args!("← {}", span.parent_span_id)));
        }
        out.push('\n');
        for event in span.events.iter().take(MOST_EVENTS) {
            self.draw_event(event, paint, out);
        }
    }

    fn draw_event(&self, event: &Event, paint: Paint, out: &mut String) {
        let span = self.span;
        let since = event.timestamp.duration_since(span.start_time).unwrap_or_default();
        let mark = if event.name == "exception" { "! " } else { "· " };
        let _ = write!(
            out,
            "{}{}{} {}",
            paint.dim(&self.events_indent),
            paint.red(mark),
            shortened(&event.name, MOST_NAME),
            paint.dim(format_args!("+{}", duration(since))),
        );
        let is_said = |attribute: &KeyValue| match attribute.key.as_str() {
            "exception.stacktrace" => true,
            "exception.message" => is_description(&span.status, &attribute.value.as_str()),
            _ => false,
        };
        let attributes = event.attributes.iter().filter(|attribute| !is_said(attribute));
        for attribute in attributes.take(MOST_ATTRIBUTES) {
            let _ = write!(out, "  {}", paint.dim(pair(attribute)));
        }
        out.push('\n');
    }

    /// Whether it stands at the left edge: its parent is not drawn.
    fn is_root(&self) -> bool {
        self.tree.chars().count() == 3
    }
}

/// What went wrong, if anything did and the status code does not say it already.
fn fault(span: &SpanData) -> Option<String> {
    let Status::Error { description } = &span.status else { return None };
    let error_type = text_of(span, "error.type").unwrap_or_default();
    let code = http_status(span).map(|code| code.to_string());
    let fault = if !description.is_empty() {
        description
    } else if code.as_ref() == Some(&error_type) {
        return Some(String::new());
    } else if error_type.is_empty() {
        "error"
    } else {
        &error_type
    };
    Some(format!(" {}", shortened(fault, MOST_MESSAGE)))
}

fn is_description(status: &Status, text: &str) -> bool {
    matches!(status, Status::Error { description } if description == text)
}

fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "",
        SpanKind::Server => "SERVER ",
        SpanKind::Client => "CLIENT ",
        SpanKind::Producer => "PRODUCER ",
        SpanKind::Consumer => "CONSUMER ",
    }
}

fn http_status(span: &SpanData) -> Option<i64> {
    match find(span, "http.response.status_code")? {
        Value::I64(code) => Some(*code),
        _ => None,
    }
}

fn text_of(span: &SpanData, key: &str) -> Option<String> {
    find(span, key).map(|value| value.as_str().into_owned())
}

fn find<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|kv| &kv.value)
}

/// What is worth a place on the line: where a request went, and what the application added.
fn shown_attributes(span: &SpanData) -> Vec<(&str, String)> {
    // The conventions' own attributes are in the name and the status already.
    const CONVENTIONS: [&str; 12] = [
        "client.",
        "code.",
        "error.",
        "exception.",
        "http.",
        "network.",
        "otel.",
        "process.",
        "server.",
        "thread.",
        "url.",
        "user_agent.",
    ];
    let target = match span.span_kind {
        SpanKind::Client => text_of(span, "url.full").map(|url| ("url", url)),
        SpanKind::Server => {
            let path = text_of(span, "url.path");
            // The route says it already.
            path.filter(|path| !span.name.ends_with(path.as_str())).map(|path| ("path", path))
        }
        _ => None,
    };
    let own = span
        .attributes
        .iter()
        .filter(|attribute| {
            let key = attribute.key.as_str();
            !CONVENTIONS.iter().any(|prefix| key.starts_with(prefix))
        })
        .map(|attribute| (attribute.key.as_str(), attribute.value.as_str().into_owned()));
    target
        .into_iter()
        .chain(own)
        .take(MOST_ATTRIBUTES)
        .map(|(key, value)| (key, shortened(&value, MOST_VALUE)))
        .collect()
}

fn pair(attribute: &KeyValue) -> String {
    let key = shortened(attribute.key.as_str(), MOST_NAME);
    let most = if key == "exception.message" { MOST_MESSAGE } else { MOST_VALUE };
    format!("{key}={}", shortened(&attribute.value.as_str(), most))
}

/// Three digits and a unit.
pub(crate) fn duration(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..1.0 => "0 µs".to_owned(),
        ..999.5 => format!("{micros:.0} µs"),
        ..99_950.0 => format!("{:.1} ms", micros / 1e3),
        ..999_500.0 => format!("{:.0} ms", micros / 1e3),
        ..99_950_000.0 => format!("{:.2} s", micros / 1e6),
        _ => format!("{:.0} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, at};
    use super::*;

    const PLAIN: Paint = Paint { on: false };

    #[test]
    fn two_services_stand_in_one_tree() {
        let shop = Sample::new(1).kind(SpanKind::Server).name("GET /orders/{id}").time(0, 14_200);
        let order = Sample::new(2).under(1).name("price the order").time(500, 13_500);
        let call = Sample::new(3).under(2).kind(SpanKind::Client).name("GET").time(600, 4_700);
        let stock = Sample::new(4)
            .under_remote(3)
            .kind(SpanKind::Server)
            .name("GET /items/{id}")
            .time(1_000, 2_200);
        let failing = Sample::new(5).under(2).kind(SpanKind::Client).name("GET").time(5_000, 9_400);
        let spans = [
            stock.attribute("http.response.status_code", 200).attribute("url.path", "/items/1"),
            call.attribute("http.response.status_code", 200)
                .attribute("url.full", "http://127.0.0.1:4001/items/1"),
            failing
                .attribute("http.response.status_code", 500)
                .attribute("error.type", "500")
                .attribute("url.full", "http://127.0.0.1:4001/items/13")
                .error(""),
            order.attribute("order.items", 2).error("no price for item 13"),
            shop.attribute("http.response.status_code", 502)
                .attribute("http.route", "/orders/{id}")
                .attribute("url.path", "/orders/7")
                .error(""),
        ]
        .map(Sample::span);
        let drawn = render(&spans, PLAIN);
        assert_eq!(
            drawn,
            "\
trace 0000000000000000000000000000002a · 5 spans · 14.2 ms
└─ SERVER GET /orders/{id}            14.2 ms  502  ✗ error  path=/orders/7
   └─ price the order                 13.0 ms  ✗ no price for item 13  order.items=2
      ├─ CLIENT GET                    4.1 ms  200  url=http://127.0.0.1:4001/items/1
      │  └─ SERVER GET /items/{id}     1.2 ms  200  path=/items/1
      └─ CLIENT GET                    4.4 ms  500  ✗  url=http://127.0.0.1:4001/items/13
"
        );
    }

    #[test]
    fn a_parent_elsewhere_is_named_and_exceptions_stand_below() {
        let mut span = Sample::new(1).under_remote(9).name("GET /").kind(SpanKind::Server).span();
        span.events.events.push(Event::new(
            "exception",
            at(3_000),
            vec![KeyValue::new("exception.message", "no\nluck")],
            0,
        ));
        assert_eq!(
            render(&[span], PLAIN),
            "\
trace 0000000000000000000000000000002a · 1 span · 1.0 ms
└─ SERVER GET /     1.0 ms  ← 0000000000000009
      ! exception +3.0 ms  exception.message=no\\nluck
"
        );
    }

    #[test]
    fn an_error_says_its_cause_once() {
        let failing = || Sample::new(1).attribute("http.response.status_code", 500);
        let line = |sample: Sample| {
            let drawn = render(&[sample.span()], PLAIN);
            drawn.lines().nth(1).unwrap().split_once("500").unwrap().1.to_owned()
        };
        assert_eq!(line(failing()), "");
        assert_eq!(line(failing().attribute("error.type", "500").error("")), "  ✗");
        assert_eq!(line(failing().attribute("error.type", "cancelled").error("")), "  ✗ cancelled");
        assert_eq!(line(failing().error("")), "  ✗ error");
        assert_eq!(line(failing().attribute("error.type", "x").error("no luck")), "  ✗ no luck");

        let mut span = failing().error("no luck").span();
        let attributes = vec![
            KeyValue::new("exception.type", "NoLuck"),
            KeyValue::new("exception.message", "no luck"),
            KeyValue::new("exception.stacktrace", "1: main"),
        ];
        span.events.events.push(Event::new("exception", at(0), attributes, 0));
        let drawn = render(&[span], PLAIN);
        assert_eq!(drawn.lines().nth(2), Some("      ! exception +0 µs  exception.type=NoLuck"));
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let mut span = Sample::new(1)
            .name("GET \u{1b}]0;owned\u{7}\n")
            .attribute("key\u{1b}", "\u{1b}[2J\u{202e}")
            .error("\u{9b}31m\r")
            .span();
        span.events.events.push(Event::new(
            "event\u{1b}",
            at(0),
            vec![KeyValue::new("k\u{1b}", "\u{1b}")],
            0,
        ));
        let drawn = render(&[span], PLAIN);
        assert_eq!(drawn.lines().count(), 3);
        assert!(!drawn.chars().any(|c| c != '\n' && c.is_control()), "{drawn:?}");
        assert!(!drawn.contains('\u{202e}'));
    }

    #[test]
    fn colors_change_nothing_but_colors() {
        let spans = [Sample::new(1).attribute("http.response.status_code", 404).error("x").span()];
        let mut colored = render(&spans, Paint { on: true });
        while let Some(start) = colored.find('\x1b') {
            let end = start + colored[start..].find('m').unwrap();
            colored.replace_range(start..=end, "");
        }
        assert_eq!(colored, render(&spans, PLAIN));
    }

    #[test]
    fn durations_have_three_digits() {
        for (micros, shown) in [
            (0, "0 µs"),
            (812, "812 µs"),
            (1_000, "1.0 ms"),
            (14_230, "14.2 ms"),
            (142_300, "142 ms"),
            (999_600, "1.00 s"),
            (1_520_000, "1.52 s"),
            (101_000_000, "101 s"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), shown);
        }
    }
}
