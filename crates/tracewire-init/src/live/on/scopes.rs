//! Where spans of this process come from.

use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::InstrumentationScope;
use tracewire_export::wiring::encode_scope;
use tracewire_live::{Recorder, Source};

/// Scopes that are remembered. Beyond them they are encoded again.
const MOST: usize = 64;

/// The sources of this process's resource, by scope.
pub(super) struct Scopes {
    resource: Vec<u8>,
    known: RwLock<Vec<(InstrumentationScope, Arc<Source>)>>,
}

impl Scopes {
    pub(super) fn new(resource: Vec<u8>) -> Self {
        Self { resource, known: RwLock::default() }
    }

    /// Returns the encoded resource.
    #[cfg(feature = "logs")]
    pub(super) fn resource(&self) -> &[u8] {
        &self.resource
    }

    pub(super) fn source(&self, recorder: &Recorder, scope: &InstrumentationScope) -> Arc<Source> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, source)) = known.iter().find(|(known, _)| known == scope) {
            return Arc::clone(source);
        }
        drop(known);
        let source = recorder.source(&self.resource, &encode_scope(scope, None));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST {
            known.clear();
        }
        known.push((scope.clone(), Arc::clone(&source)));
        source
    }
}
