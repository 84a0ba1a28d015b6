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
pub fn install(exemplars: Exemplars) {
    *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(exemplars);
    IS_INSTALLED.store(true, Ordering::Release);
}

/// Removes the store that was installed, if any.
pub fn uninstall() {
    IS_INSTALLED.store(false, Ordering::Release);
    *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Returns the store that was installed last, if any.
#[must_use]
pub fn installed() -> Option<Exemplars> {
    if !IS_INSTALLED.load(Ordering::Acquire) {
        return None;
    }
    INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
}
