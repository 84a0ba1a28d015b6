//! The propagator that the process uses by default.

use crate::{
    names::{NamedPropagators, from_env},
    propagator::Propagator,
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
        shared,
    },
};
use opentelemetry::{otel_error, otel_warn};
use std::sync::{Arc, OnceLock, PoisonError, atomic::AtomicBool};

/// Sets what [`default_propagator`] returns from now on.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tracewire_propagation::{Composite, set_default};
///
/// set_default(Arc::new(Composite::default())); // reads and writes nothing
/// ```
pub fn set_default(propagator: Arc<dyn Propagator>) {
    let mut default = DEFAULT.write().unwrap_or_else(PoisonError::into_inner);
    *default = Some(propagator);
    new_version();
}

/// Returns the propagator that the process uses by default.
///
/// That is the one last passed to [`set_default`], else the one that `OTEL_PROPAGATORS` names, which
/// is read once, else all formats that are compiled in. If the variable names a format that is not
/// compiled in, this logs an error and uses those that are; `init` returns an error instead.
///
/// ```
/// use http::HeaderMap;
/// use tracewire_propagation::{current, default_propagator};
///
/// let mut headers = HeaderMap::new();
/// default_propagator().inject(&current::get(), &mut headers);
/// ```
pub fn default_propagator() -> Arc<dyn Propagator> {
    static FALLBACK: OnceLock<Arc<dyn Propagator>> = OnceLock::new();
    if let Some(propagator) = &*DEFAULT.read().unwrap_or_else(PoisonError::into_inner) {
        return propagator.clone();
    }
    FALLBACK.get_or_init(fallback).clone()
}

/// Returns the version of [`default_propagator`] and [`http_settings`](crate::http_settings): a number
/// that changes with every [`set_default`], and with every other setting of the file.
///
/// Compare it with the version that you saw when you kept a propagator; if it differs, ask again.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_propagation::{Composite, default_version, set_default};
///
/// let before = default_version();
/// set_default(Arc::new(Composite::default()));
/// assert_ne!(default_version(), before);
/// ```
pub fn default_version() -> u64 {
    VERSION.load(Ordering::Acquire)
}

/// Has everybody who kept what the process uses ask again.
pub(crate) fn new_version() {
    VERSION.fetch_add(1, Ordering::Release);
}

/// Sets whether layers describe spans whose remote parent is not sampled before they are sampled,
/// in the whole process. False unless set.
///
/// Samplers that follow the parent drop such spans, so describing them first would be for nothing.
/// `init` sets this for samplers with rules that may keep them.
///
/// ```
/// use tracewire_propagation::{describe_unsampled, set_describe_unsampled};
///
/// set_describe_unsampled(true); // a sampler here may keep what the caller dropped
/// assert!(describe_unsampled());
/// ```
pub fn set_describe_unsampled(describe: bool) {
    DESCRIBE_UNSAMPLED.store(describe, Ordering::Relaxed);
}

/// Returns what [`set_describe_unsampled`] was given last.
///
/// ```
/// assert!(!tracewire_propagation::describe_unsampled()); // unless set
/// ```
pub fn describe_unsampled() -> bool {
    DESCRIBE_UNSAMPLED.load(Ordering::Relaxed)
}

/// Sets whether the sampler behind [`providers::Unboxed`](crate::providers::Unboxed) drops every span
/// whose parent is not sampled, in this process or another one. False unless set.
///
/// Layers then start no such span: the context goes on with the caller's, as without an SDK. `init`
/// sets this for samplers that are known to follow their parent.
///
/// ```
/// use tracewire_propagation::{drop_unsampled, set_drop_unsampled};
///
/// set_drop_unsampled(true); // the sampler follows the parent
/// assert!(drop_unsampled());
/// ```
pub fn set_drop_unsampled(drop: bool) {
    DROP_UNSAMPLED.store(drop, Ordering::Relaxed);
}

/// Returns what [`set_drop_unsampled`] was given last.
///
/// ```
/// assert!(!tracewire_propagation::drop_unsampled()); // unless set
/// ```
#[must_use]
pub fn drop_unsampled() -> bool {
    DROP_UNSAMPLED.load(Ordering::Relaxed)
}

static DROP_UNSAMPLED: AtomicBool = AtomicBool::new(false);
static DESCRIBE_UNSAMPLED: AtomicBool = AtomicBool::new(false);
shared!(DEFAULT: RwLock<Option<Arc<dyn Propagator>>> = RwLock::new(None));
shared!(VERSION: AtomicU64 = AtomicU64::new(0));

fn fallback() -> Arc<dyn Propagator> {
    let selection = match from_env() {
        Ok(selection) => selection,
        Err(error) => {
            otel_error!(name: "Propagation.NotCompiledIn", message = error.to_string());
            NamedPropagators::compiled_in()
        }
    };
    if !selection.unknown().is_empty() {
        let words = shown(selection.unknown());
        let words = words.as_str();
        otel_warn!(name: "Propagation.UnknownPropagators", otel_propagators = words);
    }
    selection.propagator()
}

/// Names for a log line. Anything that is not a name may be a secret in the wrong variable.
fn shown(words: &[String]) -> String {
    let is_word = |word: &str| {
        word.len() <= 32
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let shown = words.iter().map(|word| if is_word(word) { word } else { "(not shown)" });
    shown.take(10).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_is_no_word_is_not_shown() {
        let long = "x".repeat(1000);
        for (word, expected) in [
            ("acme", "acme"),
            ("b3-single_2", "b3-single_2"),
            ("authorization=Bearer hunter2", "(not shown)"),
            ("http://user:hunter2@host", "(not shown)"),
            ("a\nb", "(not shown)"),
            (&*long, "(not shown)"),
        ] {
            assert_eq!(shown(&[word.to_owned()]), expected);
        }
        assert_eq!(shown(&vec!["a".to_owned(); 1000]).len(), 19);
    }
}
