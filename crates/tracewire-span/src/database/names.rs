//! Names of spans that are kept for the life of the process.
//!
//! OpenTelemetry copies a name for each span unless it is a `&'static str`, and the copy is freed by the
//! thread that exports the span, where the allocator cannot use it again for the next one.

use foldhash::fast::RandomState;
use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// How many names are kept, in the whole process. A name has at most 256 bytes.
const MOST: usize = 512;

static KEPT: Mutex<Names> = Mutex::new(Names(None));

struct Names(Option<HashSet<&'static str, RandomState>>);

/// The name of a statement that calls share.
#[derive(Debug, Default)]
pub(super) struct SharedName {
    /// A statement that never comes again needs no name that lasts.
    used: AtomicBool,
    kept: OnceLock<Option<&'static str>>,
}

impl SharedName {
    /// Returns `name`, which is the same each time: a copy for the first span and where too many names are
    /// kept already.
    #[expect(clippy::ptr_arg, reason = "what is borrowed is copied without an allocation")]
    pub(super) fn get(&self, name: &Cow<'static, str>) -> Cow<'static, str> {
        match self.kept.get() {
            Some(Some(kept)) => return Cow::Borrowed(kept),
            Some(None) => {}
            None if self.used.swap(true, Ordering::Relaxed) => {
                let kept = self.kept.get_or_init(|| {
                    KEPT.lock().unwrap_or_else(PoisonError::into_inner).keep(name, MOST)
                });
                if let Some(kept) = kept {
                    return Cow::Borrowed(kept);
                }
            }
            None => {}
        }
        name.clone()
    }
}

impl Names {
    fn keep(&mut self, name: &str, most: usize) -> Option<&'static str> {
        let kept = self.0.get_or_insert_default();
        if let Some(known) = kept.get(name) {
            return Some(known);
        }
        if kept.len() >= most {
            return None;
        }
        let name: &'static str = Box::leak(name.into());
        kept.insert(name);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn names_are_kept_once_and_only_so_many() {
        let mut names = Names(None);
        let first = names.keep("SELECT a", 2).unwrap();
        assert!(ptr::eq(first, names.keep(&String::from("SELECT a"), 2).unwrap()));
        assert_eq!(names.keep("SELECT b", 2), Some("SELECT b"));
        assert_eq!(names.keep("SELECT c", 2), None);
        assert!(ptr::eq(first, names.keep("SELECT a", 2).unwrap()));
    }

    #[test]
    fn a_name_lasts_from_its_second_span_on() {
        let (shared, name) = (SharedName::default(), Cow::Owned(String::from("SELECT lasting")));
        let borrowed = |name: &Cow<'_, str>| matches!(name, Cow::Borrowed(_));
        let names = [(); 3].map(|()| shared.get(&name));
        assert_eq!(names.each_ref().map(borrowed), [false, true, true]);
        assert!(names.iter().all(|own| *own == name));
    }
}
