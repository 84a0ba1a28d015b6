//! An error and everything that it says caused it.

use std::{error::Error, io, iter};

/// `error`, then what caused it, outermost first.
///
/// Unlike a walk along [`source`](Error::source) alone this sees what an [`io::Error`] wraps: its
/// `source` is the source of what is inside, which itself would be passed over.
///
/// ```
/// use std::io;
/// use tracewire_http::wiring::causes;
///
/// let inner = io::Error::from(io::ErrorKind::InvalidData);
/// let outer = io::Error::other(inner);
/// assert_eq!(causes(&outer).count(), 2);
/// ```
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        }
    };
    iter::successors(Some(error), next)
}
