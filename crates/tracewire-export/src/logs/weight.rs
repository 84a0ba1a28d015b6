//! How much memory a log record keeps while it waits.

use super::Log;
use crate::pipeline::{
    deliver::Weigh,
    weight::{allocation, scope, spare, text},
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

impl Weigh for Log {
    fn weight(&self) -> usize {
        let record = &self.record;
        size_of::<Self>()
            + scope(&self.scope)
            + self.target.as_deref().map_or(0, text)
            + allocation(record.severity_text.capacity())
            + allocation(record.event_name.capacity())
            + allocation(record.trace_id.capacity())
            + allocation(record.span_id.capacity())
            + record.body.as_ref().map_or(0, value)
            + attributes(&record.attributes)
    }
}

fn attributes(attributes: &Vec<KeyValue>) -> usize {
    let each = attributes.iter().map(|attribute| {
        size_of_val(attribute)
            + allocation(attribute.key.capacity())
            + attribute.value.as_ref().map_or(0, value)
    });
    each.sum::<usize>() + spare(attributes)
}

/// What a value holds besides itself.
fn value(of: &AnyValue) -> usize {
    match &of.value {
        Some(Value::StringValue(text)) => allocation(text.capacity()),
        Some(Value::BytesValue(bytes)) => allocation(bytes.capacity()),
        Some(Value::ArrayValue(list)) => {
            let each = list.values.iter().map(|element| size_of_val(element) + value(element));
            each.sum::<usize>() + spare(&list.values)
        }
        Some(Value::KvlistValue(map)) => attributes(&map.values),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry_proto::tonic::{
        common::v1::{ArrayValue, KeyValueList},
        logs::v1::LogRecord,
    };

    const LONG: usize = 60_000;

    #[track_caller]
    fn assert_weighs(bytes: usize, change: impl FnOnce(&mut Log)) {
        let scope = InstrumentationScope::builder("").build();
        let mut log = Log { scope, target: None, record: LogRecord::default() };
        let before = log.weight();
        change(&mut log);
        let heavier = log.weight() - before;
        assert!((bytes..bytes + bytes / 50 + 300).contains(&heavier), "{bytes}: {heavier}");
    }

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn long() -> AnyValue {
        any(Value::StringValue("x".repeat(LONG)))
    }

    fn pair(value: AnyValue) -> KeyValue {
        KeyValue { key: "key".to_owned(), value: Some(value), ..KeyValue::default() }
    }

    #[test]
    fn everything_a_log_record_holds_is_weighed() {
        let text = || "x".repeat(LONG);
        assert_weighs(LONG, |log| log.target = Some(text().into()));
        assert_weighs(LONG, |log| log.record.severity_text = text());
        assert_weighs(LONG, |log| log.record.event_name = text());
        assert_weighs(LONG, |log| log.record.body = Some(long()));
        assert_weighs(LONG, |log| log.record.attributes.push(pair(long())));
        assert_weighs(LONG, |log| {
            log.record.attributes.push(KeyValue { key: text(), ..KeyValue::default() });
        });
        assert_weighs(LONG, |log| log.scope = InstrumentationScope::builder(text()).build());
    }

    #[test]
    fn nested_values_are_weighed_at_any_depth() {
        let values = [
            any(Value::BytesValue(vec![0; LONG])),
            any(Value::ArrayValue(ArrayValue { values: vec![long()] })),
            any(Value::KvlistValue(KeyValueList { values: vec![pair(long())] })),
            any(Value::ArrayValue(ArrayValue {
                values: vec![any(Value::KvlistValue(KeyValueList { values: vec![pair(long())] }))],
            })),
        ];
        for value in values {
            assert_weighs(LONG, |log| log.record.body = Some(value.clone()));
            assert_weighs(LONG, |log| log.record.attributes.push(pair(value)));
        }
        // Each small number takes far more in memory than on the wire.
        let numbers = vec![any(Value::IntValue(1)); 1_000];
        let bytes = 1_000 * size_of::<AnyValue>();
        assert_weighs(bytes, |log| {
            log.record.body = Some(any(Value::ArrayValue(ArrayValue { values: numbers })));
        });
    }
}
