//! Traces in groups, the largest and longest untouched of which gives up first.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::Hash;

use super::Map;
use super::facts::TraceId;

/// A trace in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: TraceId,
    /// When it came, in nanoseconds since the epoch.
    pub(crate) at: u64,
    /// Its duration.
    pub(crate) duration: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// In the order in which they came.
    members: Vec<Member>,
    last_hit: u64,
}

/// Groups by key, ranked by size and then by the time since they were hit last.
#[derive(Debug)]
pub(crate) struct Groups<K> {
    groups: Map<K, Group>,
    ranked: BTreeSet<(usize, Reverse<u64>, K)>,
    hits: u64,
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self { groups: Map::default(), ranked: BTreeSet::new(), hits: 0 }
    }
}

impl<K: Copy + Eq + Hash + Ord> Groups<K> {
    pub(crate) fn members(&self, key: K) -> &[Member] {
        self.groups.get(&key).map_or(&[], |group| &group.members)
    }

    /// Adds a member, the newest of its group.
    pub(crate) fn push(&mut self, key: K, member: Member) {
        self.hits += 1;
        let hits = self.hits;
        self.update(key, |group| {
            group.members.reserve_exact(1);
            group.members.push(member);
            group.last_hit = hits;
        });
    }

    pub(crate) fn remove(&mut self, key: K, id: TraceId) {
        self.update(key, |group| group.members.retain(|member| member.id != id));
    }

    /// Returns the group that gives up first and its members, which are never none.
    pub(crate) fn largest(&self) -> Option<(K, &[Member])> {
        let (_, _, key) = self.ranked.last()?;
        Some((*key, self.members(*key)))
    }

    fn update(&mut self, key: K, change: impl FnOnce(&mut Group)) {
        let group = self.groups.entry(key).or_default();
        self.ranked.remove(&(group.members.len(), Reverse(group.last_hit), key));
        change(group);
        if group.members.is_empty() {
            self.groups.remove(&key);
        } else {
            self.ranked.insert((group.members.len(), Reverse(group.last_hit), key));
        }
    }
}
