//! What a span records of the output of its work.

use crate::Span;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt::Display,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The output of a future, a closure or a stream in a span, which records the error in it, if any.
///
/// A `Result` records its `Err` if that implements `Display`: a type of your own, `Box<dyn Error>`,
/// `anyhow::Error`, a `String`. Plain values of the standard library record nothing. Implement the
/// trait for your own types, in one line if there is nothing to record; for types of other crates use
/// [`ignore_errors`](crate::SpanBuilder::ignore_errors).
///
/// ```
/// use tracewire_span::{SpanOutput, Span, span};
///
/// enum Answer { Cat, Nothing }
///
/// impl SpanOutput for Answer {
///     fn record_on(&self, span: &Span) {
///         if let Answer::Nothing = self {
///             span.fail("no answer");
///         }
///     }
/// }
///
/// span("ask").in_scope(|| Answer::Cat);
/// ```
#[diagnostic::on_unimplemented(
    message = "a span cannot tell whether `{Self}` is an error",
    label = "neither a plain value nor a `Result` whose error implements `Display`",
    note = "call `.ignore_errors()` before `.run(..)`, `.in_scope(..)` or `.stream(..)` to take any output",
    note = "or, for a type of your own, write `impl tracewire_span::SpanOutput for Type {{}}`"
)]
pub trait SpanOutput {
    /// Records on `span` what went wrong, if anything. Default: nothing.
    fn record_on(&self, span: &Span) {
        let _ = span;
    }
}

impl<T, E: Display> SpanOutput for Result<T, E> {
    fn record_on(&self, span: &Span) {
        if let Err(error) = self {
            span.fail(error);
        }
    }
}

macro_rules! plain {
    ($($type:ty)+) => { $(impl SpanOutput for $type {})+ };
}

plain!(() bool char i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64);
plain!(str String Duration Infallible Instant SystemTime);

impl<T: ?Sized> SpanOutput for &T {}
impl<T: ?Sized> SpanOutput for Arc<T> {}
impl<T: ?Sized> SpanOutput for Box<T> {}
impl<T: ?Sized> SpanOutput for Rc<T> {}
impl<T> SpanOutput for Option<T> {}
impl<T> SpanOutput for Vec<T> {}
impl<T, const N: usize> SpanOutput for [T; N] {}
impl<K, V, S> SpanOutput for HashMap<K, V, S> {}
impl<K, V> SpanOutput for BTreeMap<K, V> {}
impl<A, B> SpanOutput for (A, B) {}
impl<A, B, C> SpanOutput for (A, B, C) {}
