//! Expected text, as it stands indented in a test.

/// Takes off the empty lines around a text and the indentation that all its lines share.
pub(crate) fn dedent(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    let shared = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let lines: Vec<_> = lines.iter().map(|line| line.get(shared..).unwrap_or_default()).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Both texts one below the other, with the first line that differs named.
pub(crate) fn difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (mut ours, mut theirs) = (expected.lines(), actual.lines());
    let mut line = 1;
    let (wanted, found) = loop {
        match (ours.next(), theirs.next()) {
            (wanted, found) if wanted != found => break (wanted, found),
            (None, None) => break (None, None),
            _ => line += 1,
        }
    };
    let (wanted, found) = (wanted.unwrap_or("(nothing)"), found.unwrap_or("(nothing)"));
    Some(format!(
        "line {line} differs\n  expected: {wanted}\n  actual:   {found}\n\n\
         expected:\n{expected}\n\nactual:\n{actual}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_indentation_goes_and_the_rest_stays() {
        assert_eq!(dedent("\n    a\n      b\n\n    c\n  "), "a\n  b\n\nc");
        assert_eq!(dedent(""), "");
        assert_eq!(dedent("a\n  b"), "a\n  b");
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(difference("a\nb", "a\nb"), None);
        let text = difference("a\nb", "a").unwrap();
        assert!(text.starts_with("line 2 differs\n  expected: b\n  actual:   (nothing)"), "{text}");
    }
}
