//! The text of a query without its literals, and a summary of it.

/// Longest query text that is written, in bytes; the rest of the query is not read.
const TEXT: usize = 4096;

/// Longest summary, in bytes, as the conventions have it.
const SUMMARY: usize = 255;

/// How a database system writes text and comments.
///
/// Where systems differ and the system is not known, what may be a literal counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// `'it\'s'` is one text; `None` where that is not known.
    backslash: Option<bool>,
    /// `"users"` is a name, never a text.
    quoted_names: bool,
    /// `#` begins a comment.
    hash_comments: bool,
    /// `/* /* */ */` is one comment.
    nested_comments: bool,
}

impl Dialect {
    /// The dialect of a system by its `db.system.name`.
    pub(crate) fn of(system: &str) -> Self {
        let standard = Self {
            backslash: Some(false),
            quoted_names: true,
            hash_comments: false,
            nested_comments: false,
        };
        match system {
            "postgresql" | "cockroachdb" | "microsoft.sql_server" => {
                Self { nested_comments: true, ..standard }
            }
            "oracle.db" | "ibm.db2" | "firebirdsql" | "derby" | "hsqldb" | "h2database" => standard,
            // SQLite takes "x" for a text where no column x exists.
            "sqlite" => Self { quoted_names: false, ..standard },
            "mysql" | "mariadb" => Self {
                backslash: Some(true),
                quoted_names: false,
                hash_comments: true,
                nested_comments: false,
            },
            _ => Self {
                backslash: None,
                quoted_names: false,
                hash_comments: true,
                nested_comments: false,
            },
        }
    }
}

/// A query as it may be exported.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// The text with `?` for every literal, without comments, with single spaces.
    pub(crate) text: String,
    /// Operations and their targets in order: `SELECT users orders`.
    pub(crate) summary: String,
}

