//! Where a query stops being SQL.

use super::{dialect::Dialect, lexer::Token};

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
    setting: Setting,
    call: Call,
    /// Parentheses that are open.
    depth: usize,
    alters: bool,
    copies: bool,
    /// What the statement makes or changes comes next.
    before_kind: bool,
    is_of_account: bool,
    after_identified: bool,
    after_password: bool,
    after_stdin: bool,
    after_format: bool,
}

/// A statement that gives something a value, which may be a word: `SET role = ada`.
#[derive(Clone, Copy, Default, PartialEq)]
enum Setting {
    #[default]
    None,
    /// Behind `=` or `TO`.
    Set,
    /// Behind `=` or a parenthesis.
    Pragma,
}

/// A call of SQL Server, in which a word may stand for a text: `EXEC greet Ada`, or `greet Ada` where
/// a query begins.
#[derive(Clone, Copy, Default, PartialEq)]
enum Call {
    #[default]
    None,
    Begun,
    /// The query began with what may be the name of a procedure.
    Perhaps,
    /// The procedure has been named, or more of its name follows a dot.
    Named {
        dot: bool,
    },
}

impl Statement {
    pub(super) fn ends_with(&mut self, token: Token<'_>, dialect: &Dialect) -> Ends {
        match token {
            Token::Space => Ends::No,
            Token::Word(word) if !self.has_begun => self.first(word, dialect),
            Token::Mark("(") if !self.has_begun => Ends::No,
            _ if !self.has_begun && dialect.must_look_like_sql => Ends::Before,
            // The lines of `COPY … FROM STDIN` follow.
            Token::Mark(";") if self.after_stdin => Ends::Behind,
            Token::Mark(";") => {
                *self = Self::default();
                Ends::No
            }
            _ if std::mem::take(&mut self.after_format) => Ends::Behind,
            token => self.later(token, dialect),
        }
    }

    fn first(&mut self, word: &str, dialect: &Dialect) -> Ends {
        let is_any = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
        self.has_begun = true;
        self.takes_data = dialect.inline_data && is_any(&["INSERT"]);
        self.setting = match () {
            () if is_any(&["SET"]) => Setting::Set,
            () if is_any(&["PRAGMA"]) => Setting::Pragma,
            () => Setting::None,
        };
        self.alters = is_any(&["ALTER"]);
        self.before_kind = is_any(&["ALTER", "CREATE"]);
        self.copies = is_any(&["COPY"]);
        if dialect.bare_arguments && is_any(CALLS) {
            self.call = Call::Begun;
        } else if dialect.bare_calls && !is_any(STATEMENTS) && !is_any(TRANSACT) {
            self.call = Call::Perhaps;
        }
        // Behind `CONNECT`, a password may be a word.
        if is_any(dialect.raw_statements) || is_any(&["CONNECT"]) {
            return Ends::Behind;
        }
        if dialect.must_look_like_sql && !is_any(STATEMENTS) { Ends::Before } else { Ends::No }
    }

    fn later(&mut self, token: Token<'_>, dialect: &Dialect) -> Ends {
        if !std::mem::replace(&mut self.has_begun, true) && dialect.bare_calls {
            match token {
                Token::Name(_) => self.call = Call::Perhaps,
                // A procedure may have a number: `EXEC greet;1 Ada`.
                Token::Literal => self.call = Call::Named { dot: false },
                _ => {}
            }
            return Ends::No;
        }
        if self.is_bare_argument(token, dialect) {
            return Ends::Before;
        }
        match token {
            Token::Mark("(") => self.depth += 1,
            Token::Mark(")") => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let is =
            |known: &str| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(known));
        let gives = match self.setting {
            Setting::None => false,
            Setting::Set => token == Token::Mark("=") || is("to"),
            Setting::Pragma => matches!(token, Token::Mark("=" | "(")),
        };
        if gives {
            return Ends::Behind;
        }
        // `ALTER ROLE ada SET x = y`
        if self.alters && is("set") {
            self.setting = Setting::Set;
        }
        // The passwords of CockroachDB, SAP HANA and Teradata may be words.
        let is_word = matches!(token, Token::Word(_) | Token::Name(_));
        let after_password = std::mem::take(&mut self.after_password);
        if after_password && is_word {
            return Ends::Before;
        }
        if std::mem::take(&mut self.before_kind) {
            self.is_of_account = is("user") || is("role") || is("login");
        }
        self.after_password =
            self.is_of_account && is("password") || after_password && token == Token::Mark("=");
        self.after_stdin |= self.copies && is("stdin");
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

impl Statement {
    /// Whether this is a word behind the name of a procedure, where it may stand for a text.
    fn is_bare_argument(&mut self, token: Token<'_>, dialect: &Dialect) -> bool {
        let is_any = |known: &[&str]| matches!(token, Token::Word(word) if known.iter().any(|known| word.eq_ignore_ascii_case(known)));
        if dialect.bare_arguments && is_any(CALLS) {
            self.call = Call::Begun;
            return false;
        }
        let is_name = matches!(token, Token::Name(_) | Token::Word(_));
        let is_variable = matches!(token, Token::Word(word) if word.starts_with('@'));
        match self.call {
            Call::Perhaps => {
                self.call = match token {
                    Token::Mark(".") => Call::Named { dot: true },
                    Token::Literal | Token::Parameter(_) => Call::Named { dot: false },
                    _ if is_variable => Call::Named { dot: false },
                    _ => Call::None,
                };
                is_name && !is_variable && !is_any(MODIFIERS)
            }
            Call::Named { dot } if is_name && !dot => !is_variable && !is_any(MODIFIERS),
            Call::Begun | Call::Named { .. } if is_name && !is_variable => {
                self.call = Call::Named { dot: false };
                false
            }
            Call::Named { .. } => {
                self.call = Call::Named { dot: token == Token::Mark(".") };
                false
            }
            Call::None | Call::Begun => false,
        }
    }
}

const CALLS: &[&str] = &["EXEC", "EXECUTE"];

/// Words that are no arguments of a call.
const MODIFIERS: &[&str] = &["DEFAULT", "NULL", "OUT", "OUTPUT", "RECOMPILE", "WITH"];

/// How statements begin in SQL Server alone, and which words begin a part of one.
const TRANSACT: &[&str] = &[
    "ADD",
    "AND",
    "AS",
    "BACKUP",
    "BREAK",
    "BULK",
    "CHECKPOINT",
    "CLOSE",
    "CONTINUE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DENY",
    "DISABLE",
    "ELSE",
    "ENABLE",
    "END",
    "FETCH",
    "FROM",
    "GET",
    "GO",
    "GOTO",
    "IF",
    "KILL",
    "LINENO",
    "MOVE",
    "NOT",
    "OPEN",
    "PRINT",
    "RAISERROR",
    "READTEXT",
    "RECEIVE",
    "RECONFIGURE",
    "RESTORE",
    "RETURN",
    "REVERT",
    "SAVE",
    "SEND",
    "SET",
    "SETUSER",
    "SHUTDOWN",
    "THROW",
    "UPDATETEXT",
    "USE",
    "WAITFOR",
    "WHERE",
    "WHILE",
    "WRITETEXT",
];

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
