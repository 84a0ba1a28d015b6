//! A model of how what the process uses is replaced while threads keep it. loom runs it in every order
//! that can make a difference, weak memory included, with at most three preemptions.

use crate::{
    Composite, HttpSettings, Propagator, default_propagator, default_version, http_settings,
    set_default, set_http_settings,
};
use loom::thread;
use std::sync::Arc;

/// What a layer keeps, as its look-up does: the version is read before the rest.
#[derive(Clone)]
struct Kept {
    version: u64,
    propagator: Arc<dyn Propagator>,
    settings: Option<Arc<HttpSettings>>,
}

impl Kept {
    fn new() -> Self {
        let version = default_version();
        Self { version, propagator: default_propagator(), settings: http_settings() }
    }

    /// What a request uses now.
    fn current(&mut self) -> &Self {
        if self.version != default_version() {
            *self = Self::new();
        }
        self
    }

    fn has_settings(&self) -> bool {
        self.settings.as_deref() == Some(&settings())
    }

    fn is(&self, propagator: &Arc<dyn Propagator>) -> bool {
        Arc::ptr_eq(&self.propagator, propagator)
    }
}

fn propagator() -> Arc<dyn Propagator> {
    Arc::new(Composite::new())
}

fn settings() -> HttpSettings {
    HttpSettings { excluded_paths: vec!["/healthz".to_owned()], ..HttpSettings::default() }
}

/// Tries the orders of two threads that look while a third does `replace`, and of each that looks after it.
fn check(replace: fn(Arc<dyn Propagator>), is_replaced: fn(&Kept, &Arc<dyn Propagator>) -> bool) {
    let mut orders = loom::model::Builder::new();
    // `LOOM_MAX_PREEMPTIONS` says otherwise.
    orders.preemption_bound = orders.preemption_bound.or(Some(3));
    orders.check(move || {
        let (old, new) = (propagator(), propagator());
        set_default(old.clone());
        let mut own = Kept::new();
        let (theirs, replacement) = (own.clone(), new.clone());
        let replaces = thread::spawn(move || replace(replacement));
        let seen = new.clone();
        let looks = thread::spawn(move || {
            let mut kept = theirs;
            let first = is_replaced(kept.current(), &seen);
            let second = is_replaced(kept.current(), &seen);
            assert!(second || !first, "it does not go back");
            kept
        });
        own.current();
        replaces.join().unwrap();
        let mut kept = looks.join().unwrap();
        for kept in [&mut own, &mut kept] {
            assert!(is_replaced(kept.current(), &new));
        }
    });
}

/// The propagator is replaced while two threads look: no thread goes back to what was before, and after the
/// replacement every look sees the new one, whatever was kept meanwhile.
#[test]
fn a_propagator_that_is_replaced_is_seen_by_all_who_kept_one() {
    check(set_default, Kept::is);
}

/// The same for what a configuration file says.
#[test]
fn settings_that_are_replaced_are_seen_by_all_who_kept_some() {
    check(|_| set_http_settings(Some(settings())), |kept, _| kept.has_settings());
}

/// The same for both, one after the other, as `init` replaces them.
#[test]
fn what_is_replaced_is_seen_by_all_who_kept_it() {
    check(
        |propagator| {
            set_default(propagator);
            set_http_settings(Some(settings()));
        },
        |kept, propagator| kept.is(propagator) && kept.has_settings(),
    );
}
