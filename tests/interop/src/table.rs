//! The table, for a terminal and for the documentation.

use crate::row::Row;
use std::{fmt::Write as _, path::Path};

/// The rows as aligned text, what failed below its row.
pub(crate) fn plain(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default()
    };
    let system = width(|row| row.system);
    let version = width(|row| &row.version);
    let mut text = String::new();
    for row in rows {
        let outcome = if row.outcome.is_ok() { "passed" } else { "FAILED" };
        let _ = writeln!(
            text,
            "{outcome}  {:system$}  {:version$}  {}",
            row.system, row.version, row.checked
        );
        if let Err(said) = &row.outcome {
            for line in said.lines() {
                let _ = writeln!(text, "        {line}");
            }
        }
    }
    text
}

/// Writes the rows as a table of Markdown: a line for all that was checked in the same way.
pub(crate) fn write_markdown(rows: &[Row], to: &Path) -> Result<(), String> {
    let mut text = String::from("| system | version | over | checked | passed |\n");
    text.push_str("|---|---|---|---|---:|\n");
    for same_system in rows.chunk_by(|a, b| (a.system, &a.version) == (b.system, &b.version)) {
        for (formats, checks) in by_format(same_system) {
            let passed = same_system.iter().filter(|row| {
                let (format, check) = split(row);
                row.outcome.is_ok() && formats.contains(&format) && checks.contains(&check)
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} of {} |",
                same_system[0].system,
                same_system[0].version,
                formats.join(" · "),
                checks.join("; "),
                passed.count(),
                formats.len() * checks.len(),
            );
        }
    }
    std::fs::write(to, text).map_err(|error| format!("cannot write {}: {error}", to.display()))
}

/// Formats or protocols, and what was checked of each of them.
type Group<'a> = (Vec<&'a str>, Vec<&'a str>);

/// What was checked, together where it is the same.
fn by_format(rows: &[Row]) -> Vec<Group<'_>> {
    let mut checks: Vec<(&str, Vec<&str>)> = Vec::new();
    for (format, check) in rows.iter().map(split) {
        match checks.iter_mut().find(|(known, _)| *known == format) {
            Some((_, of_format)) => of_format.push(check),
            None => checks.push((format, vec![check])),
        }
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (format, checks) in checks {
        match groups.iter_mut().find(|(_, known)| *known == checks) {
            Some((formats, _)) => formats.push(format),
            None => groups.push((vec![format], checks)),
        }
    }
    groups
}

/// `W3C: one trace` as the format and what was checked of it.
fn split(row: &Row) -> (&str, &str) {
    row.checked.split_once(": ").unwrap_or(("", &row.checked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(checked: &str, outcome: Result<(), String>) -> Row {
        Row { system: "Zipkin", version: "3".into(), checked: checked.into(), outcome }
    }

    #[test]
    fn what_failed_is_quoted_below_its_row() {
        let rows = [row("in", Ok(())), row("out", Err("no\nspans".into()))];
        let expected = "\
passed  Zipkin  3  in
FAILED  Zipkin  3  out
        no
        spans
";
        assert_eq!(plain(&rows), expected);
    }

    #[test]
    fn formats_with_the_same_checks_share_a_line() {
        let mut rows = Vec::new();
        for format in ["W3C", "B3"] {
            rows.extend([
                row(&format!("{format}: in"), Ok(())),
                row(&format!("{format}: out"), Ok(())),
            ]);
        }
        rows[3].outcome = Err("lost".into());
        rows.push(row("a page", Ok(())));
        let file = std::env::temp_dir().join(format!("table-{}.md", std::process::id()));
        write_markdown(&rows, &file).unwrap();
        let written = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let lines: Vec<_> = written.lines().skip(2).collect();
        assert_eq!(
            lines,
            ["| Zipkin | 3 | W3C · B3 | in; out | 3 of 4 |", "| Zipkin | 3 |  | a page | 1 of 1 |",]
        );
    }
}
