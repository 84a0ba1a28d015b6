//! Rules, colons and words in a text with quotes.

use super::error::RuleError;
use std::ops::Range;

/// What separates rules. Files have one on a line.
const SEPARATORS: [char; 2] = [';', '\n'];

/// The text, and which of its bytes are between quotes.
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
    quoted: Vec<Range<usize>>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, RuleError> {
        let mut scan = Self { text, quoted: Vec::new() };
        let mut rule = 1;
        let mut blank = true; // nothing in this rule yet
        let mut before = ' ';
        let mut chars = text.char_indices();
        while let Some((start, char)) = chars.next() {
            // A quote in the middle of a word is an ordinary character.
            let opens =
                matches!(char, '"' | '\'') && (before.is_whitespace() || "=;".contains(before));
            if opens {
                let Some((end, _)) = chars.by_ref().find(|(_, other)| *other == char) else {
                    return Err(scan.error(rule, start, "this quote is not closed".to_owned()));
                };
                let after = text[end + 1..].chars().next();
                if !after.is_none_or(|after| after.is_whitespace() || ";:".contains(after)) {
                    let message = "expected a space, ';' or ':' after the quote".to_owned();
                    return Err(scan.error(rule, end + 1, message));
                }
                scan.quoted.push(start..end + 1);
            }
            if SEPARATORS.contains(&char) {
                rule += usize::from(!blank);
                blank = true;
            } else if !char.is_whitespace() {
                blank = false;
            }
            before = char;
        }
        Ok(scan)
    }

    /// Whether the whole text stands between quotes.
    pub(super) fn is_one_quote(&self) -> bool {
        let [quoted] = &self.quoted[..] else { return false };
        *quoted == self.trimmed(0..self.text.len())
    }

    fn is_quoted(&self, at: usize) -> bool {
        let after = self.quoted.partition_point(|range| range.end <= at);
        self.quoted.get(after).is_some_and(|range| range.contains(&at))
    }

    /// The rules, without those that are empty and without white space around.
    pub(super) fn rules(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.text.match_indices(SEPARATORS).map(|(at, _)| at);
        let ends = ends.filter(|at| !self.is_quoted(*at));
        let mut start = 0;
        let ranges = ends.chain([self.text.len()]).map(move |end| {
            let range = start..end;
            start = end + 1;
            range
        });
        ranges.map(|range| self.trimmed(range)).filter(|range| !range.is_empty())
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        start..(start + text.trim().len())
    }

    pub(super) fn last_colon(&self, range: &Range<usize>) -> Option<usize> {
        let colons = self.text[range.clone()].rmatch_indices(':');
        colons.map(|(at, _)| range.start + at).find(|at| !self.is_quoted(*at))
    }

    /// What white space separates.
    pub(super) fn words(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut at = range.start;
        let end = range.end;
        std::iter::from_fn(move || {
            let rest = &self.text[at..end];
            let start = at + rest.find(|char: char| !char.is_whitespace())?;
            let is_end = |(offset, char): &(usize, char)| {
                char.is_whitespace() && !self.is_quoted(start + offset)
            };
            let len = self.text[start..end].char_indices().find(is_end).map(|(offset, _)| offset);
            at = len.map_or(end, |len| start + len);
            Some(start..at)
        })
    }

    pub(super) fn error(&self, rule: usize, at: usize, message: String) -> RuleError {
        RuleError::new(self.text, rule, at, message)
    }
}
