//! Numbers that JSON does not have.
//!
//! Protobuf's JSON writes them as `"NaN"`, `"Infinity"` and `"-Infinity"`. Our reader takes no text for a
//! number, so that one such attribute would cost a whole batch.

use std::borrow::Cow;
use std::ops::Range;

/// What stands for a number.
const WORDS: [&[u8]; 3] = [b"\"NaN\"", b"\"Infinity\"", b"\"-Infinity\""];

/// An attribute with the number as its text, which is as long.
const NUMBER: &[u8] = b"doubleValue";
const TEXT: &[u8] = b"stringValue";

/// Numbers of histograms and summaries.
const OF_METRICS: [&[u8]; 3] = [b"sum", b"min", b"max"];

/// Makes attributes with such a number attributes with a text, and leaves out such numbers of metrics.
pub(super) fn replace(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(json);
    let mut place = 0;
    // Within a text there is a backslash before each quote, so these begin one.
    while let Some(found) =
        json[place..].windows(2).position(|two| two[0] == b'"' && b"NI-".contains(&two[1]))
    {
        place += found;
        if WORDS.iter().any(|word| json[place..].starts_with(word))
            && let Some(key) = key_before(&json[..place])
        {
            if json[key.clone()] == *NUMBER {
                mended.to_mut()[key].copy_from_slice(TEXT);
            } else if OF_METRICS.contains(&&json[key.clone()]) {
                // No message has such a field, and readers leave out what they do not know.
                mended.to_mut()[key.start] = b'-';
            }
        }
        place += 1;
    }
    mended
}

/// Where the key is whose value begins behind `json`.
fn key_before(json: &[u8]) -> Option<Range<usize>> {
    let json = json.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end().strip_suffix(b"\"")?;
    let quote = json.iter().rposition(|&byte| byte == b'"')?;
    // One within a text does not begin a key.
    let begins_text = quote == 0 || json[quote - 1] != b'\\';
    begins_text.then_some(quote + 1..json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        common::v1::{KeyValue, any_value::Value},
        metrics::v1::SummaryDataPoint,
    };
    use proptest::prelude::*;

    #[test]
    fn numbers_that_are_text_are_read() {
        for (json, expected) in [
            (r#"{"doubleValue":"NaN"}"#, r#"{"stringValue":"NaN"}"#),
            (r#"{"doubleValue" : "-Infinity"}"#, r#"{"stringValue" : "-Infinity"}"#),
            (r#"{"sum":"Infinity","max":1}"#, r#"{"-um":"Infinity","max":1}"#),
            (r#"{"name":"NaN"}"#, r#"{"name":"NaN"}"#),
            (r#"{"stringValue":"NaN"}"#, r#"{"stringValue":"NaN"}"#),
            (r#"["doubleValue","NaN"]"#, r#"["doubleValue","NaN"]"#),
            (r#"{"\"doubleValue":"NaN"}"#, r#"{"\"doubleValue":"NaN"}"#),
            (r#""\"doubleValue\":\"NaN\"""#, r#""\"doubleValue\":\"NaN\"""#),
            (":\"NaN\"", ":\"NaN\""),
        ] {
            assert_eq!(replace(json.as_bytes()), expected.as_bytes(), "{json}");
        }
        let attribute = br#"{"key":"rate","value":{"doubleValue":"Infinity"}}"#;
        let attribute: KeyValue = serde_json::from_slice(&replace(attribute)).unwrap();
        let value = attribute.value.and_then(|value| value.value);
        assert_eq!(value, Some(Value::StringValue("Infinity".to_owned())));
        let point = br#"{"count":"3","sum":"NaN","quantileValues":[{"quantile":1,"value":"NaN"}]}"#;
        let point: SummaryDataPoint = serde_json::from_slice(&replace(point)).unwrap();
        assert_eq!((point.count, point.quantile_values.len()), (3, 1));
        assert!(point.quantile_values[0].value.is_nan());
    }

    proptest! {
        #[test]
        fn no_text_changes(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("doubleValue"), Just("NaN"), Just("-Infinity"), Just("\""), Just(":"),
                    Just("\\"), Just(" "), Just("sum"),
                ],
                0..12,
            ),
        ) {
            let text = pieces.concat();
            for json in [serde_json::json!({"key": text}), serde_json::json!({text.clone(): text})] {
                let json = json.to_string();
                if text != "doubleValue" && text != "sum" {
                    prop_assert_eq!(&*replace(json.as_bytes()), json.as_bytes());
                }
            }
        }
    }
}
