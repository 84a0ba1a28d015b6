//! What the process's layers are told about telemetry, and by which one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use tracewire_propagation::{set_describe_unsampled, set_drop_unsampled, set_moves_trace_state};
use tracewire_sampling::Sampler;

use crate::sync::{Mutex, MutexGuard, step};

/// Whether the process's layers go by one telemetry, which they do from `init` to its end.
///
/// It is locked while they are told something. So what they are told last is about the sampler that
/// decides, however many threads replace it, and nobody tells them anything after the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(Arc<Mutex<bool>>);

impl Layers {
    /// Has layers go by this telemetry.
    pub(crate) fn claim(&self) {
        *self.lock() = true;
    }

    /// Tells them nothing any more.
    pub(crate) fn release(&self) {
        *self.lock() = false;
    }

    /// Tells them something, if they go by this telemetry.
    #[cfg_attr(not(feature = "config-file"), expect(dead_code, reason = "only a file does"))]
    pub(crate) fn tell(&self, tell: impl FnOnce()) {
        let are_ours = self.lock();
        if *are_ours {
            tell();
        }
    }

    /// Has `current` decide by `new` from now on, and tells layers what that does.
    pub(crate) fn replace_sampler(&self, current: &Sampler, new: Sampler) {
        let are_ours = self.lock();
        if *are_ours {
            tell_sampler(Some(&new));
        }
        step();
        current.replace(new);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells layers what the process's sampler does about spans whose remote parent is not sampled, and
/// about the trace state of a parent.
pub(crate) fn tell_sampler(sampler: Option<&Sampler>) {
    set_describe_unsampled(sampler.is_some_and(Sampler::needs_unsampled_described));
    set_drop_unsampled(sampler.is_some_and(Sampler::drops_unsampled));
    let moves = ONLY_OURS.load(Ordering::Relaxed);
    set_moves_trace_state(moves && sampler.is_some_and(Sampler::keeps_trace_state));
}

/// Sets whether every span processor of the process's provider is ours: see
/// [`tracewire_propagation::put_back_trace_state`].
pub(crate) fn set_only_our_processors(are: bool) {
    ONLY_OURS.store(are, Ordering::Relaxed);
}

static ONLY_OURS: AtomicBool = AtomicBool::new(false);
