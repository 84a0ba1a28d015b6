//! Where quoted text ends.

use super::dialect::Rule;

/// The end of a text behind its opening quote, closing quote included; `None` if it cannot be told.
///
/// A doubled quote goes on with the text. Where that is not so, two texts follow each other, and end
/// at the same place.
pub(super) fn end_of_text(text: &[u8], quote: u8, backslash: Rule) -> Option<usize> {
    let mut backslashes = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte == b'\\' {
            backslashes += 1;
            continue;
        }
        // Of two backslashes the first escapes the second, and the quote is free in every system.
        let is_escaped = std::mem::take(&mut backslashes) % 2 == 1;
        if byte != quote {
            continue;
        }
        match backslash {
            Rule::Yes if is_escaped => {}
            Rule::Unclear if is_escaped => return None,
            _ if text.get(at) == Some(&quote) => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// The end of `'''…'''` behind its first quote.
pub(super) fn end_of_triple(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 2;
    loop {
        match text.get(at..)? {
            [b'\\', ..] => at += 2,
            [a, b, c, ..] if [*a, *b, *c] == [quote; 3] => return Some(at + 3),
            [] => return None,
            _ => at += 1,
        }
    }
}

/// The end of `q'[…]'` behind its quote.
pub(super) fn end_of_delimited(text: &str) -> Option<usize> {
    let open = text.chars().next().filter(|open| !open.is_whitespace())?;
    let close = match open {
        '[' => ']',
        '{' => '}',
        '(' => ')',
        '<' => '>',
        same => same,
    };
    let start = open.len_utf8();
    let mut closes = text[start..].match_indices(close);
    let ends = |at: usize| start + at + close.len_utf8();
    let (at, _) = closes.find(|&(at, _)| text[ends(at)..].starts_with('\''))?;
    Some(ends(at) + 1)
}

/// The end of `[…]` behind the bracket.
pub(super) fn end_of_name(text: &str, doubled: bool) -> Option<usize> {
    if doubled {
        return end_of_text(text.as_bytes(), b']', Rule::No);
    }
    text.find(']').map(|at| at + 1)
}
