//! No literal of a query is exported, whatever the dialect.

mod support;

use proptest::prelude::*;
use std::convert::Infallible;
use support::{Choices, DIALECTS, Dialect, NUMBER, TEXT, query};
use tracewire_span::database::Database;
use tracewire_testing::Capture;

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..120)
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(DIALECTS)
}

/// All that is exported of a call: the span with its attributes, and the metric.
fn exported(system: &'static str, sql: &str) -> String {
    let capture = Capture::new();
    let database = Database::new(system);
    let call = database.query(sql);
    let debug = format!("{call:?}");
    capture.in_scope(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut work = Box::pin(call.run(async { Ok::<_, Infallible>(()) }));
        assert!(work.as_mut().poll(&mut cx).is_ready());
    });
    format!("{debug} {:?} {:?}", capture.spans(), capture.metrics())
}

fn has_mark(text: &str) -> bool {
    text.contains(TEXT) || text.contains(NUMBER)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_literal_is_exported_in_any_dialect(dialect in dialect(), choices in choices()) {
        let sql = query(&dialect, &mut Choices::new(choices));
        let database = Database::new(dialect.system);
        let call = database.query(&sql);
        let text = call.query_text().unwrap();
        prop_assert!(!has_mark(text), "{}: {sql}\n{text}", dialect.system);
        prop_assert!(!has_mark(&format!("{call:?}")), "{}: {sql}\n{call:?}", dialect.system);
        if dialect.is_certain {
            let is_whole = text.ends_with(" ORDER BY last_column");
            prop_assert!(is_whole, "{}: {sql}\n{text}", dialect.system);
        }
    }

    #[test]
    fn no_literal_is_exported_for_a_system_that_is_not_known(
        system in prop::sample::select(vec!["other_sql", "acme", "teradata", "gcp.spanner"]),
        dialect in dialect(),
        choices in choices(),
    ) {
        let sql = query(&dialect, &mut Choices::new(choices));
        let database = Database::new(system);
        let call = database.query(&sql);
        let text = call.query_text().unwrap();
        prop_assert!(!has_mark(text), "{} as {system}: {sql}\n{text}", dialect.system);
        prop_assert!(!has_mark(&format!("{call:?}")), "{} as {system}: {sql}", dialect.system);
        prop_assert!(text.starts_with(['S', 'U', 'I']), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_literal_is_on_a_span_or_a_metric(dialect in dialect(), choices in choices()) {
        let sql = query(&dialect, &mut Choices::new(choices));
        let exported = exported(dialect.system, &sql);
        prop_assert!(!has_mark(&exported), "{}: {sql}\n{exported}", dialect.system);
    }
}

proptest! {
    /// Pieces in any order: valid or not, it has an end, and its length is bounded.
    #[test]
    fn any_soup_is_described(
        system in prop::sample::select(DIALECTS).prop_map(|dialect| dialect.system),
        other in prop::sample::select(vec!["other_sql", "acme", "redis"]),
        pieces in prop::collection::vec(prop::sample::select(vec![
            "'", "\"", "`", "[", "]", "$", "$$", "$t$", "#", "-", "--", "/", "/*", "*/", "/*!", "//", "\\",
            "q'", "nq'[", "E'", "U&'", "r'", "?", "?1", ":", "::", ":1", "@", "@x", ".", ".5", "1", "1e", "(",
            ")", ",", ";", "IN", "SELECT", "FROM", "é", "\u{a0}", "‘", "\r", "\n", "\0", " ", "IDENTIFIED", "BY",
            "FORMAT", "INSERT", "SET", "P1Y", "a8675309-e89b-12d3-a456-426614174000", "🦀",
        ]), 0..40),
    ) {
        let sql = pieces.concat();
        for system in [system, other] {
            let database = Database::new(system);
            let call = database.query(&sql);
            prop_assert!(call.query_text().unwrap_or_default().len() <= 4096);
        }
    }
}
