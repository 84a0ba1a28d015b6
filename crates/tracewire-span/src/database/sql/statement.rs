//! Where a query stops being SQL.

use super::dialect::Dialect;
use super::lexer::Token;

/// Whether a query is read on.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ends {
    No,
    Before,
    Behind,
}

/// Where a statement goes on with something that is not SQL, or with a secret that is no literal.
#[derive(Default)]
pub(super) struct Statement {
    has_begun: bool,
    takes_data: bool,
    /// Parentheses that are open.
    depth: usize,
    after_identified: bool,
    after_format: bool,
}

impl Statement {
    pub(super) fn ends_with(&mut self, token: Token<'_>, dialect: &Dialect) -> Ends {
        match token {
            Token::Space => Ends::No,
            Token::Word(word) if !self.has_begun => self.first(word, dialect),
            Token::Mark("(") if !self.has_begun => Ends::No,
            _ if !self.has_begun && dialect.must_look_like_sql => Ends::Before,
            Token::Mark(";") => {
                *self = Self::default();
                Ends::No
            }
            _ if std::mem::take(&mut self.after_format) => Ends::Behind,
            token => self.later(token),
        }
    }

    fn first(&mut self, word: &str, dialect: &Dialect) -> Ends {
        let is_any = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
        self.has_begun = true;
        self.takes_data = dialect.inline_data && is_any(&["INSERT"]);
        if is_any(dialect.raw_statements) {
            return Ends::Behind;
        }
        if dialect.must_look_like_sql && !is_any(STATEMENTS) { Ends::Before } else { Ends::No }
    }

    fn later(&mut self, token: Token<'_>) -> Ends {
        self.has_begun = true;
        match token {
            Token::Mark("(") => self.depth += 1,
            Token::Mark(")") => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let is =
            |known: &str| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(known));
        // Oracle's passwords are names: `IDENTIFIED BY tiger`.
        if std::mem::take(&mut self.after_identified) && (is("by") || is("with") || is("via")) {
            return Ends::Behind;
        }
        self.after_identified = is("identified");
        // ClickHouse's `INSERT INTO t FORMAT CSV 1,Ada`: the data follow the name of their format.
        self.after_format = self.takes_data && self.depth == 0 && is("format");
        Ends::No
    }
}

/// How statements begin, in SQL and in no other language that a database is likely to speak.
const STATEMENTS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "COMMIT",
    "CREATE",
    "DELETE",
    "DESCRIBE",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "GRANT",
    "INSERT",
    "MERGE",
    "RELEASE",
    "REPLACE",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SHOW",
    "START",
    "TRUNCATE",
    "UPDATE",
    "UPSERT",
    "VALUES",
    "WITH",
];
