//! The text of a query without its literals, and a summary of it.

mod bare;
mod comments;
mod dialect;
mod lexer;
mod quoted;
mod statement;
mod summary;
mod text;

use dialect::Dialect;
use lexer::Lexer;
use statement::{Ends, Statement};
use summary::Summary;
use text::Text;
use tracewire_text::cut::boundary;

/// Longest part of a query that is read, in bytes.
const QUERY: usize = 32 * 1024;

/// A query as it may be exported.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// The text with `?` for every literal, without comments, with single spaces.
    pub(crate) text: String,
    /// Operations and their targets in order: `SELECT users orders`.
    pub(crate) summary: String,
}

/// Takes the literals out of a query for this system, in one pass.
///
/// Nothing is left of a query that is not SQL. Where the query could be read in two ways, the text ends
/// with `…`.
pub(crate) fn describe(sql: &str, system: &str) -> Described {
    let Some(dialect) = Dialect::of(system) else { return Described::default() };
    let read = beginning(sql);
    let mut lexer = Lexer::new(read, dialect);
    let mut text = Text::for_query(read.len());
    let mut summary = Summary::default();
    let mut statement = Statement::default();
    let mut is_whole = read.len() == sql.len();
    while let Some(token) = lexer.next() {
        let ends = statement.ends_with(token, &dialect);
        if ends == Ends::Before || !text.push(token) {
            is_whole = false;
            break;
        }
        summary.token(token);
        if ends == Ends::Behind {
            is_whole &= lexer.is_done();
            break;
        }
    }
    if !is_whole {
        text.cut();
    }
    Described { text: text.into_text(), summary: summary.into_text() }
}

/// The part of a query that is read: to its limit, or a little less so that no token is read in half.
fn beginning(sql: &str) -> &str {
    if sql.len() <= QUERY {
        return sql;
    }
    let read = &sql[..boundary(sql, QUERY)];
    let end = read.rfind(|c: char| c.is_ascii_whitespace() || c == ',');
    &read[..end.unwrap_or(read.len())]
}

#[cfg(test)]
mod tests {
    use super::{summary::SUMMARY, text::TEXT, *};
    use proptest::prelude::*;
    use tracewire_text::CUT;

