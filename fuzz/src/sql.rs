//! What must hold of every query in every dialect.

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