/// Takes the literals out of a query, in one pass.
pub(crate) fn describe(sql: &str, dialect: Dialect) -> Described {
    let mut lexer = Lexer { rest: sql, dialect };
    let mut text = String::with_capacity(sql.len().min(TEXT));
    let mut summary = Summary::default();
    let mut spaced = false;
    let mut before = Token::Space;
    while text.len() <= TEXT
        && let Some(token) = lexer.next(before)
    {
        let written = match token {
            Token::Space => {
                spaced = !text.is_empty();
                continue;
            }
            Token::Literal => "?",
            Token::Word(text) | Token::Name(text) | Token::Mark(text) => text,
        };
        if spaced {
            text.push(' ');
        }
        spaced = false;
        text.push_str(written);
        summary.token(token);
        before = token;
    }
    Described { text, summary: summary.text }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    /// White space and comments.
    Space,
    /// A keyword, a name, a placeholder.
    Word(&'a str),
    /// A name in quotes.
    Name(&'a str),
    /// A text or a number.
    Literal,
    /// One character of anything else.
    Mark(&'a str),
}

struct Lexer<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    fn next(&mut self, before: Token<'_>) -> Option<Token<'a>> {
        let rest = self.rest;
        let mut chars = rest.chars();
        let first = chars.next()?;
        let second = chars.next();
        Some(match first {
            _ if first.is_whitespace() => {
                self.take(rest.len() - rest.trim_start().len());
                Token::Space
            }
            '-' if self.is_line_comment() => self.line_comment(),
            '#' if self.dialect.hash_comments => self.line_comment(),
            '/' if second == Some('*') => self.block_comment(),
            '\'' => self.text('\'', self.dialect.backslash),
            '"' if self.dialect.quoted_names => self.name('"'),
            '"' => self.text('"', self.dialect.backslash),
            '`' => self.name('`'),
            '$' if second.is_some_and(|second| !second.is_ascii_digit()) => self.dollar_quoted(),
            // Placeholders: $1, ?1, :1.
            '$' | '?' => Token::Word(self.take(1 + digits(&rest[1..]))),
            ':' if before != Token::Literal && digits(&rest[1..]) > 0 => {
                Token::Word(self.take(1 + digits(&rest[1..])))
            }
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|second| second.is_ascii_digit())
                && !matches!(before, Token::Word(_) | Token::Name(_)) =>
            {
                self.number()
            }
            _ if is_word(first) => self.word(),
            _ => Token::Mark(self.take(first.len_utf8())),
        })
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Takes the rest as a literal, because nothing tells where one ends.
    fn give_up(&mut self) -> Token<'a> {
        self.rest = "";
        Token::Literal
    }

    fn word(&mut self) -> Token<'a> {
        let length = self.rest.find(|c| !is_word(c) && !c.is_ascii_digit() && c != '$');
        let word = self.take(length.unwrap_or(self.rest.len()));
        // E'…', N'…', B'…' and X'…' are texts; in the first a backslash escapes.
        if self.rest.starts_with('\'') && word.len() == 1 {
            match word {
                "E" | "e" => return self.text('\'', Some(true)),
                "N" | "n" | "B" | "b" | "X" | "x" => {
                    return self.text('\'', self.dialect.backslash);
                }
                _ => {}
            }
        }
        Token::Word(word)
    }

    fn number(&mut self) -> Token<'a> {
        let mut length = 0;
        let mut before = ' ';
        for c in self.rest.chars() {
            let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            if !(is_word(c) || c.is_ascii_digit() || c == '.' || sign) {
                break;
            }
            length += c.len_utf8();
            before = c;
        }
        self.take(length);
        Token::Literal
    }

    fn text(&mut self, quote: char, backslash: Option<bool>) -> Token<'a> {
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match (c, backslash) {
                ('\\', Some(true)) => drop(chars.next()),
                ('\\', None) => return self.give_up(),
                _ if c != quote => {}
                _ if chars.next_if(|(_, next)| *next == quote).is_some() => {}
                _ => {
                    self.take(at + 1);
                    return Token::Literal;
                }
            }
        }
        self.give_up()
    }

    fn name(&mut self, quote: char) -> Token<'a> {
        match self.rest[1..].find(quote) {
            Some(end) => Token::Name(self.take(end + 2)),
            None => self.give_up(),
        }
    }

    /// `$$…$$` or `$tag$…$tag$`; a lone `$` otherwise.
    fn dollar_quoted(&mut self) -> Token<'a> {
        let tag = self.rest[1..].find(|c| !is_word(c) && !c.is_ascii_digit());
        let Some(tag) = tag.filter(|tag| self.rest[1 + tag..].starts_with('$')) else {
            return Token::Mark(self.take(1));
        };
        let quote = self.take(tag + 2);
        match self.rest.find(quote) {
            Some(end) => {
                self.take(end + quote.len());
                Token::Literal
            }
            None => self.give_up(),
        }
    }

    fn is_line_comment(&self) -> bool {
        // MySQL wants a space behind, so that 1--1 is 2.
        let strict = self.dialect.backslash == Some(true);
        self.rest.strip_prefix("--").is_some_and(|after| {
            !strict || after.is_empty() || after.starts_with(|c: char| c.is_whitespace())
        })
    }

    fn line_comment(&mut self) -> Token<'a> {
        self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        Token::Space
    }

    fn block_comment(&mut self) -> Token<'a> {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                self.take(2);
                depth = if self.dialect.nested_comments { depth + 1 } else { 1 };
            } else if self.rest.starts_with("*/") {
                self.take(2);
                depth -= 1;
                if depth == 0 {
                    return Token::Space;
                }
            } else if let Some(c) = self.rest.chars().next() {
                self.take(c.len_utf8());
            } else {
                return Token::Space;
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '@')
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Collects operations and targets from the tokens of a query.
#[derive(Default)]
struct Summary {
    text: String,
    expects: Expects,
    /// Whether the parentheses that are open wait for a `FROM`, the innermost last.
    open: Vec<bool>,
    waits_for_from: bool,
    after_distinct: bool,
    begun: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Expects {
    #[default]
    Nothing,
    Target,
    /// A target has been read; more of it comes after a dot, another after a comma.
    MoreOfTarget,
    Alias,
}

impl Summary {
    fn token(&mut self, token: Token<'_>) {
        match token {
            Token::Space => {}
            Token::Literal => self.expects = Expects::Nothing,
            Token::Mark("(") => {
                self.open.push(std::mem::take(&mut self.waits_for_from));
                self.expects = Expects::Nothing;
            }
            Token::Mark(")") => {
                self.waits_for_from = self.open.pop().unwrap_or_default();
                self.expects = Expects::Nothing;
            }
            Token::Mark(";") => {
                *self = Self { text: std::mem::take(&mut self.text), ..Self::default() };
            }
            Token::Mark(".") if self.expects == Expects::MoreOfTarget => {
                self.push(".");
                self.expects = Expects::Target;
            }
            Token::Mark(",") if matches!(self.expects, Expects::MoreOfTarget | Expects::Alias) => {
                self.expects = Expects::Target;
            }
            Token::Mark(_) => self.expects = Expects::Nothing,
            Token::Name(name) if self.expects == Expects::Target => self.target(name),
            Token::Name(_) => self.alias(),
            Token::Word(word) => self.word(word),
        }
    }

