//! Functions of the application's that run while a request is under way.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// A function of the application's. A panic in it does not reach the request.
pub struct Hook<F: ?Sized>(pub Arc<F>);

impl<F: ?Sized> Hook<F> {
    /// Returns what `call` gets from the function, unless that panics.
    pub(crate) fn ask<T>(&self, call: impl FnOnce(&F) -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(|| call(&self.0))).ok()
    }
}

impl<F: ?Sized> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: ?Sized> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
