//! The grammar of `tracestate`, level 2, and its way through the context.
//!
//! OpenTelemetry's [`TraceState`] follows level 1: it refuses some keys that level 2 allows and
//! accepts members that no level does. So lists are judged here; what OpenTelemetry can hold goes
//! into the span context, and a valid list that it refuses is kept beside it, as [`Unheld`].

use crate::tools::{kept::kept, passed_on::PassedOn, read::MAX_LINES};
use arrayvec::ArrayVec;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceState},
};

/// List members that one header may have (section "tracestate Header Field Values").
const MAX_MEMBERS: usize = 32;
/// Bytes of a key, and of a value.
const MAX_PART: usize = 256;
/// Bytes of the longest valid list; all header lines together are held to it.
const MAX_LEN: usize = MAX_MEMBERS * (MAX_PART + 1 + MAX_PART + 1);

/// The key of OpenTelemetry's own member. Of several, the first one counts.
const OT: &str = "ot";

/// A valid list that OpenTelemetry cannot hold.
///
/// Its member `ot` only keeps the place for what is in the span context. A sampler could not take
/// it out of here.
pub(super) struct Unheld(pub(super) String);

/// What the header lines hold.
#[derive(Debug, PartialEq)]
pub(super) enum List {
    /// Nothing, or empty members alone.
    Empty,
    /// A list that OpenTelemetry can hold.
    Held(TraceState),
    /// A list that it cannot hold, in the form in which it is sent on, and the one member of it that
    /// samplers read and write, `ot`.
    Unheld { list: String, ot: Option<TraceState> },
    /// One bad member, or too many: the whole list is dropped.
    Malformed,
}

/// Reads all lines of the header as one list.
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> List {
    let mut lines = lines.peekable();
    match lines.peek() {
        None => List::Empty,
        Some(_) => parse_members(lines, true),
    }
}

/// Reads all lines of the header as a list of which OpenTelemetry holds its own member alone.
pub(super) fn parse_beside<'a>(lines: impl Iterator<Item = &'a [u8]>) -> List {
    parse_members(lines, false)
}

#[inline(never)] // most requests have no list, and none of them pays for this frame
fn parse_members<'a>(lines: impl Iterator<Item = &'a [u8]>, hold: bool) -> List {
    let mut members = ArrayVec::<_, MAX_MEMBERS>::new();
    let mut budget = MAX_LEN;
    let mut only_line = None;
    for (number, line) in lines.enumerate() {
        // Each line counts with a comma behind it.
        let Some(left) = budget.checked_sub(line.len() + 1) else { return List::Malformed };
        budget = left;
        let Ok(line) = str::from_utf8(line) else { return List::Malformed };
        if number >= MAX_LINES {
            return List::Malformed;
        }
        only_line = (number == 0).then_some(line);
        for member in (Members { line, at: 0 }) {
            let Some(member) = member else { return List::Malformed };
            if members.try_push(member).is_err() {
                return List::Malformed;
            }
        }
    }
    if members.is_empty() {
        return List::Empty;
    }
    let texts = || members.iter().map(|(key, value)| (Text(key), Text(value)));
    let held = hold.then(|| TraceState::from_key_value(texts()).ok()).flatten();
    match held {
        Some(held) => List::Held(held),
        None => unheld(&members, only_line),
    }
}

/// A text of a list, as OpenTelemetry is to own it.
struct Text<'a>(&'a str);

/// glibc keeps seven freed blocks of up to 24 bytes at hand, and the other work on a request needs
/// most of them. One more costs some 300 instructions, so short texts take the next size.
#[allow(clippy::to_string_trait_impl)] // OpenTelemetry asks for this trait
impl ToString for Text<'_> {
    fn to_string(&self) -> String {
        let mut text = String::with_capacity(self.0.len().max(32));
        text.push_str(self.0);
        text
    }
}

/// A list of these members, which may be all of `only_line`, for what OpenTelemetry does not hold.
fn unheld(members: &[(&str, &str)], only_line: Option<&str>) -> List {
    let first = members.iter().position(|(key, _)| *key == OT);
    let kept = || {
        let numbered = members.iter().copied().enumerate();
        numbered.filter(|(at, (key, _))| *key != OT || Some(*at) == first).map(|(_, m)| m)
    };
    let ot = first.and_then(|at| TraceState::from_key_value([members[at]]).ok());
    let len = len(kept());
    // As long as the members with commas between them: nothing else stands in it.
    let list = match only_line.filter(|line| line.len() == len) {
        Some(line) => Some(line.to_owned()),
        None => join(len, kept()),
    };
    list.map_or(List::Empty, |list| List::Unheld { list, ot })
}

