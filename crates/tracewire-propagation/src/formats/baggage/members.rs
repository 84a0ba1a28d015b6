//! The grammar of the `baggage` header, member by member.

use super::encoding::{encode, is_octet, is_token};
use tracewire_text::percent::escape_stray_signs;

/// Members that one header may have (section "Limits").
pub(super) const MAX_MEMBERS: usize = 64;
/// Bytes that all header lines together may have.
pub(crate) const MAX_LEN: usize = 8192;

/// One `key=value;properties` as it stands in the header, without white space around its parts.
#[derive(Debug, PartialEq)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    /// Percent-encoded.
    pub(super) value: &'a str,
    /// What follows the first `;`, not yet judged.
    pub(super) properties: &'a str,
}

/// The members of one header line; `Err` stands for one that is malformed.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    /// Steps over the bytes that belong and returns them. They are ASCII.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.byte().is_some_and(&belongs) {
            self.at += 1;
        }
        self.line.get(start..self.at).unwrap_or_default()
    }

    fn skip_ows(&mut self) {
        self.take_while(is_ows);
    }

    fn member(&mut self) -> Option<Member<'a>> {
        let key = self.take_while(is_token);
        self.skip_ows();
        if key.is_empty() || self.byte() != Some(b'=') {
            return None;
        }
        self.at += 1;
        self.skip_ows();
        let value = self.take_while(is_octet);
        self.skip_ows();
        let properties = match self.byte() {
            None | Some(b',') => "",
            Some(b';') => {
                self.at += 1;
                self.take_to_comma()
            }
            Some(_) => return None,
        };
        Some(Member { key, value, properties })
    }

    fn take_to_comma(&mut self) -> &'a str {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let taken = rest.split(',').next().unwrap_or_default();
        self.at += taken.len();
        taken
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, ()>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take_while(|byte| is_ows(byte) || byte == b',');
        self.byte()?;
        let member = self.member();
        if member.is_none() {
            self.take_to_comma();
        }
        Some(member.ok_or(()))
    }
}

/// A header value in the making, held to the limits: a member that does not fit is left out.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) text: String,
    members: usize,
}

impl List {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), members: 0 }
    }

    /// Appends a member that is already in its final form.
    pub(super) fn push(&mut self, member: &str) -> bool {
        self.append(|text| text.push_str(member))
    }

    /// Appends a member from its decoded parts.
    pub(super) fn push_parts(&mut self, key: &str, value: &str, properties: &str) -> bool {
        self.append(|text| {
            text.push_str(key);
            text.push('=');
            encode(value, text);
            if !properties.is_empty() {
                push_properties(properties, text);
            }
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.members == MAX_MEMBERS
    }

    pub(super) fn append(&mut self, write: impl FnOnce(&mut String)) -> bool {
        if self.is_full() {
            return false;
        }
        let end = self.text.len();
        if end > 0 {
            self.text.push(',');
        }
        write(&mut self.text);
        if self.text.len() > MAX_LEN {
            self.text.truncate(end);
            return false;
        }
        self.members += 1;
        true
    }
}

/// The bytes that [`List::push_parts`] takes for parts without escapes, with a comma.
pub(super) fn len_of_parts(key: &str, value: &str, properties: &str) -> usize {
    let properties = if properties.is_empty() { 0 } else { properties.len() + 1 };
    key.len() + 1 + value.len() + properties + 1
}

/// Appends each valid property behind a `;`, in the encoding that it came with; a `%` that begins no
/// escape is escaped.
pub(super) fn push_properties(properties: &str, text: &mut String) {
    for property in properties.split(';') {
        let (key, value) = match property.split_once('=') {
            Some((key, value)) => (trim(key), Some(trim(value))),
            None => (trim(property), None),
        };
        let valid = !key.is_empty()
            && key.bytes().all(is_token)
            && value.is_none_or(|value| value.bytes().all(is_octet));
        if !valid {
            continue;
        }
        text.push(';');
        text.push_str(key);
        if let Some(value) = value {
            text.push('=');
            escape_stray_signs(value, text);
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_ows(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_are_read_without_their_white_space() {
        let member = |key, value, properties| Ok(Member { key, value, properties });
        for (line, expected) in [
            ("", vec![]),
            (" ,\t, ", vec![]),
            ("a=1", vec![member("a", "1", "")]),
            ("a=", vec![member("a", "", "")]),
            (" a\t= 1 \t, b=2", vec![member("a", "1", ""), member("b", "2", "")]),
            ("a=b=c==", vec![member("a", "b=c==", "")]),
            ("a%20b=1", vec![member("a%20b", "1", "")]),
            ("a=1;p", vec![member("a", "1", "p")]),
            ("a=1 ; p = 2 ;q,b=2", vec![member("a", "1", " p = 2 ;q"), member("b", "2", "")]),
            ("a", vec![Err(())]),
            ("=1", vec![Err(())]),
            ("a b=1", vec![Err(())]),
            ("a=b c,d=1", vec![Err(()), member("d", "1", "")]),
            ("a=\"b\"", vec![Err(())]),
            ("a=b\\", vec![Err(())]),
            ("a=é,b=1", vec![Err(()), member("b", "1", "")]),
            ("é=1", vec![Err(())]),
            ("(a)=1", vec![Err(())]),
        ] {
            assert_eq!(Members::new(line).collect::<Vec<_>>(), expected, "{line:?}");
        }
    }

    #[test]
    fn properties_keep_their_encoding_and_lose_what_is_illegal() {
        for (properties, expected) in [
            ("", ""),
            ("p", ";p"),
            (" p = a%2Cb ; q ", ";p=a%2Cb;q"),
            ("p=;q", ";p=;q"),
            ("p=a b;q=\"x\";r=1", ";r=1"),
            ("=1;;ok", ";ok"),
            ("p=a\r\nb", ""),
        ] {
            let mut text = String::new();
            push_properties(properties, &mut text);
            assert_eq!(text, expected, "{properties:?}");
        }
    }

    #[test]
    fn a_member_that_does_not_fit_is_left_out_whole() {
        let mut list = List::default();
        assert!(list.push_parts("a", "1", ""));
        assert!(!list.push_parts("b", &"x".repeat(MAX_LEN), ""));
        assert!(list.push_parts("c", &"x".repeat(MAX_LEN - "a=1,c=".len()), ""));
        assert_eq!(list.text.len(), MAX_LEN);

        let mut list = List::default();
        let fitting = (0..70).filter(|i| list.push_parts(&i.to_string(), "", "")).count();
        assert_eq!(fitting, 64);
    }

    proptest! {
        #[test]
        fn no_line_panics(line: String) {
            Members::new(&line).for_each(drop);
        }

        #[test]
        fn no_line_near_the_grammar_panics(line in "[ab=;,% \\t\"é]{0,40}") {
            for member in Members::new(&line).flatten() {
                prop_assert!(line.contains(member.key) && line.contains(member.value));
                let mut text = String::new();
                push_properties(member.properties, &mut text);
                // A `;` in front, and `25` behind each stray `%`.
                let stray = 2 * member.properties.matches('%').count();
                prop_assert!(text.len() <= member.properties.len() + 1 + stray);
            }
        }
    }
}
