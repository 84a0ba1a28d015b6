//! How much memory a span keeps.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::queue::Weigh;

impl Weigh for SpanData {
    fn weight(&self) -> usize {
        weight(self)
    }
}

fn weight(span: &SpanData) -> usize {
    let attributes = |attributes: &[KeyValue]| -> usize {
        attributes
            .iter()
            .map(|attribute| {
                size_of_val(attribute) + attribute.key.as_str().len() + heap(&attribute.value)
            })
            .sum()
    };
    let events: usize = span
        .events
        .iter()
        .map(|event| size_of_val(event) + event.name.len() + attributes(&event.attributes))
        .sum();
    let links: usize =
        span.links.iter().map(|link| size_of_val(link) + attributes(&link.attributes)).sum();
    size_of::<SpanData>() + span.name.len() + attributes(&span.attributes) + events + links
}

fn heap(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| size_of_val(text) + text.as_str().len()).sum()
        }
        Value::Array(Array::Bool(list)) => size_of_val(&**list),
        Value::Array(Array::I64(list)) => size_of_val(&**list),
        Value::Array(Array::F64(list)) => size_of_val(&**list),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::sample::Sample;

    #[test]
    fn text_of_any_kind_weighs_what_it_is_long() {
        let empty = weight(&Sample::new(1).span());
        let long = "x".repeat(1_000);
        let texts = Value::Array(Array::String(vec![long.clone().into(), long.clone().into()]));
        for (value, bytes) in [(Value::from(long), 1_000), (texts, 2_000)] {
            let heavier = weight(&Sample::new(1).attribute("key", value).span()) - empty;
            assert!((bytes..bytes + 200).contains(&heavier), "{heavier}");
        }
    }
}