/// Returns the header to send for `span_context`, which is the span in `context`; `None` for no
/// header.
pub(super) fn header_value(context: &Context, span_context: &SpanContext) -> Option<String> {
    let held = span_context.trace_state();
    // What the application put there through OpenTelemetry's laxer type may not be a legal header.
    let legal = held.into_iter().filter(|(key, value)| is_key(key) && is_value(value));
    let trace_id = span_context.trace_id();
    let unheld = || kept(context, trace_id).map(|Unheld(list)| list.as_str());
    match PassedOn::list(context, trace_id).or_else(unheld) {
        None => join(len(held.into_iter()), legal),
        // Newer members stand to the left of older ones.
        Some(list) => {
            let older = || list.split(',').filter_map(|member| member.split_once('='));
            let ot = older().find(|(key, _)| *key == OT).map(|(_, value)| value);
            let is_same = ot.is_some() && ot == held.get(OT);
            let newer = legal.filter(|(key, _)| *key != OT || !is_same);
            let older = older().filter(|(key, _)| match *key {
                OT => is_same,
                key => held.get(key).is_none(),
            });
            join(list.len() + len(held.into_iter()), newer.chain(older).take(MAX_MEMBERS))
        }
    }
}

/// The members of one header line, `None` for one that is malformed.
struct Members<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    fn member(&mut self) -> Option<(&'a str, &'a str)> {
        let bytes = self.line.as_bytes();
        let key_end = end_of(KEY, bytes, self.at);
        if bytes.get(key_end) != Some(&b'=') {
            return None;
        }
        // Leading spaces belong to a value, trailing ones to the white space behind it.
        let value_at = key_end + 1;
        let mut value_end = end_of(VALUE, bytes, value_at);
        let end = end_of(SPACE, bytes, value_end);
        while value_end > value_at && bytes[value_end - 1] == b' ' {
            value_end -= 1;
        }
        let (key, value) = (&self.line[self.at..key_end], &self.line[value_at..value_end]);
        self.at = end;
        let ends = bytes.get(end).is_none_or(|&byte| byte == b',');
        (ends && has_key_form(key) && has_value_len(value)).then_some((key, value))
    }
}

/// The first place from `at` on whose byte is not of `class`, all of which is ASCII.
#[inline(always)] // a loop of few steps
fn end_of(class: u8, bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at)
        && CLASS[usize::from(*byte)] & class != 0
    {
        at += 1;
    }
    at
}

impl<'a> Iterator for Members<'a> {
    type Item = Option<(&'a str, &'a str)>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.line.as_bytes();
        self.at = end_of(SPACE | COMMA, bytes, self.at);
        (self.at < bytes.len()).then(|| self.member())
    }
}

/// Whether a key follows level 2: `@` is an ordinary character, a digit may come first.
fn is_key(key: &str) -> bool {
    has_key_form(key) && are(key.as_bytes(), KEY)
}

/// Whether a text of a key's characters is a key.
fn has_key_form(key: &str) -> bool {
    let first = key.as_bytes().first();
    first.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && key.len() <= MAX_PART
}

/// Whether a value is legal: printable, without `,` and `=`, and not ending in a space.
fn is_value(value: &str) -> bool {
    has_value_len(value) && !value.ends_with(' ') && are(value.as_bytes(), VALUE)
}

fn has_value_len(value: &str) -> bool {
    (1..=MAX_PART).contains(&value.len())
}

fn are(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| CLASS[usize::from(byte)] & class != 0)
}

/// The members with commas between them, or `None` without any.
fn join<'a>(len: usize, members: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut list = String::with_capacity(len);
    for (key, value) in members {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(key);
        list.push('=');
        list.push_str(value);
    }
    (!list.is_empty()).then_some(list)
}

/// The bytes of these members and of what is between them.
fn len<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    let len: usize = members.map(|(key, value)| key.len() + value.len() + 2).sum();
    len.saturating_sub(1)
}

