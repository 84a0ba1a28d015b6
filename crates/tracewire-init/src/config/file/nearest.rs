//! The name that was most likely meant.

/// How many letters may be wrong, missing, doubled or swapped.
const MOST_WRONG: usize = 2;
/// Longer texts are no names. It bounds the work for one of them.
const LONGEST: usize = 64;
/// From this length on, the start of a name stands for it: `otlp` for `otlp_http`.
const LEAST_START: usize = 4;

/// The nearest of `known`, if it is near. Case, `_`, `-` and a suffix after `/` do not count.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let plain_name = plain(name);
    let distance = |known: &'a str| {
        let plain_known = plain(known);
        // A short name is near everything.
        let most = MOST_WRONG.min(plain_known.len() / 3);
        let is_possible = plain_known.len().abs_diff(plain_name.len()) <= most;
        let wrong = is_possible.then(|| strsim::osa_distance(&plain_known, &plain_name))?;
        (wrong <= most).then_some((wrong, known))
    };
    let known: Vec<_> = known.collect();
    let near = known.iter().copied().filter_map(distance).min_by_key(|&(wrong, _)| wrong);
    let longer = || {
        let is_start = plain_name.len() >= LEAST_START;
        known.iter().copied().find(|known| is_start && plain(known).starts_with(&plain_name))
    };
    near.map(|(_, known)| known).or_else(longer)
}

fn plain(name: &str) -> String {
    let name = name.split('/').next().unwrap_or_default();
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] =
        ["max_queue_size", "probability/development", "otlp_http", "always_on", "b3", "b3multi"];

    #[test]
    fn a_name_that_is_almost_right_has_a_nearest_one() {
        for (name, expected) in [
            ("max_queue_sise", "max_queue_size"),
            ("maxQueueSize", "max_queue_size"),
            ("max-queue-size", "max_queue_size"),
            ("probability", "probability/development"),
            ("otlphttp", "otlp_http"),
            ("otlp_htpp", "otlp_http"),
            ("alwayson", "always_on"),
            ("b3_multi", "b3multi"),
            ("otlp", "otlp_http"),
            ("max_queue", "max_queue_size"),
        ] {
            assert_eq!(nearest(name, KNOWN.into_iter()), Some(expected), "{name}");
        }
    }

    #[test]
    fn other_names_have_none() {
        for name in ["", "b4", "endpoint", "queue", "max", "ö", &"max_queue_size".repeat(100)] {
            assert_eq!(nearest(name, KNOWN.into_iter()), None, "{name}");
        }
    }
}
