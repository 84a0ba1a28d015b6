//! How lists and limits are shown.

use crate::plan::Plan;
use crate::settings::Setting;
use crate::variables::map;

/// The value of a variable that has these words.
pub(super) fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(",") }
}

/// The longest attribute value, in characters; `None` is no limit.
pub(super) fn value_length(setting: &str, given: Setting<usize>, plan: &mut Plan) -> Option<usize> {
    plan.pick_shown(setting, map(given, Some), None, |limit| {
        limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string())
    })
}
