//! How much memory an item keeps while it waits.
//!
//! Everything it holds on the heap counts, and a text that it may share counts whole: the length of a
//! text is known, but not whose it is. So the sum is rather too high than too low.

use crate::pipeline::deliver::Weigh;
use opentelemetry::{
    Array, InstrumentationScope, KeyValue, Value,
    trace::{Event, Link, SpanContext, Status},
};
use opentelemetry_sdk::trace::SpanData;
use std::sync::Arc;

/// An item that several queues may share.
impl<T: Weigh + Sync> Weigh for Arc<T> {
    fn weight(&self) -> usize {
        /// What stands before the item: how many share it.
        const COUNTERS: usize = 2 * size_of::<usize>();
        COUNTERS + T::weight(self)
    }
}

impl Weigh for SpanData {
    fn weight(&self) -> usize {
        let description = match &self.status {
            Status::Error { description } => text(description),
            _ => 0,
        };
        let events: usize = self.events.iter().map(event).sum();
        let links: usize = self.links.iter().map(link).sum();
        size_of::<Self>()
            + text(&self.name)
            + description
            + attributes(&self.attributes)
            + spare(&self.attributes)
            + events
            + spare(&self.events.events)
            + links
            + spare(&self.links.links)
            + trace_state(&self.span_context)
            + scope(&self.instrumentation_scope)
    }
}

