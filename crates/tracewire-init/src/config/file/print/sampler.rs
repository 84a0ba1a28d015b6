//! `sampler`.

use super::yaml::{Yaml, quoted};
use crate::config::sampling::{Root, SamplerChoice};

pub(super) fn sampler(choice: &SamplerChoice, yaml: &mut Yaml) {
    let SamplerChoice::Named { root, is_parent_based } = choice else {
        yaml.line(1, "# The sampler that a vendor's variables make has no node.");
        return;
    };
    yaml.line(1, "sampler:");
    let plain = |yaml: &mut Yaml, sampler: &str, ratio: Option<f64>| {
        let depth = if *is_parent_based {
            yaml.line(2, "parent_based:");
            yaml.line(3, "root:");
            4
        } else {
            2
        };
        yaml.line(depth, &format!("{sampler}:"));
        if let Some(ratio) = ratio {
            yaml.line(depth + 1, &format!("ratio: {ratio}"));
        }
    };
    match root {
        Root::AlwaysOn => plain(yaml, "always_on", None),
        Root::AlwaysOff => plain(yaml, "always_off", None),
        Root::Ratio(ratio) => plain(yaml, "trace_id_ratio_based", Some(*ratio)),
        Root::Probability(probability) => {
            tree(*is_parent_based, "probability", &format!("ratio: {}", probability.value()), yaml);
        }
        Root::Rules(rules) => {
            let rules = quoted(rules.as_deref().unwrap_or("on"));
            tree(*is_parent_based, "rules", &format!("rules: {rules}"), yaml);
        }
    }
}

fn tree(is_parent_based: bool, sampler: &str, setting: &str, yaml: &mut Yaml) {
    yaml.line(2, "composite/development:");
    let mut depth = 3;
    if is_parent_based {
        yaml.line(3, "parent_threshold:");
        yaml.line(4, "root:");
        depth = 5;
    }
    yaml.line(depth, &format!("{sampler}:"));
    yaml.line(depth + 1, setting);
}