    fn text(system: &str, sql: &str) -> String {
        describe(sql, system).text
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
            // With NO_BACKSLASH_ESCAPES the text ends before the s.
            ("mysql", r"a = 'it\'s secret' AND b", "a = ?…"),
            ("mysql", r"a = 'C:\\' AND b = 'it''s' AND c = '\n'", "a = ? AND b = ? AND c = ?"),
            (
                "mysql",
                "a = _utf8mb4'x' AND b = N'x' AND c = x'00' OR 0xFF",
                "a = ? AND b = ? AND c = ? OR ?",
            ),
            ("mysql", "SELECT /*! STRAIGHT_JOIN */ a, /*! 'b */ c'", "SELECT a,…"),
            ("postgresql", "data #>> path @> x ? y", "data #>> path @> x ? y"),
            ("postgresql", "a = E'x'\n'it\\'s' AND b = U&'x'", "a = ? ? AND b = ?"),
            ("postgresql", "SELECT @5, t.b[x:20]", "SELECT @?, t.b[x:?]"),
            (
                "microsoft.sql_server",
                "SELECT [Customer's Name] FROM t WHERE a = 'hunter2' AND b > $12.5",
                "SELECT [Customer's Name] FROM t WHERE a = ? AND b > ?",
            ),
            ("microsoft.sql_server", "[a]]'b] = N'x'", "[a]]'b] = ?"),
            ("oracle.db", "a = q'[it's hunter2]' AND b = nQ'!it's!'", "a = ? AND b = ?"),
            ("oracle.db", "ALTER USER ada IDENTIFIED BY tiger", "ALTER USER ada IDENTIFIED BY…"),
            (
                "snowflake",
                "a = 1 // it's\n AND b = $$it's$$ AND c = $1",
                "a = ? AND b = ? AND c = $1",
            ),
            (
                "cassandra",
                "a = 123e4567-e89b-12d3-a456-426614174000 AND p1 = 2h",
                "a = ? AND p1 = ?",
            ),
            ("gcp.bigquery", r"a = r'it\'s' AND b = '''it's''' # x", "a = ? AND b = ?"),
            (
                "clickhouse",
                "INSERT INTO t (format) FORMAT CSV 1,Ada",
                "INSERT INTO t (format) FORMAT CSV…",
            ),
            ("hive", "SET mail.password=secret", "SET…"),
            ("postgresql", "COPY t FROM stdin;\n1\tsecret\n\\.\n", "COPY t FROM stdin;…"),
            ("postgresql", "COPY t FROM STDIN; ", "COPY t FROM STDIN;"),
            ("postgresql", "ALTER ROLE a SET x.y = secret", "ALTER ROLE a SET x.y =…"),
            ("postgresql", "ALTER DATABASE a SET x.y TO secret", "ALTER DATABASE a SET x.y TO…"),
            ("cockroachdb", "ALTER USER a WITH PASSWORD secret", "ALTER USER a WITH PASSWORD…"),
            ("cockroachdb", "CREATE USER a PASSWORD 'secret' b", "CREATE USER a PASSWORD ? b"),
            ("postgresql", "CREATE TABLE a (password text)", "CREATE TABLE a (password text)"),
            (
                "postgresql",
                "ALTER TABLE a ADD COLUMN password text",
                "ALTER TABLE a ADD COLUMN password text",
            ),
            ("teradata", "CREATE USER a AS PASSWORD = secret", "CREATE USER a AS PASSWORD =…"),
            ("sap.hana", "ALTER USER a PASSWORD \"secret\"", "ALTER USER a PASSWORD ?"),
            ("microsoft.sql_server", "EXEC greet;1 secret", "EXEC greet;?…"),
            ("sqlite", "ATTACH a AS b KEY secret", "ATTACH…"),
            ("ibm.db2", "CONNECT TO a USER b USING secret", "CONNECT…"),
            ("oracle.db", "connect scott/tiger", "connect…"),
            ("microsoft.sql_server", "sp_addlogin ada, secret", "sp_addlogin…"),
            ("microsoft.sql_server", "sp_addlogin 'ada', secret", "sp_addlogin ?,…"),
            ("microsoft.sql_server", "dbo.greet secret", "dbo.greet…"),
            ("microsoft.sql_server", "greet @a = secret", "greet @a =…"),
            ("microsoft.sql_server", "[dbo].[greet] secret", "[dbo].[greet]…"),
            ("microsoft.sql_server", "DECLARE @a int SELECT b", "DECLARE @a int SELECT b"),
            ("acme", "SELECT a #>> 'secret'", "SELECT a…"),
            ("acme", "SELECT a -- it's\n, [b], [it's]", "SELECT a , [b],…"),
            ("acme", "set user:1 hunter2", "set…"),
            ("acme", "MATCH (n) RETURN n", ""),
            ("redis", "SELECT a FROM b", ""),
            ("aws.dynamodb", "SELECT a FROM b", ""),
            (
                "sqlite",
                "a IN (1, -2, 'x') AND b IN (?, 3, c) AND d IN (SELECT 1, 2)",
                "a IN (?) AND b IN (?, ?, c) AND d IN (SELECT ?, ?)",
            ),
            ("mysql", "a = \"secret\" # it's\n AND `b`=1--1", "a = ? AND `b`=?--?"),
            ("sqlite", "a = \"secret\" AND b = ?1 AND c = :name", "a = ? AND b = ?1 AND c = :name"),
            ("oracle.db", "a = :1 AND b = N'x'", "a = :1 AND b = ?"),
            ("microsoft.sql_server", "a = @p1 AND b = X'00'", "a = @p1 AND b = ?"),
            ("other_sql", r"a = 'x\' AND b = 'secret'", "a = ?…"),
            ("sqlite", "a = 'never closed secret", "a = ?…"),
            ("sqlite", "a = `never closed", "a = ?…"),
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
            ("INSERT INTO a VALUES (1);".repeat(9).as_str(), "INSERT a"),
            ("SELECT a FROM b; SELECT a FROM b; SELECT a FROM c", "SELECT b SELECT c"),
            ("BEGIN; UPDATE a SET b; UPDATE a SET b; COMMIT;", "BEGIN UPDATE a COMMIT"),
            ("DELETE FROM a USING b WHERE c", "DELETE a b"),
            ("MERGE INTO a USING b ON c", "MERGE a b"),
            ("CREATE INDEX i ON t USING btree (a)", "CREATE INDEX i"),
            ("SELECT 1 ORDER BY a USING b", "SELECT"),
            ("FETCH a USING b", ""),
            ("", ""),
        ] {
            let described = describe(sql, "postgresql");
            assert_eq!(described.summary, expected, "{sql}");
        }
    }

    #[test]
    fn a_long_query_is_read_no_further_than_its_limit() {
        let sql = format!("SELECT {} FROM t", "column, ".repeat(10_000));
        let described = describe(&sql, "sqlite");
        assert!(described.text.len() <= TEXT, "{}", described.text.len());
        assert_eq!(described.summary, "SELECT");
        for sql in ["x".repeat(1 << 20), format!("[{}]", "é".repeat(10_000))] {
            let described = describe(&sql, "microsoft.sql_server");
            assert!((4090..=TEXT).contains(&described.text.len()), "{}", described.text.len());
            assert!(described.text.ends_with(CUT));
        }
        let list = |values| format!("SELECT a FROM t WHERE b IN ({}1) AND c", "1, ".repeat(values));
        let text = |values| describe(&list(values), "sqlite").text;
        assert_eq!(text(10_000), "SELECT a FROM t WHERE b IN (?) AND c");
        assert_eq!(text(10_000_000), "SELECT a FROM t WHERE b IN (?…");
        let uuids = "a8675309-e89b-12d3-a456-426614174000, ".repeat(1_000);
        let described = describe(&format!("SELECT a FROM t WHERE b IN ({uuids}"), "cassandra");
        assert_eq!(described.text, "SELECT a FROM t WHERE b IN (?…");
        let many: String = (0..200).map(|n| format!("SELECT a FROM t{n};")).collect();
        assert!(describe(&many, "sqlite").summary.len() <= SUMMARY);
    }

    fn system() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["postgresql", "mysql", "sqlite", "oracle.db", "other_sql"])
    }

    proptest! {
        #[test]
        fn any_text_is_described(system in system(), sql in "\\PC{0,80}") {
            let described = describe(&sql, system);
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
            let described = describe(&format!("{before} '{quoted}'{after}"), system);
            prop_assert!(!described.text.contains("SECRET"), "{}", described.text);
            prop_assert!(!described.summary.contains("SECRET"), "{}", described.summary);
        }
    }
}
