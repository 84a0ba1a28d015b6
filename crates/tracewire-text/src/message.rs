//! Secrets in error messages and other free text.

mod assignment;
mod userinfo;

use crate::{
    SensitiveKeys,
    cut::{boundary, cut},
    splice::Splice,
    symbols::Symbols,
};
use std::{
    borrow::Cow,
    fmt::{self, Display, Write},
    ops::Range,
};

/// Writes what `value` displays, without the secrets in it and cut to `limit` bytes.
///
/// It is not asked for more than the limit, so an endless value is no danger. A `Display` that fails
/// counts for what it wrote before. What counts as a secret is listed at [`redact_message`].
///
/// ```
/// let error = "connecting to redis://ada:pw@cache/0 failed";
/// let expected = "connecting to redis://REDACTED:REDACTED@cache/0 failed";
/// assert_eq!(tracewire_text::display(error, 256), expected);
/// ```
pub fn display(value: &(impl Display + ?Sized), limit: usize) -> String {
    let mut bounded = Bounded { text: String::new(), limit };
    // An error is the limit reached, or a `Display` that gave up.
    let _ = write!(bounded, "{value}");
    let redacted = redact_message(&bounded.text, bounded.text.len() > limit);
    cut(redacted, limit).into_owned()
}

/// Takes one character more than the limit, so that a cut can be told from a fit.
struct Bounded {
    text: String,
    limit: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_add(1).saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        // The character that does not fit is taken whole, however long it is.
        self.text.push_str(&text[..boundary(text, room + 3)]);
        Err(fmt::Error)
    }
}

/// Redacts the secrets in a text, such as an error message.
///
/// | what | becomes |
/// |---|---|
/// | `scheme://user:password@host/path`, whatever the password holds but white space, quotation marks, `<` and `>` | `scheme://REDACTED:REDACTED@host/path` |
/// | the query and the fragment of a URL | `https://host/path?REDACTED` |
/// | `user:password@tcp(host)/db` and other user information without a scheme | `REDACTED:REDACTED@tcp(host)/db` |
/// | `password=…`, `Password=…;`, `token: …`, `"secret":"…"`, `Authorization: Bearer …` | the key and `REDACTED` |
/// | `<password>…</password>` | the tags and `REDACTED` |
/// | `Bearer …` in a sentence | `Bearer REDACTED` |
///
/// Keys are the default ones of [`SensitiveKeys`](crate::SensitiveKeys), but ordinary words (`code`,
/// `key`, `policy`, `ticket` and the like) are none here, and short ones (`auth`, `pass`, `session`)
/// only with an equals sign or quotation marks. A value in quotation marks or braces is redacted to its end, another
/// one to the next white space, or to the semicolon in a connection string that has them. The
/// schemes, hosts and paths of URLs stay readable. A secret that no key, `@` or `Bearer` marks is
/// not recognized.
///
/// Pass `true` for `is_cut` if the text goes on behind its end: then what could be the beginning of
/// user information counts as such. The time grows with the length of the text alone; nothing is
/// allocated if nothing is redacted.
///
/// ```
/// use tracewire_text::redact_message;
///
/// let text = "host=db user=ada password='s3 cret': connection refused";
/// let expected = "host=db user=ada password='REDACTED': connection refused";
/// assert_eq!(redact_message(text, false), expected);
/// ```
pub fn redact_message(text: &str, is_cut: bool) -> Cow<'_, str> {
    Scanner {
        text,
        is_cut,
        splice: Splice::new(text),
        word: 0..0,
        queried: 0,
        without_at: 0,
        opened: 0,
    }
    .scan()
}

/// Reads a text from left to right, and never a part of it more than a few times.
#[derive(Debug)]
struct Scanner<'a> {
    text: &'a str,
    is_cut: bool,
    splice: Splice<'a>,
    /// The word that is read, from behind what was dealt with.
    word: Range<usize>,
    /// How far queries were looked at.
    queried: usize,
    /// How far there is no user information without a scheme.
    without_at: usize,
    /// The end of the last word whose first colon was looked at.
    opened: usize,
}

