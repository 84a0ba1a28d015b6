//! What `fuzz/` drives: the reading of variables.

use crate::config::{Network, decide};
use crate::plan::Plan;
use crate::settings::Layer;
use crate::variables::Env;

/// Decides what these variables alone ask for, and starts nothing. Returns everything that is said of it,
/// and whether it can start.
#[must_use]
pub fn variables(variables: &[(&str, &str)]) -> (Vec<String>, bool) {
    let mut plan = Plan::default();
    let decided = decide(
        Env::of(variables),
        Layer::default(),
        Layer::default(),
        Network::Untouched,
        &mut plan,
    );
    let mut said: Vec<_> = plan.warnings().map(str::to_owned).collect();
    said.extend(plan.to_string().lines().map(str::to_owned));
    if let Err(error) = &decided {
        said.push(error.to_string());
    }
    (said, decided.is_ok())
}
