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
        target.known.identify();
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
        hasher.write_u64(target.digest());
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

/// Puts `new` in place of the statement that came again least often, the oldest of these, or takes one
/// of its lives.
///
/// Returns what is not kept.
fn insert(set: &mut Set, new: Kept) -> Option<Kept> {
    let lives = |n: &usize| set[*n].as_ref().map(|kept| kept.lives);
    let least = (0..WAYS).min_by_key(lives)?;
    if let Some(kept) = &mut set[least]
        && kept.lives > 0
    {
        kept.lives -= 1;
        return Some(new);
    }
    let replaced = set[least].replace(new);
    set[least..].rotate_left(1); // the oldest come first
    replaced
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Tracer,
        database::{Database, known::Known},
    };
    use proptest::prelude::*;
    use std::thread;

    fn target(system: &'static str, namespace: Option<&'static str>) -> Target {
        let library = crate::tracer!().library();
        Target {
            library,
            system,
            namespace,
            own_namespace: None,
            server: None,
            known: Known::new(),
        }
    }

    /// What is exported of a statement.
    fn exported(statement: &Statement) -> String {
        let Statement { system, name, attributes, summary, text, .. } = statement;
        format!("{system} {name} {attributes:?} {summary:?} {text:?}")
    }

    fn held(cache: &Cache) -> usize {
        cache.sets.iter().map(|set| set.lock().unwrap().iter().flatten().count()).sum()
    }

    #[test]
    fn a_text_is_described_once_for_each_database() {
        let cache = Cache::new();
        let query = Source::Query("SELECT a FROM b");
        let get = |target: &Target| cache.get(target, query);
        let (shop, mail) = (target("sqlite", Some("shop")), target("sqlite", Some("mail")));
        assert!(Arc::ptr_eq(&get(&shop), &get(&shop)));
        assert!(!Arc::ptr_eq(&get(&shop), &get(&mail)));
        assert!(!Arc::ptr_eq(&get(&shop), &get(&target("mysql", Some("shop")))));
        let at = |port| {
            let server = Some(("db".into(), port));
            Target { server, known: Known::new(), ..shop.clone() }
        };
        assert!(Arc::ptr_eq(&get(&at(Some(1))), &get(&at(Some(1)))));
        assert!(!Arc::ptr_eq(&get(&at(Some(1))), &get(&at(Some(2)))));
        assert!(!Arc::ptr_eq(&get(&at(None)), &get(&shop)));
        let operation = |name, collection| cache.get(&shop, Source::Operation(name, collection));
        assert!(Arc::ptr_eq(&operation("find", Some("a")), &operation("find", Some("a"))));
        assert_ne!(operation("find", Some("a")).name, operation("find", None).name);
        assert_ne!(operation("SELECT a FROM b", None).name, get(&shop).name);
    }

    #[test]
    fn a_database_that_is_changed_after_a_call_is_described_anew() {
        let query = Source::Query("SELECT a_changed_column FROM b");
        let used = Database::new("sqlite").namespace("shop").server("db", Some(1));
        let first = described(&used.target, query);
        assert!(Arc::ptr_eq(&first, &described(&used.clone().target, query)));
        for changed in [
            used.clone().namespace("mail"),
            used.clone().dynamic_namespace("post"),
            used.clone().server("db", Some(2)),
            used.clone().tracer(Tracer::new("another library")),
        ] {
            let statement = described(&changed.target, query);
            assert!(!Arc::ptr_eq(&first, &statement), "{changed:?}");
            let fresh = Statement::describe(&changed.target, query);
            assert_eq!(exported(&statement), exported(&fresh));
            assert_eq!(statement.library, fresh.library);
        }
    }

    #[test]
    fn a_text_beyond_the_limit_is_not_kept() {
        let cache = Cache::new();
        let target = target("sqlite", None);
        for (length, kept) in [(LONGEST, 1), (LONGEST + 1, 1), (8 << 20, 1)] {
            let text = "x".repeat(length);
            cache.get(&target, Source::Query(&text));
            assert_eq!(held(&cache), kept, "{length}");
        }
    }

    #[test]
    fn texts_that_never_come_again_displace_none_that_do() {
        let cache = Cache::new();
        let target = target("sqlite", None);
        let usual: Vec<_> = (0..SETS).map(|n| format!("SELECT a{n} FROM b")).collect();
        let mut known = Vec::new();
        let (mut hits, mut rounds) = (0, 0);
        for round in 0..20 {
            for (n, text) in usual.iter().enumerate() {
                let statement = cache.get(&target, Source::Query(text));
                match known.get(n) {
                    Some(own) => hits += usize::from(Arc::ptr_eq(own, &statement)),
                    None => known.push(statement.clone()),
                }
                known[n] = statement;
            }
            rounds += usize::from(round > 0);
            for n in 0..SETS {
                let literal = format!("SELECT 1 WHERE a = {round}{n:04}");
                cache.get(&target, Source::Query(&literal));
            }
            assert!(held(&cache) <= SETS * WAYS);
        }
        // By chance more of them than there are ways fall into some sets.
        assert!(hits >= rounds * SETS * 9 / 10, "{hits} of {}", rounds * SETS);
    }

    #[test]
    fn a_text_that_is_not_used_any_more_makes_room() {
        let mut set: Set = [const { None }; WAYS];
        let target = target("sqlite", None);
        let new = |n: usize| Kept {
            digest: n as u64,
            lives: 0,
            target: target.clone(),
            source: Source::Query(&n.to_string()).into_owned(),
            statement: Statement::describe(&target, Source::Query("SELECT 1")).shared(),
        };
        for n in 0..WAYS {
            assert!(insert(&mut set, new(n)).is_none());
            for _ in 0..20 {
                let text = n.to_string();
                assert!(find(&mut set, n as u64, &target, Source::Query(&text)).is_some());
            }
        }
        let before = (WAYS..).take_while(|&n| {
            let refused = insert(&mut set, new(n)).expect("the set is full");
            refused.digest == n as u64
        });
        assert!((1..=WAYS * usize::from(LIVES)).contains(&before.count()));
    }

    #[test]
    fn threads_share_what_is_known() {
        let cache = Cache::new();
        let target = target("postgresql", None);
        let texts: Vec<_> = (0..200).map(|n| format!("SELECT a FROM t{n} WHERE b = {n}")).collect();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for text in texts.iter().cycle().take(400) {
                        let found = cache.get(&target, Source::Query(text));
                        let fresh = Statement::describe(&target, Source::Query(text));
                        assert_eq!(exported(&found), exported(&fresh));
                    }
                });
            }
        });
        assert!(held(&cache) <= texts.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))] // each reads hundreds of texts

        #[test]
        fn what_is_remembered_is_what_would_be_read(
            texts in prop::collection::vec("(SELECT|INSERT|a|b| |'|x|1|--|\\(|é){0,12}", 1..60),
            picks in prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize), 1..40),
        ) {
            let cache = Cache::new();
            for (pick, system) in picks {
                let target = target(["postgresql", "mysql", "other_sql"][system], Some("shop"));
                let text = pick.get(&texts);
                for source in [Source::Query(text), Source::Operation(text, Some("items"))] {
                    let fresh = Statement::describe(&target, source);
                    prop_assert_eq!(exported(&cache.get(&target, source)), exported(&fresh));
                }
            }
        }
    }
}
