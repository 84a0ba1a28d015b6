//! Propagators that the application adds under a name of its own.

use crate::{formats::HeaderFormat, propagator::Propagator};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// The word for no propagator at all.
pub(crate) const NONE: &str = "none";

/// Adds a propagator under a name for `OTEL_PROPAGATORS`, for the whole process.
///
/// Call it before the names are read: before `init`, and before the first use of
/// [`default_propagator`](crate::default_propagator). A name can be registered once; the names of
/// this crate's formats are taken even if they are not compiled in. Names are compared without
/// case.
///
/// # Errors
///
/// The name is taken, is empty, or has a comma or white space in it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tracewire_propagation::{Composite, RegisterError, from_names, register};
///
/// register("acme", Arc::new(Composite::default()))?;
/// assert_eq!(from_names("acme").unwrap().names(), ["acme"]);
/// # Ok::<(), RegisterError>(())
/// ```
pub fn register(name: &str, propagator: Arc<dyn Propagator>) -> Result<(), RegisterError> {
    let unusable = |c: char| c == ',' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.contains(unusable) {
        return Err(RegisterError { name: name.to_owned(), taken: false });
    }
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let taken = name.eq_ignore_ascii_case(NONE)
        || HeaderFormat::from_name(name).is_some()
        || registered.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if taken {
        return Err(RegisterError { name: name.to_owned(), taken: true });
    }
    registered.push((name.to_ascii_lowercase(), propagator));
    Ok(())
}

/// The error for a name that cannot be registered.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_propagation::{Composite, register};
///
/// let error = register("baggage", Arc::new(Composite::default())).unwrap_err();
/// assert!(error.is_taken());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterError {
    name: String,
    taken: bool,
}

impl RegisterError {
    /// Returns whether the name was taken already, rather than illegal.
    pub fn is_taken(&self) -> bool {
        self.taken
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        if self.taken {
            write!(f, "the propagator name {name:?} is taken")
        } else {
            write!(f, "the propagator name {name:?} is empty or has a comma or white space in it")
        }
    }
}

impl std::error::Error for RegisterError {}

static REGISTERED: RwLock<Vec<(String, Arc<dyn Propagator>)>> = RwLock::new(Vec::new());

/// What was registered under a name, with the name as it was registered.
pub(crate) fn registered(name: &str) -> Option<(String, Arc<dyn Propagator>)> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    registered.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).cloned()
}

/// Every registered name.
pub(crate) fn registered_names() -> Vec<String> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    registered.iter().map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::Composite;

    #[test]
    fn a_name_is_taken_once() {
        let propagator = || Arc::new(Composite::default());
        assert_eq!(register("register-test", propagator()), Ok(()));
        assert!(register("Register-Test", propagator()).unwrap_err().is_taken());
        for format in HeaderFormat::ALL {
            assert!(register(format.name(), propagator()).unwrap_err().is_taken());
        }
        assert!(register("NONE", propagator()).unwrap_err().is_taken());
        for unusable in ["", " ", "a,b", "a b", "a\n"] {
            assert!(!register(unusable, propagator()).unwrap_err().is_taken(), "{unusable:?}");
        }
    }
}
