//! The text of a query, as it is put together from tokens.

use super::lexer::Token;
use tracewire_text::cut::{CUT, boundary};

/// Longest query text that is written, in bytes, mark included; the rest of the query is not read.
pub(super) const TEXT: usize = 4096;

/// The text as it is put together.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    is_spaced: bool,
    list: List,
}

/// How far a list behind `IN` has been read: values beyond the first are left out.
#[derive(Clone, Copy, Default, PartialEq)]
enum List {
    #[default]
    None,
    /// `IN` has been written.
    In,
    /// Nothing but values follows the parenthesis, or nothing yet.
    Open,
    /// The text ends here with the first value.
    Value(usize),
}

impl Text {
    /// For a query of so many bytes.
    pub(super) fn for_query(length: usize) -> Self {
        Self { text: String::with_capacity(length.min(TEXT)), ..Self::default() }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Adds a token, or returns false where the text ends.
    pub(super) fn push(&mut self, token: Token<'_>) -> bool {
        let written = match token {
            Token::Space => {
                self.is_spaced = !self.text.is_empty();
                return true;
            }
            Token::Unclear => return false,
            Token::Literal | Token::Open => "?",
            Token::Word(text) | Token::Name(text) | Token::Parameter(text) | Token::Mark(text) => {
                text
            }
        };
        self.list = match (self.list, token) {
            (List::Value(end), Token::Literal) => {
                self.text.truncate(end);
                self.is_spaced = false;
                return true;
            }
            (_, Token::Word(word)) if word.eq_ignore_ascii_case("in") => List::In,
            (List::In, Token::Mark("(")) => List::Open,
            (list @ List::Open, Token::Literal) => list,
            (list @ (List::Open | List::Value(_)), Token::Mark("," | "-" | "+")) => list,
            _ => List::None,
        };
        if std::mem::take(&mut self.is_spaced) {
            self.text.push(' ');
        }
        // One character too many is enough to tell that the text is too long.
        self.text.push_str(&written[..boundary(written, TEXT + 4)]);
        if self.list == List::Open && token == Token::Literal {
            self.list = List::Value(self.text.len());
        }
        token != Token::Open && self.text.len() <= TEXT
    }

    /// Marks the text as not whole, within the limit.
    pub(super) fn cut(&mut self) {
        if self.text.is_empty() {
            return;
        }
        if let List::Value(end) = self.list {
            self.text.truncate(end);
        }
        self.text.truncate(boundary(&self.text, TEXT - CUT.len()));
        self.text.push_str(CUT);
    }
}
