//! What is a literal, as PostgreSQL itself has it: without a table, every value that it returns was one.

use super::{server::Postgres, sqlx::pool};
use crate::relay::expect;
use sqlx::{Executor, Row, raw_sql};
use tracewire_span::database::Database;

const STATEMENTS: u32 = 5_000;

const QUOTES: [(&str, &str); 11] = [
    ("'", "'"),
    ("E'", "'"),
    ("e'", "'"),
    ("U&'", "'"),
    ("N'", "'"),
    ("$$", "$$"),
    ("$t$", "$t$"),
    ("$é1$", "$é1$"),
    ("\"", "\""),
    ("U&\"", "\""),
    ("'", ""),
];

const PIECES: [&str; 21] = [
    "SECRET", "SECRET", "SECRET", "'", "''", "\"", "\"\"", "\\", "\\'", "\\\\", "--", "/*", "*/",
    "$$", "$t$", "$", "\n", " ", ";", "1", "é",
];

const BETWEEN: [&str; 9] = [
    ", ",
    " || ",
    "\n",
    "/* ' */, ",
    ", /* /* */ ' */ ",
    ", -- '\n",
    "::text, ",
    "; SELECT ",
    "\n\t ",
];

/// Numbers that look random, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn statement(&mut self) -> String {
        let mut sql = String::from("SELECT ");
        for _ in 0..=self.below(3) {
            let (open, close) = self.one(&QUOTES);
            sql.push_str(open);
            for _ in 0..=self.below(4) {
                sql.push_str(self.one(&PIECES));
            }
            sql.push_str(close);
            sql.push_str(self.one(&BETWEEN));
        }
        sql.push('1');
        sql
    }
}

pub(super) async fn check(postgres: &Postgres) -> Result<(), String> {
    let (pool, database) = (pool(postgres).await?.into_inner(), Database::new("postgresql"));
    let (mut dice, mut found) = (Dice(42), 0);
    for _ in 0..STATEMENTS {
        let sql = dice.statement();
        let rows = pool.fetch_all(raw_sql(&sql)).await.unwrap_or_default();
        let value = |row: &sqlx::postgres::PgRow, at| {
            row.try_get_unchecked::<String, _>(at).unwrap_or_default()
        };
        let is_value =
            rows.iter().any(|row| (0..row.len()).any(|at| value(row, at).contains("SECRET")));
        if is_value {
            found += 1;
            let said = format!("{:?}", database.query(&sql));
            if said.contains("SECRET") {
                return Err(format!("a value of {sql:?} is in {said}"));
            }
        }
    }
    expect("statements with a value in them", found > 500, true)
}
