//! A text as it reads once every percent-encoding of it is undone.

use crate::hex;

/// How often the hexadecimal digits of an encoding may be encoded themselves.
const DIGITS_ENCODED: u8 = 2;

/// One byte, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) byte: u8,
    /// How many times it is encoded: none for `=`, once for `%3D`, twice for `%253D`.
    pub(crate) level: u8,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Reads a text byte by byte, each decoded as often as it is encoded, in time that grows with the
/// length of the text alone.
#[derive(Clone, Debug)]
pub(crate) struct Symbols<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Symbols<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// The next symbol, which stays the next.
    #[inline]
    pub(crate) fn peek(&self) -> Option<Symbol> {
        let byte = *self.text.get(self.at)?;
        let symbol = Symbol { byte, level: 0, start: self.at, end: self.at + 1 };
        Some(if byte == b'%' { decoded(self.text, symbol, DIGITS_ENCODED) } else { symbol })
    }

    /// Passes the bytes that stand for themselves and that `matches` accepts.
    #[inline]
    pub(crate) fn pass(&mut self, matches: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let other = |byte: &u8| *byte == b'%' || !matches(*byte);
        self.at += rest.iter().position(other).unwrap_or(rest.len());
    }

    /// Where the next symbol starts.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Goes on at `position`, where a symbol must start.
    pub(crate) fn seek(&mut self, position: usize) {
        self.at = position;
    }
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    #[inline]
    fn next(&mut self) -> Option<Symbol> {
        let symbol = self.peek()?;
        self.at = symbol.end;
        Some(symbol)
    }
}

/// Decodes the percent sign `symbol`, whose digits may be encoded themselves `depth` times once the
/// sign was.
fn decoded(text: &[u8], mut symbol: Symbol, depth: u8) -> Symbol {
    let raw_digit = |at| {
        let byte = *text.get(at)?;
        Some((hex::digit(byte)?, Symbol { byte, level: 0, start: at, end: at + 1 }))
    };
    let digit = |at, level| match (raw_digit(at), depth.checked_sub(1)) {
        (None, Some(depth)) if level > 0 && text.get(at) == Some(&b'%') => {
            let sign = Symbol { byte: b'%', level: 0, start: at, end: at + 1 };
            let symbol = decoded(text, sign, depth);
            Some((hex::digit(symbol.byte)?, symbol))
        }
        (digit, _) => digit,
    };
    // What is decoded may be a percent sign again, as in `%253D`.
    while symbol.byte == b'%' {
        let Some((high, first)) = digit(symbol.end, symbol.level) else { break };
        let Some((low, second)) = digit(first.end, symbol.level) else { break };
        symbol.byte = high << 4 | low;
        symbol.level = symbol.level.max(first.level).max(second.level).saturating_add(1);
        symbol.end = second.end;
    }
    symbol
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &str) -> (String, Vec<u8>) {
        let symbols: Vec<_> = Symbols::of(text).collect();
        let bytes = symbols.iter().map(|symbol| symbol.byte).collect();
        (String::from_utf8(bytes).unwrap(), symbols.iter().map(|symbol| symbol.level).collect())
    }

    fn encoded(text: &str, times: usize) -> String {
        (0..times).fold(text.to_owned(), |text, _| {
            text.bytes().map(|byte| format!("%{byte:02X}")).collect()
        })
    }

    #[test]
    fn every_encoding_is_undone_and_counted() {
        for (text, expected, levels) in [
            ("a=b", "a=b", vec![0, 0, 0]),
            ("a%3Db", "a=b", vec![0, 1, 0]),
            ("a%253db", "a=b", vec![0, 2, 0]),
            ("%25252526", "&", vec![4]),
            ("%25%33%44", "=", vec![2]),
            ("%", "%", vec![0]),
            ("%zz", "%zz", vec![0, 0, 0]),
            ("%2", "%2", vec![0, 0]),
            ("%25", "%", vec![1]),
            ("%25%", "%%", vec![1, 0]),
        ] {
            assert_eq!(decoded(text), (expected.to_owned(), levels), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_up_to_three_times_is_read(text in "[a-z=&;/:]{0,8}", times in 0usize..4) {
            prop_assert_eq!(decoded(&encoded(&text, times)).0, text);
        }

        #[test]
        fn symbols_cover_the_text_without_a_gap(text in "([%2-5a-f]|\\PC){0,40}") {
            let mut end = 0;
            for symbol in Symbols::of(&text) {
                prop_assert_eq!(symbol.start, end);
                end = symbol.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
