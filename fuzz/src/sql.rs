//! What must hold of every query in every dialect.

use std::{collections::BTreeMap, sync::Arc};
use tracewire_span::database::Database;

/// Stands in texts and comments only. No dialect changes its case or its letters.
const MARK: &str = "zqxjk";

/// Systems with the quotes of a text in each, and whether a backslash in it must be doubled.
const SYSTEMS: [(&str, &[char], bool); 14] = [
    ("postgresql", &['\''], false),
    ("cockroachdb", &['\''], false),
    ("microsoft.sql_server", &['\'', '"'], false),
    ("sqlite", &['\'', '"'], false),
    ("oracle.db", &['\''], false),
    ("ibm.db2", &['\''], false),
    ("trino", &['\''], false),
    ("cassandra", &['\''], false),
    ("mysql", &['\'', '"'], false),
    ("mysql", &['\'', '"'], true),
    ("clickhouse", &['\''], true),
    ("snowflake", &['\''], true),
    ("other_sql", &['\'', '"'], true),
    ("other_sql", &['\'', '"'], false),
];

/// Any text at all: it has an end, and what is taken from it is bounded.
pub fn soup(data: &[u8]) {
    let Some((&choice, sql)) = data.split_first() else { return };
    let (system, ..) = SYSTEMS[usize::from(choice) % SYSTEMS.len()];
    let sql = String::from_utf8_lossy(sql);
    for system in [system, "gcp.bigquery", "spark", "not listed"] {
        described(system, &sql, |text| assert!(text.len() <= 4096));
    }
}

/// Each line is the inside of a text, quoted as its system wants it: none of them comes out.
pub fn quoted(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let (system, quotes, backslashes) = SYSTEMS[usize::from(choice) % SYSTEMS.len()];
    let mut sql = String::from("SELECT a FROM b WHERE ");
    for line in data.split(|&byte| byte == b'\n').take(50) {
        let Some((&choice, inside)) = line.split_first() else { continue };
        let quote = quotes[usize::from(choice) % quotes.len()];
        let mut text = format!("{MARK}{}{MARK}", String::from_utf8_lossy(inside));
        if backslashes {
            text = text.replace('\\', "\\\\");
        }
        text = text.replace(quote, &format!("{quote}{quote}"));
        sql.push_str(&format!("c = {quote}{text}{quote} AND "));
    }
    described(system, &sql, |text| assert!(!text.contains(MARK), "{system}: {sql}\n{text}"));
}

fn described(system: &'static str, sql: &str, check: impl Fn(&str)) {
    let database = Database::new(system);
    let call = database.query(sql);
    check(call.query_text().unwrap_or_default());
    // The name of the span, which is the summary.
    check(&format!("{call:?}"));
}

/// Writes pairs as a comment behind a statement, and reads them as SQLCommenter's specification says.
pub fn commented(sql: &str, pairs: &[(&str, &str)]) {
    use tracewire_sqlx::fuzzing::{commented, may_be_commented, with_tag};
    if !may_be_commented(sql) {
        assert!(["/*", "--", "#"].iter().any(|mark| sql.contains(mark)), "{sql}");
        return;
    }
    let mut tags: Arc<[(String, String)]> = Arc::new([]);
    let mut expected = BTreeMap::new();
    for (key, value) in pairs {
        tags = with_tag(&tags, key, value);
        let key = cut(key);
        if !key.is_empty() && (expected.contains_key(key) || expected.len() < 16) {
            expected.insert(key.to_owned(), cut(value).to_owned());
        }
    }
    let text = commented(sql, &tags, None);
    if expected.is_empty() {
        assert_eq!(text, sql);
        return;
    }
    let (before, rest) = text.split_once("/*").expect("a comment begins");
    let (comment, behind) = rest.split_once("*/").expect("it ends");
    assert!(!comment.contains("/*") && !behind.contains("*/"), "{text}");
    assert_eq!([before.strip_suffix(' ').expect("a space"), behind].concat(), sql);
    assert!([";", ""].contains(&behind.trim_end().trim_start()), "{text}");
    let read: BTreeMap<_, _> = comment
        .split(',')
        .map(|pair| {
            let (key, value) = pair.split_once("='").expect("a pair");
            (decoded(key), decoded(value.strip_suffix('\'').expect("a quote")))
        })
        .collect();
    assert_eq!(read, expected, "{text}");
}

fn decoded(text: &str) -> String {
    tracewire_text::percent::decode(text).expect("it is encoded").into_owned()
}

/// What is written of a key or a value.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(256)).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
