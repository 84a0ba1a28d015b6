//! What clones of a sampler share, and what can be replaced while they are used.

use arc_swap::ArcSwap;
use std::sync::{Arc, OnceLock};

/// A value that is read all the time and replaced hardly ever.
///
/// Until it is replaced for the first time, a read is one load of a flag. An [`ArcSwap`] alone would
/// cost every span two atomic exchanges, for a reload that most processes never see. The first value
/// is kept to the end.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    first: Arc<T>,
    later: OnceLock<ArcSwap<T>>,
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { first: Arc::new(value), later: OnceLock::new() }
    }

    /// Reads the value. It stays the same for as long as `read` runs.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        match self.later.get() {
            None => read(&self.first),
            Some(later) => read(&later.load()),
        }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        match self.later.get() {
            None => self.first.clone(),
            Some(later) => later.load_full(),
        }
    }

    pub(crate) fn set(&self, value: Arc<T>) {
        self.later.get_or_init(|| ArcSwap::new(value.clone())).store(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_sees_what_was_set_last() {
        let shared = Shared::new(1);
        assert_eq!((shared.with(|value| *value), *shared.get()), (1, 1));
        for value in [2, 3] {
            shared.set(Arc::new(value));
            assert_eq!((shared.with(|value| *value), *shared.get()), (value, value));
        }
    }

    #[test]
    fn a_value_that_is_replaced_while_it_is_read_stays_until_then() {
        let shared = Shared::new("first".to_owned());
        shared.with(|first| {
            shared.set(Arc::new("second".to_owned()));
            shared.with(|second| {
                shared.set(Arc::new("third".to_owned()));
                assert_eq!((first.as_str(), second.as_str()), ("first", "second"));
            });
        });
        assert_eq!(shared.with(String::clone), "third");
    }
}
