//! OTLP's JSON as senders write it, made JSON that our reader takes.

mod numbers;
mod surrogates;

use std::borrow::Cow;

/// Replaces what the reader would refuse a whole batch for: halves of characters, and numbers that are
/// written as text.
pub(crate) fn readable(json: &[u8]) -> Cow<'_, [u8]> {
    match surrogates::replace_lone(json) {
        Cow::Borrowed(json) => numbers::replace(json),
        Cow::Owned(json) => Cow::Owned(numbers::replace(&json).into_owned()),
    }
}
