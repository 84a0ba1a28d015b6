//! The tokens of a query, as far as they can be told apart.

use super::{
    bare::{duration, uuid},
    dialect::{Bracket, Dialect, Dollar, DoubleQuote, Hash, Prefix, Rule},
    quoted::{end_of_delimited, end_of_name, end_of_text, end_of_triple},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// White space and comments.
    Space,
    /// A keyword or a name.
    Word(&'a str),
    /// A name in quotes, with them.
    Name(&'a str),
    /// A placeholder for a parameter.
    Parameter(&'a str),
    /// A text or a number.
    Literal,
    /// An operator, or one character of it.
    Mark(&'a str),
    /// A literal whose end cannot be told. Nothing follows.
    Open,
    /// Something that cannot be told apart. Nothing follows.
    Unclear,
}

/// Reads a query token by token, each of its bytes a fixed number of times.
pub(super) struct Lexer<'a> {
    pub(super) rest: &'a str,
    pub(super) dialect: Dialect,
    /// The last token but white space.
    before: Token<'a>,
    /// That token was a text in which a backslash escapes, which PostgreSQL lets go on behind a
    /// line end.
    escaped: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        Self { rest: sql, dialect, before: Token::Space, escaped: false }
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let escaped = std::mem::take(&mut self.escaped);
        let token = self.token(first, escaped);
        match token {
            Token::Space => self.escaped = escaped,
            Token::Open | Token::Unclear => self.rest = "",
            token => self.before = token,
        }
        Some(token)
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.trim_start().is_empty()
    }

    fn token(&mut self, first: char, escaped: bool) -> Token<'a> {
        let second = self.rest.as_bytes().get(1).copied();
        match first {
            ' ' | '\t'..='\r' => {
                let spaces = self.rest.find(|c| !matches!(c, ' ' | '\t'..='\r'));
                self.take(spaces.unwrap_or(self.rest.len()));
                Token::Space
            }
            '\'' => self.text(if escaped { Prefix::Escapes } else { Prefix::Plain }),
            '"' if self.dialect.double_quote == DoubleQuote::Text => self.text(Prefix::Plain),
            '"' => self.name(b'"', self.dialect.backslash_in_names),
            '`' if self.dialect.backtick == Rule::Yes => {
                self.name(b'`', self.dialect.backslash_in_names)
            }
            '`' => self.plain_name('`'),
            '[' => self.bracket(),
            '-' if second == Some(b'-') => self.dashes(),
            '/' if second == Some(b'*') => self.block_comment(),
            '/' if second == Some(b'/') => match self.dialect.slashes {
                Rule::Yes => self.line_comment(),
                Rule::No => Token::Mark(self.take(2)),
                Rule::Unclear => Token::Unclear,
            },
            '#' => self.hash(second),
            '$' => self.dollar(),
            '?' | ':' => self.parameter(first, second),
            '0'..='9' => self.number(),
            '.' if is_digit(second) && !matches!(self.before, Token::Word(_) | Token::Name(_)) => {
                self.number()
            }
            '@' if second.is_some_and(is_ascii_letter) => self.word(),
            _ if is_letter(first) => self.word(),
            // A backslash, a control character, and what is no letter beyond ASCII is a space, a
            // quote or part of a name, as the system has it.
            _ if !first.is_ascii_graphic() || first == '\\' => Token::Unclear,
            _ if self.dialect.unclear.contains(first) => Token::Unclear,
            _ => Token::Mark(self.take(1)),
        }
    }

    /// Takes this many bytes, which end at a character.
    pub(super) fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// A text that begins with the quote at hand.
    fn text(&mut self, prefix: Prefix) -> Token<'a> {
        let Some((&quote, inside)) = self.rest.as_bytes().split_first() else {
            return Token::Unclear;
        };
        let backslash = if prefix == Prefix::Escapes { Rule::Yes } else { self.dialect.backslash };
        let triple = inside.starts_with(&[quote, quote]);
        let end = match prefix {
            Prefix::Unclear => return Token::Unclear,
            Prefix::Delimited => end_of_delimited(&self.rest[1..]),
            Prefix::Raw => inside.iter().position(|&byte| byte == quote).map(|at| at + 1),
            _ if triple && self.dialect.triple_quotes == Rule::Unclear => None,
            _ if triple && self.dialect.triple_quotes == Rule::Yes => end_of_triple(inside, quote),
            _ => end_of_text(inside, quote, backslash),
        };
        let Some(end) = end else { return Token::Open };
        self.take(1 + end);
        self.escaped = prefix == Prefix::Escapes;
        Token::Literal
    }

    fn name(&mut self, quote: u8, backslash: Rule) -> Token<'a> {
        match end_of_text(&self.rest.as_bytes()[1..], quote, backslash) {
            Some(end) => Token::Name(self.take(1 + end)),
            None => Token::Open,
        }
    }

    /// A name in what may or may not be quotes: only one that reads the same in both cases.
    fn plain_name(&mut self, close: char) -> Token<'a> {
        let inside = &self.rest[1..];
        let end = inside.find(|c| !is_letter(c) && !c.is_ascii_digit()).unwrap_or(inside.len());
        let is_plain = inside[end..].starts_with(close) && inside.starts_with(is_letter);
        // Behind a doubled quote the name would go on.
        if is_plain && !inside[end + 1..].starts_with(close) {
            return Token::Name(self.take(end + 2));
        }
        Token::Unclear
    }

    fn bracket(&mut self) -> Token<'a> {
        match self.dialect.bracket {
            Bracket::Mark => Token::Mark(self.take(1)),
            Bracket::Unclear => self.plain_name(']'),
            bracket => match end_of_name(&self.rest[1..], bracket == Bracket::DoubledName) {
                Some(end) => Token::Name(self.take(1 + end)),
                None => Token::Open,
            },
        }
    }

    fn word(&mut self) -> Token<'a> {
        if let Some(literal) = self.bare_literal() {
            return literal;
        }
        let word = self.take(self.word_length());
        let plain = word.strip_prefix('@').unwrap_or(word);
        let suffixed = self.dialect.suffixed_parameters && plain.len() < word.len();
        if suffixed && (self.rest.starts_with('(') || self.rest.starts_with("::")) {
            return Token::Unclear;
        }
        // Where the dollar is no letter, two of them may quote.
        if self.dialect.dollar == Dollar::Unclear && word.matches('$').nth(1).is_some() {
            return Token::Unclear;
        }
        self.prefixed(word)
    }

    /// The word, or the text that it is the prefix of.
    fn prefixed(&mut self, word: &'a str) -> Token<'a> {
        let Some(prefix) = prefix(word, &self.dialect) else { return Token::Word(word) };
        // U&'…' is written with a mark in between.
        let unicode = word.eq_ignore_ascii_case("u") && self.rest.starts_with("&'");
        let is_text = self.rest.starts_with('\'')
            || self.rest.starts_with('"') && self.dialect.double_quote == DoubleQuote::Text;
        if unicode {
            self.take(1);
        } else if !is_text {
            return Token::Word(word);
        }
        self.text(prefix)
    }

    fn word_length(&self) -> usize {
        let hash = self.dialect.hash == Hash::Letter;
        let start = usize::from(self.rest.starts_with('@'));
        let is_part = |c: char| is_letter(c) || c.is_alphanumeric() || c == '$' || hash && c == '#';
        self.rest[start..].find(|c| !is_part(c)).map_or(self.rest.len(), |length| start + length)
    }

    fn number(&mut self) -> Token<'a> {
        if let Some(literal) = self.bare_literal() {
            return literal;
        }
        let mut length = 0;
        let mut before = ' ';
        for c in self.rest.chars() {
            let is_sign = matches!(c, '+' | '-')
                && matches!(before, 'e' | 'E')
                && is_digit(self.rest.as_bytes().get(length + 1).copied());
            if !(c.is_alphanumeric() || matches!(c, '_' | '.') || is_sign) {
                break;
            }
            length += c.len_utf8();
            before = c;
        }
        let number = self.take(length);
        // `1e'…'`: the letter may belong to the number or to the text.
        let ends_in_letter = !number.ends_with(|c: char| c.is_ascii_digit() || c == '.');
        if ends_in_letter && self.rest.starts_with(['\'', '"', '$', '&', '`']) {
            return Token::Open;
        }
        Token::Literal
    }

    /// A UUID or a duration without quotes.
    fn bare_literal(&mut self) -> Option<Token<'a>> {
        if !self.dialect.bare_uuids {
            return None;
        }
        let length = uuid(self.rest).or_else(|| duration(self.rest))?;
        self.take(length);
        Some(Token::Literal)
    }

    fn hash(&mut self, second: Option<u8>) -> Token<'a> {
        match self.dialect.hash {
            Hash::Comment => self.line_comment(),
            Hash::SpacedComment if matches!(second, Some(b' ' | b'!')) => self.line_comment(),
            Hash::Letter => self.word(),
            Hash::Mark => Token::Mark(self.take(1)),
            Hash::SpacedComment | Hash::Unclear => Token::Unclear,
        }
    }

    fn dollar(&mut self) -> Token<'a> {
        let after = &self.rest[1..];
        let tag = after.find(|c| !is_letter(c) && !c.is_alphanumeric()).unwrap_or(after.len());
        let is_quote = after[tag..].starts_with('$');
        let has_digit = after.starts_with(|c: char| c.is_ascii_digit());
        match self.dialect.dollar {
            Dollar::Tagged if is_quote && has_digit => Token::Unclear,
            Dollar::Tagged if is_quote => self.dollar_quoted(tag + 2),
            Dollar::Untagged if after.starts_with('$') => self.dollar_quoted(2),
            Dollar::Unclear if is_quote => Token::Unclear,
            Dollar::Money | Dollar::Unclear if has_digit => {
                self.take(1);
                self.number()
            }
            _ => {
                // What follows a number is another token.
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                let parameter = self.take(1 + if has_digit { digits } else { tag });
                let suffixed = self.dialect.suffixed_parameters;
                if suffixed && (self.rest.starts_with('(') || self.rest.starts_with("::")) {
                    return Token::Unclear;
                }
                Token::Parameter(parameter)
            }
        }
    }

    fn dollar_quoted(&mut self, length: usize) -> Token<'a> {
        let quote = self.take(length);
        match self.rest.find(quote) {
            Some(end) => {
                self.take(end + quote.len());
                Token::Literal
            }
            None => Token::Open,
        }
    }

    /// `?`, `?1`, `:1`; and the colons of names and casts.
    fn parameter(&mut self, first: char, second: Option<u8>) -> Token<'a> {
        if first == ':' && second == Some(b':') {
            return Token::Mark(self.take(2));
        }
        let digits = self.rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let numbered = self.dialect.numbered_parameters && self.before != Token::Literal;
        match first {
            _ if digits > 0 && numbered => Token::Parameter(self.take(1 + digits)),
            '?' if digits > 0 => {
                self.take(1);
                self.number()
            }
            '?' => Token::Parameter(self.take(1)),
            _ if self.dialect.suffixed_parameters && self.is_suffixed() => Token::Unclear,
            _ => Token::Mark(self.take(1)),
        }
    }

    /// Whether a name and an opening parenthesis follow the colon.
    fn is_suffixed(&self) -> bool {
        let after = &self.rest[1..];
        let name = after.find(|c: char| !is_letter(c) && !c.is_alphanumeric() && c != '$');
        name.is_some_and(|end| end > 0 && after[end..].starts_with('('))
    }
}

/// What this word is in front of a quote, or `None` for one that is no prefix.
fn prefix(word: &str, dialect: &Dialect) -> Option<Prefix> {
    const PLAIN: [&str; 11] = ["b", "br", "bx", "g", "gx", "n", "r", "rb", "u", "ux", "x"];
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    let own = dialect.prefixes.iter().find(|(known, _)| is(known)).map(|&(_, prefix)| prefix);
    // `_utf8mb4'…'` names the character set.
    let plain = || (word.starts_with('_') || PLAIN.into_iter().any(is)).then_some(Prefix::Plain);
    own.or_else(plain)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_ascii_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}
