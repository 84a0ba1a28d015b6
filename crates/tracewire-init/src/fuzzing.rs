//! What `fuzz/` drives: variables, the file that says the same, and facts about where the process runs.

use crate::builder::Builder;
use crate::config::{Network, decide, detectors};
use crate::plan::Plan;
use crate::settings::Layer;
use crate::variables::Env;

/// A setting or an attribute, with its value.
pub type Pair = (String, String);

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

/// What these variables decide, each setting with its value.
///
/// # Errors
///
/// If `init` would refuse a variable.
pub fn decisions(variables: &[(&str, &str)]) -> Result<Vec<Pair>, String> {
    let plan = Builder::new(Env::of(variables)).plan().map_err(|error| error.to_string())?;
    let decisions = plan.decisions().iter();
    Ok(decisions.map(|decision| (decision.setting.clone(), decision.value.clone())).collect())
}

/// The configuration file that says what these variables say.
///
/// # Errors
///
/// If `init` would refuse a variable.
#[cfg(feature = "config-file")]
pub fn printed(variables: &[(&str, &str)]) -> Result<String, String> {
    crate::config::file::print::print(&Env::of(variables)).map_err(|error| error.to_string())
}

/// The attributes that detectors take from files: of control groups, mounts, ECS's agent and the system's
/// release.
#[must_use]
pub fn facts_of_files(files: [&str; 4]) -> Vec<Pair> {
    shown(detectors::of_files(files))
}

/// The attributes that the detectors of AWS, Azure and Google Cloud take from the answers to their requests, and
/// why each stopped early. `answer` gets the URL and the headers of a request.
#[cfg(feature = "cloud-metadata")]
pub fn facts_of_answers(
    variables: &[(&str, &str)],
    answer: impl Fn(&str, &[(&str, &str)]) -> tracewire_export::wiring::MetadataAnswer + Clone + 'static,
) -> Vec<(Vec<Pair>, Option<String>)> {
    let found = detectors::of_answers(variables, answer).into_iter();
    found.map(|(facts, stopped)| (shown(facts), stopped)).collect()
}

fn shown(facts: Vec<opentelemetry::KeyValue>) -> Vec<Pair> {
    facts.into_iter().map(|fact| (fact.key.to_string(), fact.value.to_string())).collect()
}
