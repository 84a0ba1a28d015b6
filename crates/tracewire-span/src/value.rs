//! What can be the value of an attribute.

use crate::limit;
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use std::{borrow::Cow, sync::Arc};

/// A value of an attribute: a text, a number, a boolean, or an array of one of these.
///
/// `None` adds no attribute. Integers outside the range of `i64`, which OpenTelemetry cannot hold,
/// become text.
///
/// ```
/// use tracewire_span::span;
///
/// let nickname: Option<&str> = None;
/// span("sign-up")
///     .attribute("user.id", 17_u32)
///     .attribute("user.roles", ["admin", "author"])
///     .attribute("user.nickname", nickname)
///     .in_scope(|| println!("welcome"));
/// ```
pub trait IntoValue {
    /// Returns the value, or `None` for no attribute.
    fn into_value(self) -> Option<Value>;
}

/// A key with its value: a pair, or OpenTelemetry's [`KeyValue`].
///
/// ```
/// use opentelemetry::KeyValue;
/// use tracewire_span::span;
///
/// let pairs = span("checkout").attributes([("items", 3), ("gifts", 1)]);
/// let key_values = span("checkout").attributes([KeyValue::new("payment", "card")]);
/// ```
pub trait IntoAttribute {
    /// Returns the attribute, or `None` if there is no value.
    fn into_attribute(self) -> Option<KeyValue>;
}

impl IntoAttribute for KeyValue {
    fn into_attribute(self) -> Option<KeyValue> {
        Some(limit::attribute(self))
    }
}

impl<K: Into<Key>, V: IntoValue> IntoAttribute for (K, V) {
    fn into_attribute(self) -> Option<KeyValue> {
        attribute(self.0, self.1)
    }
}

/// One attribute within its limits.
pub(crate) fn attribute(key: impl Into<Key>, value: impl IntoValue) -> Option<KeyValue> {
    Some(limit::attribute(KeyValue::new(key.into(), value.into_value()?)))
}

/// All attributes that have a value, each within its limits.
pub(crate) fn attributes<I>(attributes: I) -> impl Iterator<Item = KeyValue>
where
    I: IntoIterator,
    I::Item: IntoAttribute,
{
    attributes.into_iter().filter_map(IntoAttribute::into_attribute)
}

impl<V: IntoValue> IntoValue for Option<V> {
    fn into_value(self) -> Option<Value> {
        self?.into_value()
    }
}

/// Values that are converted as they are, alone or several together.
macro_rules! into_value {
    ($($type:ty => $array:ident, |$value:ident| $convert:expr;)+) => { $(
        impl IntoValue for $type {
            fn into_value(self) -> Option<Value> {
                let $value = self;
                Some(Value::from($convert))
            }
        }

        impl IntoValue for Vec<$type> {
            fn into_value(self) -> Option<Value> {
                let values = self.into_iter().map(|$value| $convert.into()).collect();
                Some(Value::Array(Array::$array(values)))
            }
        }

        impl<const N: usize> IntoValue for [$type; N] {
            fn into_value(self) -> Option<Value> {
                Vec::from(self).into_value()
            }
        }

        impl IntoValue for &[$type] {
            fn into_value(self) -> Option<Value> {
                self.to_vec().into_value()
            }
        }
    )+ };
}

into_value! {
    bool => Bool, |value| value;
    i8 => I64, |value| i64::from(value);
    i16 => I64, |value| i64::from(value);
    i32 => I64, |value| i64::from(value);
    i64 => I64, |value| value;
    u8 => I64, |value| i64::from(value);
    u16 => I64, |value| i64::from(value);
    u32 => I64, |value| i64::from(value);
    f32 => F64, |value| f64::from(value);
    f64 => F64, |value| value;
    &str => String, |value| StringValue::from(value.to_owned());
    String => String, |value| StringValue::from(value);
    StringValue => String, |value| value;
}

macro_rules! into_value_or_text {
    ($($type:ty),+) => { $(
        impl IntoValue for $type {
            fn into_value(self) -> Option<Value> {
                Some(match i64::try_from(self) {
                    Ok(value) => Value::I64(value),
                    Err(_) => Value::from(self.to_string()),
                })
            }
        }
    )+ };
}

into_value_or_text!(isize, u64, usize, i128, u128);

impl IntoValue for Value {
    fn into_value(self) -> Option<Value> {
        Some(self)
    }
}

impl IntoValue for Array {
    fn into_value(self) -> Option<Value> {
        Some(Value::Array(self))
    }
}

impl IntoValue for &String {
    fn into_value(self) -> Option<Value> {
        self.as_str().into_value()
    }
}

impl IntoValue for Cow<'_, str> {
    fn into_value(self) -> Option<Value> {
        self.into_owned().into_value()
    }
}

impl IntoValue for Arc<str> {
    fn into_value(self) -> Option<Value> {
        Some(Value::from(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&'static str]) -> Value {
        Value::Array(texts.iter().map(|&text| text.into()).collect::<Vec<StringValue>>().into())
    }

    #[test]
    fn scalars_keep_their_type() {
        assert_eq!(true.into_value(), Some(Value::Bool(true)));
        assert_eq!((-1).into_value(), Some(Value::I64(-1)));
        assert_eq!(7_u8.into_value(), Some(Value::I64(7)));
        assert_eq!(7_usize.into_value(), Some(Value::I64(7)));
        assert_eq!(0.5.into_value(), Some(Value::F64(0.5)));
        assert_eq!("two".into_value(), Some(Value::from("two")));
        assert_eq!(String::from("two").into_value(), Some(Value::from("two")));
        assert_eq!(Cow::Borrowed("two").into_value(), Some(Value::from("two")));
        assert_eq!(Arc::<str>::from("two").into_value(), Some(Value::from("two")));
    }

    #[test]
    fn arrays_keep_the_type_of_their_elements() {
        assert_eq!([3, 4].into_value(), Some(Value::Array(vec![3_i64, 4].into())));
        assert_eq!(vec![0.5].into_value(), Some(Value::Array(vec![0.5].into())));
        assert_eq!([true, false].into_value(), Some(Value::Array(vec![true, false].into())));
        assert_eq!(["5", "6"].into_value(), Some(strings(&["5", "6"])));
        assert_eq!(vec![String::from("5")].into_value(), Some(strings(&["5"])));
        assert_eq!([1_u16, 2][..].into_value(), Some(Value::Array(vec![1_i64, 2].into())));
    }

    #[test]
    fn numbers_beyond_the_signed_range_become_text() {
        assert_eq!(u64::MAX.into_value(), Some(Value::from("18446744073709551615")));
    }

    #[test]
    fn none_is_no_attribute() {
        assert_eq!(None::<i64>.into_value(), None);
        assert_eq!(("key", None::<&str>).into_attribute(), None);
        assert_eq!(("key", Some(1)).into_attribute(), Some(KeyValue::new("key", 1)));
    }
}
