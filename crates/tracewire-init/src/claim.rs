//! At most one telemetry is the process's own.

use std::sync::atomic::{AtomicBool, Ordering};

use tracewire_export::wiring::log;

use crate::error::InitError;

static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// The right to be this process's telemetry, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim(());

impl Claim {
    pub(crate) fn take() -> Result<Self, InitError> {
        if INITIALIZED.swap(true, Ordering::AcqRel) {
            let error = InitError::already_initialized();
            // A caller that has a guard already may discard this error.
            static SAID: AtomicBool = AtomicBool::new(false);
            if !SAID.swap(true, Ordering::Relaxed) {
                log::warn(&error.to_string());
            }
            return Err(error);
        }
        Ok(Self(()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        INITIALIZED.store(false, Ordering::Release);
    }
}
