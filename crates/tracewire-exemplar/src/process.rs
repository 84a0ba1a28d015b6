//! The store of the process.

use crate::Exemplars;
use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
static INSTALLED: RwLock<Option<Exemplars>> = RwLock::new(None);

/// Sets the store that measurements of the global meter provider are offered to, from now on.
///
/// `tracewire::init()` does so. Instruments that were created before keep the store that they have, or
/// none.
///
/// ```
/// use tracewire_exemplar::{Exemplars, install, installed};
///
/// install(Exemplars::new());
/// assert!(installed().is_some());
/// ```
pub fn install(exemplars: Exemplars) {
    *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(exemplars);
    IS_INSTALLED.store(true, Ordering::Release);
}

/// Removes the store that was installed, if any.
///
/// ```
/// use tracewire_exemplar::{Exemplars, install, installed, uninstall};
///
/// install(Exemplars::new());
/// uninstall();
/// assert!(installed().is_none());
/// ```
pub fn uninstall() {
    IS_INSTALLED.store(false, Ordering::Release);
    *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Returns the store that was installed last, if any.
///
/// ```
/// use opentelemetry::InstrumentationScope;
///
/// if let Some(exemplars) = tracewire_exemplar::installed() {
///     let scope = InstrumentationScope::builder("shop").build();
///     let reservoirs = exemplars.instrument(&scope, "checkout.duration", &[0.1, 0.5, 1.0]);
///     // offer measurements to `reservoirs`
/// }
/// ```
#[must_use]
pub fn installed() -> Option<Exemplars> {
    if !IS_INSTALLED.load(Ordering::Acquire) {
        return None;
    }
    INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
}
