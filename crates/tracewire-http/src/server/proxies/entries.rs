//! The entries of a comma-separated header over all its lines, from the nearest proxy outwards.
//!
//! Proxies append, so what a client wrote stands to the left of, or on lines before, what trusted
//! proxies wrote. Reading from the right end finds theirs, however much there is of the client's.

use http::{HeaderMap, HeaderName, HeaderValue, header::ValueIter};
use std::iter::Rev;

/// How many entries are read, empty ones included.
const MOST: usize = 64;
/// The longest entry that is read, in bytes.
const LONGEST: usize = 1024;

/// Reads one entry; none if it is malformed.
type Read<'a, T> = fn(&'a [u8]) -> Option<T>;

/// The entries of a header, the last one first, and none in place of one that cannot be read, which
/// is the end.
pub(super) struct Entries<'a, T> {
    lines: Rev<ValueIter<'a, HeaderValue>>,
    /// What is not yet read of a line.
    rest: Option<&'a [u8]>,
    read: Read<'a, T>,
    left: usize,
}

impl<'a, T> Entries<'a, T> {
    pub(super) fn new(headers: &'a HeaderMap, name: HeaderName, read: Read<'a, T>) -> Self {
        Self { lines: headers.get_all(name).iter().rev(), rest: None, read, left: MOST }
    }

    /// The last entry of `line`, and what stands before its comma. An empty one is `Ok(None)`.
    ///
    /// A comma may stand inside quotes. So an entry that cannot be read is read again together
    /// with what is to its left, if there is a quote in it.
    fn last_of(&mut self, line: &'a [u8]) -> Result<(Option<T>, Option<&'a [u8]>), Unreadable> {
        let furthest = line.len().saturating_sub(LONGEST + 1);
        let mut end = line.len();
        loop {
            self.left = self.left.checked_sub(1).ok_or(Unreadable)?;
            let comma = line[furthest..end].iter().rposition(|&byte| byte == b',');
            let (entry, before) = match comma.map(|at| furthest + at) {
                Some(comma) => (&line[comma + 1..], Some(&line[..comma])),
                None if furthest == 0 => (line, None),
                None => return Err(Unreadable),
            };
            let entry = entry.trim_ascii();
            if entry.is_empty() {
                return Ok((None, before));
            }
            match ((self.read)(entry), before) {
                (Some(read), _) => return Ok((Some(read), before)),
                (None, Some(before)) if entry.contains(&b'"') => end = before.len(),
                (None, _) => return Err(Unreadable),
            }
        }
    }
}

impl<T> Iterator for Entries<'_, T> {
    type Item = Option<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.rest.take() {
                Some(rest) => rest,
                None => self.lines.next()?.as_bytes(),
            };
            match self.last_of(line) {
                Ok((entry, before)) => {
                    self.rest = before;
                    if entry.is_some() {
                        return Some(entry);
                    }
                }
                Err(Unreadable) => {
                    self.left = 0;
                    return Some(None);
                }
            }
        }
    }
}

/// An entry is malformed or too long, or enough were read.
struct Unreadable;

/// The first entry of a header: the outermost one, from its left end.
pub(super) fn first<'a, T>(
    headers: &'a HeaderMap,
    name: HeaderName,
    read: Read<'a, T>,
) -> Option<T> {
    let line = headers.get(name)?.as_bytes();
    let line = &line[..line.len().min(LONGEST)];
    let mut commas = line.iter().enumerate().filter(|(_, byte)| **byte == b',');
    let mut start = 0;
    for _ in 0..MOST {
        let comma = commas.next().map(|(at, _)| at);
        let entry = line[start..comma.unwrap_or(line.len())].trim_ascii();
        if entry.is_empty() {
            start = comma? + 1;
        } else if let Some(read) = read(entry) {
            return Some(read);
        } else if comma.is_none() || !entry.contains(&b'"') {
            return None;
        }
    }
    None
}