    fn word(&mut self, word: &str) {
        let upper = word.to_ascii_uppercase();
        let was_distinct = std::mem::take(&mut self.after_distinct);
        match upper.as_str() {
            "SELECT" | "DELETE" => {
                self.operation(&upper);
                self.waits_for_from = true;
            }
            "INSERT" | "MERGE" => self.operation(&upper),
            "REPLACE" | "CALL" | "EXEC" | "EXECUTE" | "PRAGMA" | "TRUNCATE" | "BEGIN"
            | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "EXPLAIN" | "SET" | "SHOW"
            | "VACUUM" | "ANALYZE" | "USE" | "LOCK" | "COPY"
                if !self.begun =>
            {
                self.operation(&upper);
                if matches!(&*upper, "CALL" | "EXEC" | "EXECUTE" | "TRUNCATE" | "COPY") {
                    self.expects = Expects::Target;
                }
            }
            "CREATE" | "DROP" | "ALTER" if !self.begun => self.operation(&upper),
            "UPDATE" if !self.begun || self.after_parenthesis() => {
                self.operation(&upper);
                self.expects = Expects::Target;
            }
            "TABLE" | "VIEW" | "INDEX" | "TRIGGER" | "DATABASE" | "SCHEMA"
                if ["CREATE", "DROP", "ALTER", "TRUNCATE"]
                    .contains(&self.text.rsplit(' ').next().unwrap_or_default()) =>
            {
                if self.text != "TRUNCATE" {
                    self.push(" ");
                    self.push(&upper);
                }
                self.expects = Expects::Target;
            }
            "FROM" if self.waits_for_from && !was_distinct => {
                self.waits_for_from = false;
                self.expects = Expects::Target;
            }
            "INTO" | "JOIN" | "USING" => self.expects = Expects::Target,
            "IF" | "NOT" | "EXISTS" | "ONLY" | "LATERAL" if self.expects == Expects::Target => {}
            "AS" if self.expects == Expects::MoreOfTarget => {}
            "WHERE" | "SET" | "ON" | "GROUP" | "ORDER" | "LIMIT" | "VALUES" | "LEFT" | "RIGHT"
            | "INNER" | "OUTER" | "CROSS" | "FULL" | "NATURAL" | "UNION" | "HAVING" => {
                self.expects = Expects::Nothing;
            }
            "DISTINCT" => self.after_distinct = self.waits_for_from,
            _ if self.expects == Expects::Target => self.target(word),
            _ => self.alias(),
        }
        self.begun = true;
    }

    /// `WITH … AS (…) UPDATE`: an update may follow a parenthesis, and `FOR UPDATE` does not.
    fn after_parenthesis(&self) -> bool {
        self.open.is_empty() && self.text.is_empty()
    }

    fn operation(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.push(" ");
        }
        self.push(name);
        self.expects = Expects::Nothing;
    }

    fn target(&mut self, name: &str) {
        if !self.text.ends_with('.') {
            self.push(" ");
        }
        self.push(name.trim_matches(['"', '`']));
        self.expects = Expects::MoreOfTarget;
    }

    fn alias(&mut self) {
        self.expects = match self.expects {
            Expects::MoreOfTarget => Expects::Alias,
            _ => Expects::Nothing,
        };
    }

