//! Statements that were described before.
//!
//! To read a query costs more than all else that is done for a call, and most programs run the same
//! queries again and again. Others write values into the text, so that no text comes twice: what is
//! kept is bounded, and a text that never came again is the first to go.

use super::{
    Target,
    statement::{Source, Statement},
};
use foldhash::fast::RandomState;
use std::{
    hash::{BuildHasher, Hasher},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

/// Statements are kept in sets; which one, their digest says. A power of two.
const SETS: usize = 128;
/// How many statements a set holds.
const WAYS: usize = 4;
/// Longer texts are described anew each time, in bytes. With what is exported of it, which is not
/// longer than 4 KiB, a statement takes less than 10 KiB, and all of them less than 5 MiB.
const LONGEST: usize = 4096;
/// How many others a statement outlives after it came again and again.
const LIVES: u8 = 8;

/// Shared by all threads: each holds a lock for the time of a comparison, and 128 sets rarely meet.
static SHARED: LazyLock<Cache> = LazyLock::new(Cache::new);

/// The statement of `source`, shared with earlier calls if it is known.
pub(super) fn described(target: &Target, source: Source<'_>) -> Arc<Statement> {
    SHARED.get(target, source)
}

struct Cache {
    /// Nobody outside can choose texts that fall into one set.
    hasher: RandomState,
    sets: [Mutex<Set>; SETS],
}

type Set = [Option<Kept>; WAYS];

struct Kept {
    digest: u64,
    lives: u8,
    target: Target,
    source: Owned,
    statement: Arc<Statement>,
}

enum Owned {
    Query(Box<str>),
    Operation(Box<str>, Option<Box<str>>),
}

impl Cache {
    fn new() -> Self {
        let sets = [const { Mutex::new([const { None }; WAYS]) }; SETS];
        Self { hasher: RandomState::default(), sets }
    }

    fn get(&self, target: &Target, source: Source<'_>) -> Arc<Statement> {
        if source.len() > LONGEST {
            return Arc::new(Statement::describe(target, source));
        }
        let digest = self.digest(target, source);
        if let Some(known) = find(&mut self.set(digest), digest, target, source) {
            return known;
        }
        let statement = Statement::describe(target, source).shared();
        let new = Kept {
            digest,
            lives: 0,
            target: target.clone(),
            source: source.into_owned(),
            statement: statement.clone(),
        };
        let replaced = {
            let mut set = self.set(digest);
            // Another thread was faster.
            if let Some(known) = find(&mut set, digest, target, source) {
                return known;
            }
            insert(&mut set, new)
        };
        drop(replaced); // without the lock
        statement
    }

    fn digest(&self, target: &Target, source: Source<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match source {
            Source::Query(sql) => hasher.write(sql.as_bytes()),
            Source::Operation(name, collection) => {
                hasher.write(name.as_bytes());
                hasher.write(collection.unwrap_or_default().as_bytes());
            }
        }
        // A program has few systems; many databases of one system may differ in the others alone.
        hasher.write(target.namespace.unwrap_or_default().as_bytes());
        if let Some((address, port)) = &target.server {
            hasher.write(address.as_bytes());
            hasher.write_u16(port.unwrap_or_default());
        }
        hasher.finish()
    }

    fn set(&self, digest: u64) -> MutexGuard<'_, Set> {
        // A set is whole whatever panicked while it was locked.
        self.sets[digest as usize % SETS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(set: &mut Set, digest: u64, target: &Target, source: Source<'_>) -> Option<Arc<Statement>> {
    let known = set
        .iter_mut()
        .flatten()
        .find(|kept| kept.digest == digest && source.is(&kept.source) && kept.target == *target)?;
    known.lives = LIVES.min(known.lives + 1);
    Some(known.statement.clone())
}

/// Puts `new` in place of the statement that came again least often, or takes one of its lives.
///
/// Returns what is not kept.
fn insert(set: &mut Set, new: Kept) -> Option<Kept> {
    let least = set.iter_mut().min_by_key(|kept| kept.as_ref().map(|kept| kept.lives + 1))?;
    match least {
        Some(kept) if kept.lives > 0 => {
            kept.lives -= 1;
            Some(new)
        }
        free => free.replace(new),
    }
}

impl Source<'_> {
    fn len(self) -> usize {
        match self {
            Self::Query(sql) => sql.len(),
            Self::Operation(name, collection) => name.len() + collection.map_or(0, str::len),
        }
    }

    fn is(self, owned: &Owned) -> bool {
        match (self, owned) {
            (Self::Query(sql), Owned::Query(own)) => *sql == **own,
            (Self::Operation(name, collection), Owned::Operation(own, own_collection)) => {
                *name == **own && collection == own_collection.as_deref()
            }
            _ => false,
        }
    }

    fn into_owned(self) -> Owned {
        match self {
            Self::Query(sql) => Owned::Query(sql.into()),
            Self::Operation(name, collection) => {
                Owned::Operation(name.into(), collection.map(Into::into))
            }
        }
    }
}
