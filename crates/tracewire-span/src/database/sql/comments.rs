//! Where comments end.

use super::{
    dialect::Rule,
    lexer::{Lexer, Token},
};

impl<'a> Lexer<'a> {
    pub(super) fn dashes(&mut self) -> Token<'a> {
        let after = self.rest.as_bytes().get(2);
        // MySQL wants a space or a control character behind, so that 1--1 is 2.
        let spaced =
            after.is_none_or(|after| after.is_ascii_whitespace() || after.is_ascii_control());
        match self.dialect.bare_dashes {
            _ if spaced => self.line_comment(),
            Rule::Yes => self.line_comment(),
            Rule::No => Token::Mark(self.take(1)),
            Rule::Unclear => Token::Unclear,
        }
    }

    pub(super) fn line_comment(&mut self) -> Token<'a> {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let comment = self.rest[..end].trim_end_matches('\r');
        // To some systems a carriage return ends the line as well, and to Spark a backslash does not
        // let it end.
        if comment.contains('\r') || comment.ends_with('\\') {
            return Token::Unclear;
        }
        self.take(end);
        Token::Space
    }

    pub(super) fn block_comment(&mut self) -> Token<'a> {
        if self.dialect.version_comments
            && (self.rest.starts_with("/*!") || self.rest.starts_with("/*M!"))
        {
            return self.version_comment();
        }
        if self.dialect.nested_comments == Rule::Yes {
            return self.nested_comment();
        }
        let Some(end) = self.rest[2..].find("*/") else {
            self.take(self.rest.len());
            return Token::Space;
        };
        // The asterisk counts: `/*/` opens a comment where they nest.
        let nests = self.rest[2..end + 3].contains("/*");
        if nests && self.dialect.nested_comments == Rule::Unclear {
            return Token::Unclear;
        }
        self.take(end + 4);
        Token::Space
    }

    fn nested_comment(&mut self) -> Token<'a> {
        let bytes = self.rest.as_bytes();
        let (mut depth, mut at) = (0_usize, 0);
        while at < bytes.len() {
            match &bytes[at..] {
                [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
                [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        self.take(at);
        Token::Space
    }

    /// `/*! … */` is code or a comment, by the version of the server: skipped if both end alike.
    fn version_comment(&mut self) -> Token<'a> {
        let Some(end) = self.rest[2..].find("*/") else { return Token::Unclear };
        let code = &self.rest[3..end + 3];
        if code.contains(['\'', '"', '`', '#', '$', '[', '\\'])
            || code.contains("--")
            || code.contains("/*")
        {
            return Token::Unclear;
        }
        self.take(end + 4);
        Token::Space
    }
}