    fn push(&mut self, text: &str) {
        // A part is written whole or not at all, so that the limit never makes up a name.
        if self.text.len() + text.len() <= SUMMARY {
            self.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(system: &str, sql: &str) -> String {
        describe(sql, Dialect::of(system)).text
    }

    #[test]
    fn literals_become_question_marks() {
        for (system, sql, expected) in [
            (
                "postgresql",
                "SELECT * FROM t WHERE a = 'x' AND b=12",
                "SELECT * FROM t WHERE a = ? AND b=?",
            ),
            ("postgresql", "VALUES (1.5e-10, .5, 0xFF, -3, 1_000)", "VALUES (?, ?, ?, -?, ?)"),
            ("postgresql", "a = $1 AND b = 'it''s' AND c = ''", "a = $1 AND b = ? AND c = ?"),
            ("postgresql", r"a = 'C:\' AND b = 'secret'", "a = ? AND b = ?"),
            ("postgresql", r"a = E'it\'s secret' AND b", "a = ? AND b"),
            ("postgresql", "a = $$secret$$ AND b = $t$se$$cret$t$;", "a = ? AND b = ?;"),
            (
                "postgresql",
                r#"SELECT "u"."id" FROM "users" u"#,
                r#"SELECT "u"."id" FROM "users" u"#,
            ),
            ("postgresql", "a::int = t.x1 AND b[1:2]", "a::int = t.x1 AND b[?:?]"),
            ("postgresql", "SELECT 1 /* a /* 'b */ c */ -- d'\n+ 2", "SELECT ? + ?"),
            ("mysql", r"a = 'it\'s secret' AND b", "a = ? AND b"),
            ("mysql", "a = \"secret\" # it's\n AND `b`=1--1", "a = ? AND `b`=?--?"),
            ("sqlite", "a = \"secret\" AND b = ?1 AND c = :name", "a = ? AND b = ?1 AND c = :name"),
            ("oracle.db", "a = :1 AND b = N'x'", "a = :1 AND b = ?"),
            ("microsoft.sql_server", "a = @p1 AND b = X'00'", "a = @p1 AND b = ?"),
            ("other_sql", r"a = 'x\' AND b = 'secret'", "a = ?"),
            ("sqlite", "a = 'never closed secret", "a = ?"),
            ("sqlite", "a = `never closed", "a = ?"),
            ("sqlite", "  SELECT\n\t1  ", "SELECT ?"),
            ("sqlite", "/* never closed", ""),
            ("sqlite", "", ""),
        ] {
            assert_eq!(text(system, sql), expected, "{system}: {sql}");
        }
    }

    #[test]
    fn summaries_name_operations_and_targets() {
        for (sql, expected) in [
            ("SELECT * FROM wuser_table WHERE username = ?", "SELECT wuser_table"),
            ("select a from b", "SELECT b"),
            (
                "INSERT INTO shipping_details (order_id) SELECT id FROM orders",
                "INSERT shipping_details SELECT orders",
            ),
            ("SELECT * FROM songs, artists WHERE a = b", "SELECT songs artists"),
            ("SELECT * FROM songs AS s, artists a, x", "SELECT songs artists x"),
            ("SELECT a, b FROM (SELECT c, d FROM e) f", "SELECT SELECT e"),
            (
                "SELECT o.id FROM shop.orders o JOIN items i ON i.o = o.id",
                "SELECT shop.orders items",
            ),
            (r#"UPDATE "users" SET name = 'x' WHERE id = 1"#, "UPDATE users"),
            ("DELETE FROM users WHERE id IN (1, 2)", "DELETE users"),
            ("CREATE TABLE IF NOT EXISTS users (id INTEGER)", "CREATE TABLE users"),
            ("DROP INDEX by_name", "DROP INDEX by_name"),
            ("TRUNCATE TABLE users", "TRUNCATE users"),
            ("SELECT extract(year FROM day) FROM days", "SELECT days"),
            ("SELECT a IS DISTINCT FROM b FROM c", "SELECT c"),
            ("SELECT DISTINCT a FROM c FOR UPDATE", "SELECT c"),
            ("BEGIN", "BEGIN"),
            ("SELECT 1", "SELECT"),
            ("INSERT INTO a VALUES (1); DELETE FROM b", "INSERT a DELETE b"),
            ("WITH x AS (SELECT a FROM b) SELECT * FROM x", "SELECT b SELECT x"),
            ("SELECT * FROM 'secret'", "SELECT"),
            ("", ""),
        ] {
            let described = describe(sql, Dialect::of("postgresql"));
            assert_eq!(described.summary, expected, "{sql}");
        }
    }

    #[test]
    fn a_long_query_is_read_no_further_than_its_limit() {
        let sql = format!("SELECT {} FROM t", "column, ".repeat(10_000));
        let described = describe(&sql, Dialect::of("sqlite"));
        assert!(described.text.len() < TEXT + 20, "{}", described.text.len());
        assert_eq!(described.summary, "SELECT");
        let many: String = (0..200).map(|n| format!("SELECT a FROM t{n};")).collect();
        assert!(describe(&many, Dialect::of("sqlite")).summary.len() <= SUMMARY);
    }

    fn system() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["postgresql", "mysql", "sqlite", "oracle.db", "other_sql"])
    }

    proptest! {
        #[test]
        fn any_text_is_described(system in system(), sql in "\\PC{0,80}") {
            let described = describe(&sql, Dialect::of(system));
            prop_assert!(described.summary.len() <= SUMMARY);
        }

        #[test]
        fn no_quoted_text_gets_through(
            system in system(),
            before in "[a-z =,()]{0,10}",
            secret in "[a-z0-9 ]{0,5}SECRET['a-z\\\\]{0,5}",
            after in "[a-z =,()']{0,10}",
        ) {
            // Quoted as each system wants it.
            let mut quoted = secret.replace('\'', "''");
            if system == "mysql" {
                quoted = quoted.replace('\\', "\\\\");
            }
            let described = describe(&format!("{before} '{quoted}'{after}"), Dialect::of(system));
            prop_assert!(!described.text.contains("SECRET"), "{}", described.text);
            prop_assert!(!described.summary.contains("SECRET"), "{}", described.summary);
        }
    }
}
