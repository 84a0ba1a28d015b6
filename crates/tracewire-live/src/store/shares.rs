//! Why traces are kept, and which one is let go first.
//!
//! The budget has three shares. Each trace has one to three reasons to be kept, and is charged to the
//! first share that has a reason for it. A share may use what others do not need, and gives that back
//! first.

use std::collections::VecDeque;

use super::aggregates::RouteIndex;
use super::facts::TraceId;
use super::groups::{Groups, Member};

/// Slowest traces lose their place after 10 minutes.
pub(super) const SLOW_FOR: u64 = 600_000_000_000;
/// Slowest traces of a cell, beside the newest one.
pub(super) const SLOWEST: usize = 2;
/// Newest errors of a kind, beside the first one.
const NEWEST_ERRORS: usize = 5;

/// A reason to keep a trace, and the share of the budget that pays for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It has an error: 30 % of the budget.
    Error,
    /// It is among the slowest, or the newest, of its route and latency bucket: 40 %.
    Slow,
    /// It is recent: 30 %.
    Latest,
}

impl Reason {
    pub(crate) const ALL: [Self; 3] = [Self::Error, Self::Slow, Self::Latest];

    fn percent(self) -> usize {
        match self {
            Self::Error => 30,
            Self::Slow => 40,
            Self::Latest => 30,
        }
    }
}

/// A route and a digest of `error.type`.
pub(crate) type ErrorKind = (RouteIndex, u64);
/// A route and a latency bucket.
pub(crate) type Cell = (RouteIndex, u8);

/// The reasons that one trace has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reasons {
    pub(crate) error: Option<ErrorKind>,
    pub(crate) slow: Option<Cell>,
    pub(crate) latest: bool,
}

impl Reasons {
    /// Returns the share that pays, if there is a reason at all.
    pub(crate) fn charged(&self) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| self.has(*reason))
    }

    pub(crate) fn has(&self, reason: Reason) -> bool {
        match reason {
            Reason::Error => self.error.is_some(),
            Reason::Slow => self.slow.is_some(),
            Reason::Latest => self.latest,
        }
    }
}

/// Who holds which trace, and what each share pays.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    errors: Groups<ErrorKind>,
    slow: Groups<Cell>,
    latest: VecDeque<Member>,
    quota: [usize; 3],
    used: [usize; 3],
}

/// A trace that loses a reason.
pub(crate) type Loss = (TraceId, Reason);

impl Shares {
    pub(crate) fn new(budget: usize) -> Self {
        let quota = Reason::ALL.map(|reason| budget / 100 * reason.percent());
        Self { quota, ..Self::default() }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.iter().sum()
    }

    pub(crate) fn charge(&mut self, reason: Reason, weight: usize) {
        self.used[reason as usize] += weight;
    }

    pub(crate) fn discharge(&mut self, reason: Reason, weight: usize) {
        self.used[reason as usize] -= weight;
    }

    /// Holds an error; returns who loses its place to it.
    pub(crate) fn add_error(&mut self, kind: ErrorKind, member: Member) -> Option<Loss> {
        self.errors.push(kind, member);
        let members = self.errors.members(kind);
        if members.len() <= 1 + NEWEST_ERRORS {
            return None;
        }
        let loser = members[1].id;
        self.errors.remove(kind, loser);
        Some((loser, Reason::Error))
    }

    /// Holds the newest trace of a cell; returns who loses its place to it.
    pub(crate) fn add_slow(&mut self, cell: Cell, member: Member) -> Vec<Loss> {
        self.slow.push(cell, member);
        let mut members = self.slow.members(cell).to_vec();
        // The one just added stays in any case.
        members.pop();
        members.sort_by_key(|kept| (!is_fresh(kept, member.at), u64::MAX - kept.duration));
        let stays = members.iter().take_while(|kept| is_fresh(kept, member.at)).count();
        let losers = members.split_off(stays.min(SLOWEST));
        for loser in &losers {
            self.slow.remove(cell, loser.id);
        }
        losers.into_iter().map(|loser| (loser.id, Reason::Slow)).collect()
    }

    pub(crate) fn add_latest(&mut self, member: Member) {
        self.latest.push_back(member);
    }

    /// Forgets what a trace was held for.
    pub(crate) fn forget(&mut self, id: TraceId, reason: Reason, reasons: &mut Reasons) {
        match reason {
            Reason::Error => {
                if let Some(kind) = reasons.error.take() {
                    self.errors.remove(kind, id);
                }
            }
            Reason::Slow => {
                if let Some(cell) = reasons.slow.take() {
                    self.slow.remove(cell, id);
                }
            }
            Reason::Latest => {
                reasons.latest = false;
                if self.latest.front().is_some_and(|front| front.id == id) {
                    self.latest.pop_front();
                } else {
                    self.latest.retain(|member| member.id != id);
                }
            }
        }
    }

    /// Returns the trace that gives up a reason first: of a share above its quota if there is one, and
    /// among several of them the one that has had its loan for longest.
    pub(crate) fn victim(&self) -> Option<Loss> {
        let victims = Reason::ALL.map(|reason| Some((reason, self.candidate(reason)?)));
        let mut victims = victims.into_iter().flatten();
        let borrowed = victims
            .clone()
            .filter(|(reason, _)| self.used[*reason as usize] > self.quota[*reason as usize])
            .min_by_key(|(_, member)| member.at);
        // Within all quotas: the latest give up first, errors last.
        let (reason, member) = borrowed.or_else(|| victims.next_back())?;
        Some((member.id, reason))
    }

    fn candidate(&self, reason: Reason) -> Option<Member> {
        match reason {
            Reason::Error => {
                // The first of a kind shows how it began, so it goes last.
                let (_, members) = self.errors.largest()?;
                members.get(1).or(members.first()).copied()
            }
            Reason::Slow => {
                let (_, members) = self.slow.largest()?;
                members.iter().min_by_key(|member| member.duration).copied()
            }
            Reason::Latest => self.latest.front().copied(),
        }
    }
}

fn is_fresh(member: &Member, now: u64) -> bool {
    now.saturating_sub(member.at) <= SLOW_FOR
}
