//! A trace as a tree of lines.

use super::{
    buffer::Finished,
    forest::{Placed, place},
    paint::Paint,
};
use opentelemetry::{
    KeyValue, Value,
    trace::{Event, Link, SpanId, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;
use std::{fmt::Write as _, time::Duration};
use tracewire_text::shortened;

/// Names are aligned up to this many columns; longer ones push their line's rest to the right.
const MOST_ALIGNED: usize = 64;
const MOST_NAME: usize = 80;
const MOST_VALUE: usize = 80;
const MOST_MESSAGE: usize = 160;
const MOST_ATTRIBUTES: usize = 8;
const MOST_EVENTS: usize = 8;
const MOST_LINKS: usize = 8;

/// The spans of one trace: a header, a line for each span with its links and events, where the trace is
/// shown if there is a page, and an empty line.
pub(super) fn render(spans: &[Finished], paint: Paint, page: Option<&str>) -> String {
    let Some(first) = spans.first() else { return String::new() };
    let is_one_service = spans.iter().all(|own| own.origin.service == first.origin.service);
    let placed = place(spans);
    let lines: Vec<_> = placed.iter().map(|own| Line::new(own, !is_one_service)).collect();
    let column = lines
        .iter()
        .map(|line| line.width)
        .filter(|&width| width <= MOST_ALIGNED)
        .max()
        .unwrap_or_default();
    let service = first.origin.service.as_deref().filter(|_| is_one_service);
    let mut out = header(spans, first, service, paint);
    for line in &lines {
        line.draw(column, paint, &mut out);
    }
    if let Some(page) = page {
        let link = format_args!("→ {page}{}", first.span.span_context.trace_id());
        let _ = writeln!(out, "{}", paint.dim(link));
    }
    out.push('\n');
    out
}

fn header(spans: &[Finished], first: &Finished, service: Option<&str>, paint: Paint) -> String {
    let begun = spans.iter().map(|own| own.span.start_time).min();
    let ended = spans.iter().map(|own| own.span.end_time).max();
    let lasted = begun.zip(ended).and_then(|(begun, ended)| ended.duration_since(begun).ok());
    let service = service.map_or_else(String::new, |name| {
        format!("{} {} ", paint.dim("·"), paint.magenta(shortened(name, MOST_NAME)))
    });
    let number = match spans.len() {
        1 => "1 span".to_owned(),
        number => format!("{number} spans"),
    };
    format!(
        "{} {} {service}{}\n",
        paint.bold("trace"),
        paint.bold(first.span.span_context.trace_id()),
        paint.dim(format_args!("· {number} · {}", duration(lasted.unwrap_or_default()))),
    )
}

struct Line<'a> {
    placed: &'a Placed<'a>,
    span: &'a SpanData,
    /// The service's name with a colon, where another service begins.
    service: String,
    kind: &'static str,
    name: String,
    /// Columns of the branch and the three above.
    width: usize,
}

impl<'a> Line<'a> {
    fn new(placed: &'a Placed<'a>, names_services: bool) -> Self {
        let of = |finished: &'a Finished| finished.origin.service.as_deref();
        let service = match of(placed.finished) {
            Some(name) if names_services && placed.parent.and_then(of) != Some(name) => {
                format!("{}: ", shortened(name, MOST_NAME))
            }
            _ => String::new(),
        };
        let span = &placed.finished.span;
        let kind = kind(&span.span_kind);
        let name = shortened(&span.name, MOST_NAME);
        let columns = |text: &str| text.chars().count();
        let width = columns(&placed.branch) + columns(&service) + kind.len() + columns(&name);
        Self { placed, span, service, kind, name, width }
    }
}

impl Line<'_> {
    fn draw(&self, column: usize, paint: Paint, out: &mut String) {
        let span = self.span;
        let pad = column.saturating_sub(self.width);
        let lasted = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let _ = write!(
            out,
            "{}{}{}{}{:pad$}  {:>9}",
            paint.dim(&self.placed.branch),
            paint.magenta(&self.service),
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
        if self.placed.parent.is_none() && span.parent_span_id != SpanId::INVALID {
            let remote = if span.parent_span_is_remote { "remote " } else { "" };
            let _ = write!(
                out,
                "  {}",
                paint.dim(format_args!("{remote}parent {}", span.parent_span_id))
            );
        }
        out.push('\n');
        for link in span.links.iter().take(MOST_LINKS) {
            self.draw_link(link, paint, out);
        }
        self.draw_rest(span.links.len(), MOST_LINKS, "links", paint, out);
        for event in span.events.iter().take(MOST_EVENTS) {
            self.draw_event(event, paint, out);
        }
        self.draw_rest(span.events.len(), MOST_EVENTS, "events", paint, out);
    }

    fn draw_link(&self, link: &Link, paint: Paint, out: &mut String) {
        let (to, own) = (&link.span_context, &self.span.span_context);
        let _ = write!(out, "{}→ link to ", paint.dim(&self.placed.below));
        if to.trace_id() != own.trace_id() {
            let _ = write!(out, "trace {} ", to.trace_id());
        }
        let _ = write!(out, "span {}", to.span_id());
        for attribute in link.attributes.iter().take(MOST_ATTRIBUTES) {
            let _ = write!(out, "  {}", paint.dim(pair(attribute)));
        }
        out.push('\n');
    }

    /// How many there are beyond those that are shown.
    fn draw_rest(&self, all: usize, shown: usize, what: &str, paint: Paint, out: &mut String) {
        if all > shown {
            let rest = format_args!("{}… {} more {what}", self.placed.below, all - shown);
            let _ = writeln!(out, "{}", paint.dim(rest));
        }
    }

    fn draw_event(&self, event: &Event, paint: Paint, out: &mut String) {
        let span = self.span;
        let since = event.timestamp.duration_since(span.start_time).unwrap_or_default();
        let mark = if event.name == "exception" { "! " } else { "· " };
        let _ = write!(
            out,
            "{}{}{} {}",
            paint.dim(&self.placed.below),
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
    use super::*;
    use crate::sample::{Sample, at};
    use opentelemetry::trace::{SpanContext, TraceFlags, TraceId, TraceState};
    use std::sync::Arc;

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
        .map(Sample::finished);
        let drawn = render(&spans, PLAIN, None);
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
        let sample = Sample::new(1).under_remote(9).name("GET /").kind(SpanKind::Server);
        let mut span = sample.finished();
        Arc::make_mut(&mut span.span).events.events.push(Event::new(
            "exception",
            at(3_000),
            vec![KeyValue::new("exception.message", "no\nluck")],
            0,
        ));
        assert_eq!(
            render(&[span], PLAIN, None),
            "\
trace 0000000000000000000000000000002a · 1 span · 1.0 ms
└─ SERVER GET /     1.0 ms  remote parent 0000000000000009
      ! exception +3.0 ms  exception.message=no\\nluck

"
        );
    }

    #[test]
    fn services_are_named_where_another_one_begins() {
        let spans = || {
            [
                Sample::new(1).kind(SpanKind::Server).name("GET /orders"),
                Sample::new(2).under(1).kind(SpanKind::Client).name("GET"),
                Sample::new(3).under_remote(2).kind(SpanKind::Server).name("GET /items"),
                Sample::new(4).under(3).name("look up"),
            ]
        };
        let of = |services: [Option<&str>; 4]| {
            let finished: Vec<_> =
                spans().into_iter().zip(services).map(|(span, of)| span.of(of)).collect();
            render(&finished, PLAIN, None)
        };
        let (shop, stock) = (Some("shop"), Some("stock"));
        assert_eq!(
            of([shop, shop, stock, stock]),
            "\
trace 0000000000000000000000000000002a · 4 spans · 1.0 ms
└─ shop: SERVER GET /orders           1.0 ms
   └─ CLIENT GET                      1.0 ms
      └─ stock: SERVER GET /items     1.0 ms
         └─ look up                   1.0 ms

"
        );
        let header = |drawn: String| drawn.lines().next().unwrap().to_owned();
        let trace = "trace 0000000000000000000000000000002a · ";
        assert_eq!(header(of([shop; 4])), format!("{trace}shop · 4 spans · 1.0 ms"));
        assert!(!of([shop; 4]).contains("shop:"));
        assert_eq!(header(of([None; 4])), format!("{trace}4 spans · 1.0 ms"));
    }

    #[test]
    fn links_stand_below_their_span_and_say_where_they_lead() {
        let mut finished = Sample::new(1).name("ship").finished();
        let link = |trace: u128, span: u64, attributes| {
            let (trace, span) = (TraceId::from(trace), SpanId::from(span));
            let flags = TraceFlags::SAMPLED;
            Link::new(SpanContext::new(trace, span, flags, true, TraceState::NONE), attributes, 0)
        };
        let links = &mut Arc::make_mut(&mut finished.span).links.links;
        links.push(link(7, 8, vec![KeyValue::new("order", "a\nb")]));
        links.push(link(42, 9, Vec::new()));
        links.extend((0..8).map(|span| link(42, 10 + span, Vec::new())));
        let drawn = render(&[finished], PLAIN, None);
        let lines: Vec<_> = drawn.lines().collect();
        assert_eq!(
            lines[2..4],
            [
                "      → link to trace 00000000000000000000000000000007 span 0000000000000008  \
                 order=a\\nb",
                "      → link to span 0000000000000009",
            ]
        );
        assert_eq!((lines.len(), lines[10]), (12, "      … 2 more links"));
    }

    #[test]
    fn a_parent_that_was_shown_before_is_named() {
        let drawn = render(&[Sample::new(1).under(9).finished()], PLAIN, None);
        assert!(drawn.lines().nth(1).unwrap().ends_with("1.0 ms  parent 0000000000000009"));
    }

    #[test]
    fn an_error_says_its_cause_once() {
        let failing = || Sample::new(1).attribute("http.response.status_code", 500);
        let line = |sample: Sample| {
            let drawn = render(&[sample.finished()], PLAIN, None);
            drawn.lines().nth(1).unwrap().split_once("500").unwrap().1.to_owned()
        };
        assert_eq!(line(failing()), "");
        assert_eq!(line(failing().attribute("error.type", "500").error("")), "  ✗");
        assert_eq!(line(failing().attribute("error.type", "cancelled").error("")), "  ✗ cancelled");
        assert_eq!(line(failing().error("")), "  ✗ error");
        assert_eq!(line(failing().attribute("error.type", "x").error("no luck")), "  ✗ no luck");

        let mut span = failing().error("no luck").finished();
        let attributes = vec![
            KeyValue::new("exception.type", "NoLuck"),
            KeyValue::new("exception.message", "no luck"),
            KeyValue::new("exception.stacktrace", "1: main"),
        ];
        Arc::make_mut(&mut span.span).events.events.push(Event::new(
            "exception",
            at(0),
            attributes,
            0,
        ));
        let drawn = render(&[span], PLAIN, None);
        assert_eq!(drawn.lines().nth(2), Some("      ! exception +0 µs  exception.type=NoLuck"));
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let mut span = Sample::new(1)
            .name("GET \u{1b}]0;owned\u{7}\n")
            .attribute("key\u{1b}", "\u{1b}[2J\u{202e}")
            .error("\u{9b}31m\r")
            .of(Some("shop\u{1b}"));
        Arc::make_mut(&mut span.span).events.events.push(Event::new(
            "event\u{1b}",
            at(0),
            vec![KeyValue::new("k\u{1b}", "\u{1b}")],
            0,
        ));
        let drawn = render(&[span], PLAIN, None);
        assert_eq!(drawn.lines().count(), 4);
        assert!(!drawn.chars().any(|c| c != '\n' && c.is_control()), "{drawn:?}");
        assert!(!drawn.contains('\u{202e}'));
    }

    #[test]
    fn colors_change_nothing_but_colors() {
        let spans =
            [Sample::new(1).attribute("http.response.status_code", 404).error("x").finished()];
        let mut colored = render(&spans, Paint { on: true }, None);
        while let Some(start) = colored.find('\x1b') {
            let end = start + colored[start..].find('m').unwrap();
            colored.replace_range(start..=end, "");
        }
        assert_eq!(colored, render(&spans, PLAIN, None));
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
