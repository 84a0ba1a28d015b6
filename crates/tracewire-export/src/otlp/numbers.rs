//! JSON as protobuf has it: numbers that JSON cannot write are text.
//!
//! `serde_json` writes `null` for them, and a collector refuses the whole request for that.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A value whose infinite numbers and NaN are written as `"Infinity"`, `"-Infinity"` and `"NaN"`.
pub(super) struct Numbers<T>(pub(super) T);

impl<T: Serialize> Serialize for Numbers<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Writer(serializer))
    }
}

/// A serializer, and what it makes of lists and objects, with their elements as [`Numbers`].
struct Writer<S>(S);

/// Methods that pass on what they get.
macro_rules! pass_on {
    ($($method:ident($($name:ident: $type:ty),*) -> $output:ident;)*) => {
        $(fn $method(self, $($name: $type),*) -> Result<Self::$output, S::Error> {
            self.0.$method($($name),*)
        })*
    };
}

/// Methods that begin a list or an object.
macro_rules! begin {
    ($($method:ident($($name:ident: $type:ty),*) -> $output:ident;)*) => {
        $(fn $method(self, $($name: $type),*) -> Result<Self::$output, S::Error> {
            self.0.$method($($name),*).map(Writer)
        })*
    };
}

impl<S: Serializer> Serializer for Writer<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Writer<S::SerializeSeq>;
    type SerializeTuple = Writer<S::SerializeTuple>;
    type SerializeTupleStruct = Writer<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Writer<S::SerializeTupleVariant>;
    type SerializeMap = Writer<S::SerializeMap>;
    type SerializeStruct = Writer<S::SerializeStruct>;
    type SerializeStructVariant = Writer<S::SerializeStructVariant>;

    fn serialize_f64(self, number: f64) -> Result<S::Ok, S::Error> {
        if number.is_finite() {
            return self.0.serialize_f64(number);
        }
        self.0.serialize_str(match number {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        })
    }

    fn serialize_f32(self, number: f32) -> Result<S::Ok, S::Error> {
        if number.is_finite() {
            self.0.serialize_f32(number)
        } else {
            self.serialize_f64(number.into())
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Numbers(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Numbers(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Numbers(value))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    pass_on! {
        serialize_bool(value: bool) -> Ok;
        serialize_i8(value: i8) -> Ok;
        serialize_i16(value: i16) -> Ok;
        serialize_i32(value: i32) -> Ok;
        serialize_i64(value: i64) -> Ok;
        serialize_u8(value: u8) -> Ok;
        serialize_u16(value: u16) -> Ok;
        serialize_u32(value: u32) -> Ok;
        serialize_u64(value: u64) -> Ok;
        serialize_char(value: char) -> Ok;
        serialize_str(value: &str) -> Ok;
        serialize_bytes(value: &[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(name: &'static str) -> Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Ok;
    }

    begin! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeStructVariant;
    }
}

/// Lists of which each element is written in one way.
macro_rules! elements {
    ($($kind:ident::$method:ident($($name:ident: $type:ty)?);)*) => {
        $(impl<S: $kind> $kind for Writer<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: $type,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.0.$method($($name,)? &Numbers(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

elements! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(name: &'static str);
    SerializeStructVariant::serialize_field(name: &'static str);
}

impl<S: SerializeMap> SerializeMap for Writer<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Numbers(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value::Value};

    #[test]
    fn numbers_that_json_cannot_write_are_text_wherever_they_stand() {
        let double = |number| AnyValue { value: Some(Value::DoubleValue(number)) };
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5].map(double);
        let nested =
            AnyValue { value: Some(Value::ArrayValue(ArrayValue { values: values.to_vec() })) };
        assert_eq!(
            serde_json::to_string(&Numbers(&nested)).unwrap(),
            r#"{"arrayValue":{"values":[{"doubleValue":"NaN"},{"doubleValue":"Infinity"},"#
                .to_owned()
                + r#"{"doubleValue":"-Infinity"},{"doubleValue":1.5}]}}"#
        );
    }

    #[test]
    fn everything_else_is_written_as_without() {
        let value = serde_json::json!({
            "text": "a\u{1}\"", "numbers": [1, -2, 0.5, u64::MAX], "none": null, "flag": true,
            "object": {"empty": {}, "list": []},
        });
        let plain = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::to_string(&Numbers(&value)).unwrap(), plain);
    }
}