const KEY: u8 = 1;
const VALUE: u8 = 2;
const SPACE: u8 = 4;
const COMMA: u8 = 8;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        if byte != b',' && byte != b'=' {
            table[byte as usize] |= VALUE;
        }
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            table[byte as usize] |= KEY;
        }
        if matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@') {
            table[byte as usize] |= KEY;
        }
        byte += 1;
    }
    table[b' ' as usize] |= SPACE;
    table[b'\t' as usize] |= SPACE;
    table[b',' as usize] |= COMMA;
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is sent on for these lines, `None` for a list that is dropped.
    fn sent(lines: &[&str]) -> Option<String> {
        match parse(lines.iter().map(|line| line.as_bytes())) {
            List::Empty => Some(String::new()),
            List::Held(held) => Some(held.header()),
            List::Unheld { list, .. } => Some(list),
            List::Malformed => None,
        }
    }

    fn members(count: usize) -> String {
        let members: Vec<_> = (0..count).map(|i| format!("k{i}={i}")).collect();
        members.join(",")
    }

    #[test]
    fn valid_lists_are_sent_on_in_order() {
        let longest_key = format!("{}=1", "z".repeat(256));
        let longest_tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(14));
        let longest_value = format!("a={}", "v".repeat(256));
        let full = members(32);
        for (lines, expected) in [
            (vec![""], ""),
            (vec![" , \t,,"], ""),
            (vec!["foo=1"], "foo=1"),
            (vec!["foo=1,bar=2"], "foo=1,bar=2"),
            (vec![" foo=1 \t,\t bar=2 "], "foo=1,bar=2"),
            (vec!["foo=1,,bar=2,"], "foo=1,bar=2"),
            (vec!["foo=1", "bar=2", "baz=3"], "foo=1,bar=2,baz=3"),
            (vec!["foo=1", "", "bar=2"], "foo=1,bar=2"),
            (vec!["foo=1,foo=1"], "foo=1,foo=1"),
            (vec!["foo=  leading"], "foo=  leading"),
            (vec!["foo=a b\"c:;<>~!"], "foo=a b\"c:;<>~!"),
            (vec!["0a=1"], "0a=1"),
            (vec!["a_-*/@=1"], "a_-*/@=1"),
            (vec!["foo@@bar=1"], "foo@@bar=1"),
            (vec!["foo@=1,bar=2"], "foo@=1,bar=2"),
            (vec![&longest_key], &longest_key),
            (vec![&longest_tenant], &longest_tenant),
            (vec![&longest_value], &longest_value),
            (vec![&full], &full),
        ] {
            assert_eq!(sent(&lines).as_deref(), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn the_first_member_of_opentelemetry_is_held_beside_a_list_that_is_not() {
        for (line, expected, held) in [
            ("a@@b=1,ot=th:c,b=2", "a@@b=1,ot=th:c,b=2", "ot=th:c"),
            ("ot=th:c,a@@b=1,ot=th:8", "ot=th:c,a@@b=1", "ot=th:c"),
            ("a@@b=1", "a@@b=1", ""),
        ] {
            let List::Unheld { list, ot } = parse([line.as_bytes()].into_iter()) else {
                panic!("{line} is held");
            };
            let ot = ot.unwrap_or_default().header();
            assert_eq!((list.as_str(), ot.as_str()), (expected, held), "{line}");
        }
    }

    #[test]
    fn one_bad_member_drops_the_list() {
        let long_key = format!("{}=1", "z".repeat(257));
        let long_value = format!("a={}", "v".repeat(257));
        let many = members(33);
        for list in [
            "foo",
            "=1",
            "foo=",
            "foo=1=2",
            "foo==1",
            "foo =1",
            "Foo=1",
            "@foo=1",
            "_foo=1",
            "fö=1",
            "foo=bär",
            "foo=a\tb",
            "foo.bar=1",
            "foo=1;bar",
            &long_key,
            &long_value,
            &many,
        ] {
            let expected = (list == "foo=1;bar").then(|| "ok=1,foo=1;bar".to_owned());
            assert_eq!(sent(&["ok=1", list]), expected, "{list:?}");
        }
        assert_eq!(parse([&b"foo=\xff"[..]].into_iter()), List::Malformed);
    }

    #[test]
    fn a_list_over_the_limit_is_dropped_unread() {
        let line = "a=1,".repeat(MAX_LEN / 4 + 1);
        assert_eq!(sent(&[&line]), None);
        let lines = vec![",,,,,,,,,,,,,,,"; MAX_LEN / 16 + 1];
        assert_eq!(sent(&lines), None);
    }

    proptest! {
        #[test]
        fn no_input_panics(lines in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..40), 0..5,
        )) {
            parse(lines.iter().map(Vec::as_slice));
        }

        #[test]
        fn what_is_sent_on_is_legal_and_stable(
            lines in proptest::collection::vec("[a-c@=, \t0-2]{0,30}", 0..4)
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            if let Some(list) = sent(&lines) {
                prop_assert_eq!(sent(&[&list]), Some(list.clone()));
                for member in list.split(',').filter(|member| !member.is_empty()) {
                    let (key, value) = member.split_once('=').unwrap();
                    prop_assert!(is_key(key) && is_value(value));
                    prop_assert!(lines.iter().any(|line| line.contains(member)));
                }
            }
        }
    }
}
