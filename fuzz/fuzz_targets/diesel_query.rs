#![no_main]
//! Nothing that is bound to a query of diesel is left in its text, and no password of a URL is exported.

use libfuzzer_sys::fuzz_target;
use std::fmt;
use tracewire_diesel::fuzzing::{database, text};

const BINDS: &str = " -- binds: ";
const SECRET: &str = "M4RKED";

/// A query that is written piece by piece.
struct Pieces<'a>(&'a str, usize);

impl fmt::Display for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while !rest.is_empty() {
            let end = (self.1.min(rest.len())..=rest.len()).find(|at| rest.is_char_boundary(*at));
            let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
            f.write_str(piece)?;
            rest = behind;
        }
        Ok(())
    }
}

fuzz_target!(|data: (u8, &str, &str)| {
    let (size, before, after) = data;
    let whole = format!("{before}{BINDS}[{SECRET}{after}]");
    let size = usize::from(size) % 24 + 1;
    let found = text(&Pieces(&whole, size));
    let expected = before.split(BINDS).next().unwrap_or_default();
    // The mark may begin in the query, as `a -- binds: `.
    assert!(expected.starts_with(&found) || found == before, "{whole:?} {found:?}");
    assert!(before.contains(SECRET) || !found.contains(SECRET), "{found:?}");
    assert!(found.len() <= 32 * 1024);

    if before.contains(SECRET) || after.contains(SECRET) {
        return;
    }
    for scheme in ["postgres", "postgresql", "mysql", "mssql"] {
        let url = format!("{scheme}://ada:{before}{SECRET}{after}@db.internal:5432/shop");
        assert!(!format!("{:?}", database(&url)).contains(SECRET), "{url}");
    }
    let words = format!("host=db user=ada password={before}{SECRET} dbname=shop");
    assert!(!format!("{:?}", database(&words)).contains(SECRET), "{words}");
    let _ = database(before);
});
