//! The text of a query, without the values that are bound to it.

use std::fmt::{self, Display, Write};

/// What diesel writes between a query and its values.
const BINDS: &str = " -- binds: ";

/// How much of a query is read, as of any other.
const MOST: usize = 32 * 1024;

/// The text of a query up to its bound values, whose text is not even made.
///
/// It ends where a query first says ` -- binds: `, even within a literal: what follows might be values.
pub fn text(query: &dyn Display) -> String {
    let mut text = Text(String::new());
    // An error says that there is enough.
    let _ = write!(text, "{query}");
    text.0
}

struct Text(String);

impl Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        // The mark may be in pieces.
        let mut from = self.0.len().saturating_sub(BINDS.len());
        while !self.0.is_char_boundary(from) {
            from -= 1;
        }
        let room = MOST.saturating_sub(self.0.len());
        let is_enough = more.len() > room;
        let end = (0..=more.len().min(room)).rev().find(|at| more.is_char_boundary(*at));
        self.0.push_str(&more[..end.unwrap_or(0)]);
        if let Some(at) = self.0[from..].find(BINDS) {
            self.0.truncate(from + at);
            return Err(fmt::Error);
        }
        if is_enough { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Pieces(Vec<String>);

    impl Display for Pieces {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|piece| f.write_str(piece))
        }
    }

    #[test]
    fn values_are_cut_off_wherever_the_mark_is() {
        for pieces in [
            vec!["SELECT ?", " -- binds: ", "[\"SECRET\"]"],
            vec!["SELECT ? -- bin", "ds: [\"SECRET\"]"],
            vec!["SELECT ?", " ", "--", " ", "binds", ":", " ", "[", "SECRET", "]"],
            vec!["SELECT ?", " -- binds: [\"a\nSECRET -- binds: \"]"],
        ] {
            let pieces = Pieces(pieces.into_iter().map(str::to_owned).collect());
            assert_eq!(text(&pieces), "SELECT ?");
        }
    }

    #[test]
    fn of_megabytes_the_beginning_is_read() {
        let long = "ä".repeat(1 << 20);
        let text = text(&Pieces(vec!["SELECT ".to_owned(), long]));
        assert!(text.len() <= MOST && text.len() > MOST - 4, "{}", text.len());
    }

    proptest! {
        #[test]
        fn nothing_behind_the_mark_is_left(
            before in "[a-z ä'-]{0,30}",
            after in ".{0,30}",
            cut in 0_usize..60,
        ) {
            let whole = format!("{before}{BINDS}{after}");
            let cut = (0..=cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at));
            let (one, other) = whole.split_at(cut.unwrap_or(0));
            let text = text(&Pieces(vec![one.to_owned(), other.to_owned()]));
            prop_assert!(before.starts_with(&text) || text == before, "{text}");
        }
    }
}