/// What an allocator gives for so many bytes: it rounds up, and keeps notes of its own.
pub(crate) fn allocation(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

pub(crate) fn text(text: &str) -> usize {
    allocation(text.len())
}

/// What a list has room for beyond its elements.
pub(crate) fn spare<T>(list: &Vec<T>) -> usize {
    (list.capacity() - list.len()) * size_of::<T>()
}

pub(crate) fn scope(scope: &InstrumentationScope) -> usize {
    let texts = [Some(scope.name()), scope.version(), scope.schema_url()];
    let texts: usize = texts.into_iter().flatten().map(text).sum();
    texts + attributes(scope.attributes())
}

fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> usize {
    attributes
        .into_iter()
        // Keys are nearly always constants: they count, but not what allocating them would cost.
        .map(|attribute| {
            size_of_val(attribute) + attribute.key.as_str().len() + value(&attribute.value)
        })
        .sum()
}

fn value(value: &Value) -> usize {
    match value {
        Value::String(string) => text(string.as_str()),
        Value::Array(Array::String(list)) => {
            let texts: usize = list.iter().map(|string| text(string.as_str())).sum();
            list_of(list) + texts
        }
        Value::Array(Array::Bool(list)) => list_of(list),
        Value::Array(Array::I64(list)) => list_of(list),
        Value::Array(Array::F64(list)) => list_of(list),
        _ => 0,
    }
}

fn list_of<T>(list: &Vec<T>) -> usize {
    allocation(list.capacity() * size_of::<T>())
}

fn event(event: &Event) -> usize {
    size_of_val(event)
        + text(&event.name)
        + attributes(&event.attributes)
        + spare(&event.attributes)
}

fn link(link: &Link) -> usize {
    size_of_val(link)
        + attributes(&link.attributes)
        + spare(&link.attributes)
        + trace_state(&link.span_context)
}

fn trace_state(context: &SpanContext) -> usize {
    context
        .trace_state()
        .into_iter()
        .map(|(key, value)| size_of::<(String, String)>() + text(key) + text(value))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use opentelemetry::trace::TraceState;
    use std::time::SystemTime;

    const LONG: usize = 60_000;

    fn long() -> String {
        "x".repeat(LONG)
    }

    /// How much heavier a span is for what `change` does to it.
    fn heavier(change: impl FnOnce(&mut SpanData)) -> usize {
        let mut span = Sample::new(1).span();
        let before = span.weight();
        change(&mut span);
        span.weight() - before
    }

    #[track_caller]
    fn assert_weighs(bytes: usize, change: impl FnOnce(&mut SpanData)) {
        let heavier = heavier(change);
        let least = bytes - "work".len() - 32;
        assert!((least..bytes + bytes / 50 + 300).contains(&heavier), "{bytes}: {heavier}");
    }

    /// As long as one may be: 32 members, with a key and a value of 256 characters each.
    fn state() -> TraceState {
        let members = (10..42).map(|number| (format!("{number:k<256}"), "v".repeat(256)));
        TraceState::from_key_value(members).unwrap()
    }

    fn with_state(context: &SpanContext) -> SpanContext {
        let (trace, span) = (context.trace_id(), context.span_id());
        SpanContext::new(trace, span, context.trace_flags(), false, state())
    }

    #[test]
    fn everything_a_span_holds_is_weighed() {
        assert_weighs(LONG, |span| span.name = long().into());
        assert_weighs(LONG, |span| span.status = Status::error(long()));
        assert_weighs(LONG, |span| span.attributes.push(KeyValue::new("key", long())));
        assert_weighs(LONG, |span| span.attributes.push(KeyValue::new(long(), 1)));
        assert_weighs(LONG, |span| {
            span.events.events.push(Event::new(long(), SystemTime::UNIX_EPOCH, vec![], 0));
        });
        assert_weighs(LONG, |span| {
            let attributes = vec![KeyValue::new("key", long())];
            span.events.events.push(Event::new("", SystemTime::UNIX_EPOCH, attributes, 0));
        });
        assert_weighs(LONG, |span| {
            let attributes = vec![KeyValue::new("key", long())];
            span.links.links.push(Link::new(span.span_context.clone(), attributes, 0));
        });
        assert_weighs(LONG, |span| {
            let builder = InstrumentationScope::builder("scope");
            let attributes = [KeyValue::new("key", long())];
            span.instrumentation_scope = builder.with_attributes(attributes).build();
        });
    }

    #[test]
    fn trace_state_is_weighed_wherever_it_stands() {
        for heavier in [
            heavier(|span| span.span_context = with_state(&span.span_context)),
            heavier(|span| {
                let context = with_state(&span.span_context);
                span.links.links.push(Link::with_context(context));
            }),
        ] {
            // The texts, what allocating them costs, and the list of both.
            assert!((32 * 512..32 * 650).contains(&heavier), "{heavier}");
        }
    }

    #[test]
    fn lists_weigh_what_they_have_room_for() {
        let lists = [
            Value::Array(Array::String(vec![long().into()])),
            Value::Array(Array::Bool(Vec::with_capacity(LONG))),
            Value::Array(Array::I64(Vec::with_capacity(LONG / 8))),
            Value::Array(Array::F64(vec![0.0; LONG / 8])),
        ];
        for list in lists {
            assert_weighs(LONG, |span| span.attributes.push(KeyValue::new("key", list)));
        }
        assert_weighs(128 * size_of::<KeyValue>(), |span| span.attributes.reserve_exact(128));
        assert_weighs(128 * size_of::<Event>(), |span| span.events.events.reserve_exact(128));
        assert_weighs(128 * size_of::<Link>(), |span| span.links.links.reserve_exact(128));
    }

    #[test]
    fn short_texts_weigh_what_it_takes_to_allocate_them() {
        let texts = vec!["x".into(); 1_000];
        let list = Value::Array(Array::String(texts));
        let heavier = heavier(|span| span.attributes.push(KeyValue::new("key", list)));
        assert!(heavier >= 1_000 * (size_of::<opentelemetry::StringValue>() + 32), "{heavier}");
    }

    #[test]
    fn the_span_of_an_http_request_takes_less_than_its_place() {
        let mut span = Sample::new(1).name("GET /users/{id}/orders").span();
        span.attributes.reserve_exact(16);
        for (key, value) in [
            ("http.request.method", Value::from("GET")),
            ("http.response.status_code", Value::from(200)),
            ("http.route", Value::from("/users/{id}/orders")),
            ("url.path", Value::from("/users/41267/orders")),
            ("url.query", Value::from("page=2&sort=newest&limit=50")),
            ("url.scheme", Value::from("https")),
            ("server.address", Value::from("shop.example.com")),
            ("server.port", Value::from(443)),
            ("client.address", Value::from("2001:db8::85a3:8a2e:370:7334")),
            ("network.peer.address", Value::from("10.20.30.40")),
            ("network.peer.port", Value::from(51_234)),
            ("network.protocol.version", Value::from("2")),
            ("user_agent.original", Value::from("Mozilla/5.0 (X11; Linux x86_64) ".repeat(4))),
        ] {
            span.attributes.push(KeyValue::new(key, value));
        }
        let weight = span.weight();
        assert!(weight < crate::pipeline::batch::BYTES_PER_PLACE, "{weight}");
        assert!(weight > 1_500, "{weight}");
    }
}
