//! A text with parts of it replaced.

use crate::REDACTED;
use std::{borrow::Cow, ops::Range};

/// Copies a text from left to right and replaces parts of it; allocates with the first of them.
#[derive(Debug)]
pub(crate) struct Splice<'a> {
    text: &'a str,
    copied: usize,
    result: String,
}

impl<'a> Splice<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, copied: 0, result: String::new() }
    }

    /// Replaces a part behind all that were replaced before; another one is left alone.
    pub(crate) fn replace(&mut self, part: Range<usize>, with: &str) {
        let Some(part_before) = self.text.get(self.copied..part.start) else { return };
        if self.text.get(part.clone()).is_none_or(|replaced| replaced == with) {
            return;
        }
        if self.result.is_empty() {
            self.result.reserve(self.text.len() + with.len());
        }
        self.result.push_str(part_before);
        self.result.push_str(with);
        self.copied = part.end;
    }

    /// Replaces a part by `REDACTED`.
    pub(crate) fn redact(&mut self, part: Range<usize>) {
        self.replace(part, REDACTED);
    }

    /// Where the last replaced part ended.
    pub(crate) fn copied(&self) -> usize {
        self.copied
    }

    /// The text with its replacements.
    pub(crate) fn finish(mut self) -> Cow<'a, str> {
        if self.copied == 0 && self.result.is_empty() {
            return Cow::Borrowed(self.text);
        }
        self.result.push_str(&self.text[self.copied..]);
        Cow::Owned(self.result)
    }
}

/// Stands in place of user information, `@` included. The conventions show a name and a password, and
/// a name alone becomes the same: nothing tells whether there was a password.
pub(crate) const REDACTED_USERINFO: &str = "REDACTED:REDACTED@";
