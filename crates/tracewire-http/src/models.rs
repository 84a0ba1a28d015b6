//! Models of what threads do to one exchange at the same time. loom runs each in every order that can
//! make a difference, weak memory included, with at most three preemptions.

#[cfg(loom)]
mod exchange;
pub(crate) mod recorded;
#[cfg(loom)]
mod resends;

/// Tries the orders of `model`.
#[cfg(loom)]
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut orders = loom::model::Builder::new();
    // `LOOM_MAX_PREEMPTIONS` says otherwise.
    orders.preemption_bound = orders.preemption_bound.or(Some(3));
    orders.max_branches = 10_000;
    orders.check(model);
}
