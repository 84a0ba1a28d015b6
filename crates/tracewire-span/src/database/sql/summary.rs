//! The summary of a query: its operations, and what each works on.

use super::lexer::Token;

/// Longest summary, in bytes, as the conventions have it.
pub(super) const SUMMARY: usize = 255;

/// Collects operations and targets from the tokens of a query.
#[derive(Default)]
pub(super) struct Summary {
    text: String,
    expects: Expects,
    /// Whether the parentheses that are open wait for a `FROM`, the innermost last.
    open: Vec<bool>,
    waits_for_from: bool,
    after_distinct: bool,
    begun: bool,
    /// Where the statement before the last `;` begins, and the one behind it.
    statements: (usize, usize),
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
    pub(super) fn into_text(mut self) -> String {
        self.drop_repeated();
        self.text
    }

    /// Removes what the last statement says if the one before said the same: how often a batch
    /// repeats a statement makes no other kind of query of it.
    fn drop_repeated(&mut self) {
        let (before, last) = self.statements;
        let same = self.text[before..last].trim_start() == self.text[last..].trim_start();
        if same {
            self.text.truncate(last);
        } else {
            self.statements.0 = last;
        }
        self.statements.1 = self.text.len();
    }

    pub(super) fn token(&mut self, token: Token<'_>) {
        match token {
            Token::Space => {}
            Token::Literal | Token::Parameter(_) | Token::Open | Token::Unclear => {
                self.expects = Expects::Nothing;
            }
            Token::Mark("(") => {
                self.open.push(std::mem::take(&mut self.waits_for_from));
                self.expects = Expects::Nothing;
            }
            Token::Mark(")") => {
                self.waits_for_from = self.open.pop().unwrap_or_default();
                self.expects = Expects::Nothing;
            }
            Token::Mark(";") => {
                self.drop_repeated();
                let (text, statements) = (std::mem::take(&mut self.text), self.statements);
                *self = Self { text, statements, ..Self::default() };
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
            // Elsewhere it names a method, a column or a password.
            "USING" if !self.deletes_or_merges() => self.expects = Expects::Nothing,
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

    fn deletes_or_merges(&self) -> bool {
        let mut words = self.text[self.statements.1..].split(' ').rev();
        let is_operation = |word: &&str| matches!(*word, "DELETE" | "MERGE" | "SELECT");
        words.find(is_operation).is_some_and(|word| word != "SELECT")
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
        self.push(unquoted(name));
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

/// A name without its quotes.
fn unquoted(name: &str) -> &str {
    let inside = |open, close| name.strip_prefix(open)?.strip_suffix(close);
    inside('"', '"').or_else(|| inside('`', '`')).or_else(|| inside('[', ']')).unwrap_or(name)
}
