//! Patterns with `*` and `?`.

/// Matches a pattern in which `*` stands for any run of characters and `?` for one octet, in time bounded by the product of both lengths.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on when the last `*` must take one more character.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_shells_do() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "", true),
            ("x-*", "x-", true),
            ("x-*", "x-request-id", true),
            ("x-?", "x-a", true),
            ("x-?", "x-ab", false),
            ("*-id", "x-request-id", true),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxaxxbc", false),
            ("**", "anything", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }

    proptest! {
        #[test]
        fn every_name_matches_itself_and_a_star(name in "[a-z/*?-]{0,20}") {
            prop_assert!(matches("*", &name));
            prop_assert!(matches(&name, &name));
        }
    }
}