impl<'a> Scanner<'a> {
    fn scan(mut self) -> Cow<'a, str> {
        let mut at = 0;
        while let Some(&byte) = self.text.as_bytes().get(at) {
            if at >= self.word.end {
                self.word = at..word_end(self.text, at);
            }
            let next = match byte {
                b':' if self.text[at..].starts_with("://") => self.redact_url(at),
                b':' => match self.redact_assigned(at) {
                    next if next == at + 1 => self.redact_opened(at),
                    next => next,
                },
                b'=' => self.redact_assigned(at),
                b'@' => self.redact_userinfo(at),
                b'?' => self.redact_query(at, at),
                b'%' if self.encodes_assignment(at) => self.redact_query(at, self.word.start),
                b'>' => self.redact_element(at),
                b' ' | b'\t' => self.redact_token(at),
                _ => at + 1,
            };
            // What was replaced is never read again.
            let next = next.max(self.splice.copied());
            let begun = if next > at + 1 { next } else { self.splice.copied() };
            self.word.start = self.word.start.max(begun);
            self.word.end = self.word.end.max(begun);
            at = next;
        }
        // The `@` of user information may stand behind the cut.
        let last = self.word.start.min(self.text.len())..self.text.len();
        if self.is_cut && self.text[last.clone()].contains(':') {
            self.splice.redact(last);
        }
        self.splice.finish()
    }

    /// Redacts the rest of the word as a query that begins at `start`, of which `mark` tells.
    fn redact_query(&mut self, mark: usize, start: usize) -> usize {
        if mark < self.queried {
            return mark + 1;
        }
        self.queried = self.word.end;
        let end = without_punctuation(self.text, start, self.word.end);
        match SensitiveKeys::default().redact_query(&self.text[start..end]) {
            Cow::Borrowed(_) => mark + 1,
            Cow::Owned(redacted) => {
                self.splice.replace(start..end, &redacted);
                end.max(mark + 1)
            }
        }
    }

    /// Whether an encoded equals sign stands here, or the encoded colon and slash of a URL.
    fn encodes_assignment(&self, percent: usize) -> bool {
        let mut symbols = Symbols::of(&self.text[percent..self.word.end]).map(|symbol| symbol.byte);
        match symbols.next() {
            Some(b'=') => true,
            Some(b':') => symbols.next() == Some(b'/'),
            _ => false,
        }
    }

    /// Redacts what follows the word `Bearer` or `Basic` and a space, if it looks like no word.
    fn redact_token(&mut self, space: usize) -> usize {
        let (start, before) = (space + 1, &self.text.as_bytes()[..space]);
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let ends_with = |word: &[u8]| {
            before.len().checked_sub(word.len()).is_some_and(|from| {
                before[from..].eq_ignore_ascii_case(word)
                    && !before[..from].last().is_some_and(u8::is_ascii_alphanumeric)
            })
        };
        if !ends_with(b"bearer") && !ends_with(b"basic") {
            return start;
        }
        let spaces = self.text.as_bytes()[start..].iter().take_while(|byte| is_space(byte)).count();
        let start = start + spaces;
        let end = without_punctuation(self.text, start, word_end(self.text, start));
        if !looks_random(&self.text.as_bytes()[start..end]) {
            return start;
        }
        self.splice.redact(start..end);
        end
    }
}

/// Where the word ends that the byte at `start` belongs to; a byte between words is one of its own.
fn word_end(text: &str, start: usize) -> usize {
    let length = text[start..].bytes().position(|byte| {
        // These never stand in user information.
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'`' | b'<' | b'>')
    });
    length.map_or(text.len(), |length| start + length.max(1))
}

/// The end of a word without the punctuation behind it.
fn without_punctuation(text: &str, start: usize, end: usize) -> usize {
    let word = text[start..end].trim_end_matches(['\'', ')', ']', '}', ',', '.', ':', ';', '\\']);
    start + word.len()
}

/// Whether these are rather the characters of a token than a word of a sentence.
fn looks_random(word: &[u8]) -> bool {
    let changes_case =
        word.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    let is_upper = word.iter().all(u8::is_ascii_uppercase);
    word.len() >= 6
        && (changes_case || is_upper || word.iter().any(|byte| !byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests;
