//! A sampler that lowers its probability to meet a rate.

use super::{Composable, Intent, Probability, SamplingParameters};
use crate::{Threshold, rate::Estimator};
use arc_swap::ArcSwap;
use std::{collections::HashMap, fmt, sync::Arc};

/// Routes that have an estimate of their own; all others share one.
const MAX_ROUTES: usize = 100;
const ROUTE: &str = "http.route";

/// Keeps traces with a probability that is lowered where more of them arrive than wanted.
///
/// It estimates how many traces begin in a second (over a window of ten seconds), and sets the
/// probability to `limit` divided by that, ten times a second. `th` says with which probability each
/// span was kept, so counts stay true. A token bucket would keep the first spans of every burst and
/// could say nothing about the others.
///
/// The rate is a target and no cap: a burst exceeds it for a second or two, until the estimate has
/// caught up.
///
/// Only the beginning of a trace is limited. A span with a parent is kept with the full probability,
/// because traces would be cut otherwise; put this below a [`ParentThreshold`] so that
/// spans follow their trace.
///
/// ```
/// use tracewire_sampling::{ParentThreshold, Probability, RateTarget, Sampler};
///
/// let root = RateTarget::new(Probability::new(0.1)?, 100.0);
/// let sampler = Sampler::new(ParentThreshold::new(root));
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
///
/// [`ParentThreshold`]: crate::ParentThreshold
#[must_use]
pub struct RateTarget {
    full: Probability,
    limit: f64,
    per_route: bool,
    estimates: ArcSwap<Estimates>,
}

#[derive(Debug)]
pub(crate) struct Estimates {
    shared: Arc<Estimator>,
    routes: HashMap<Box<str>, Arc<Estimator>>,
}

impl RateTarget {
    /// Keeps traces with `probability`, or with less to keep about `limit` traces in a second.
    ///
    /// A `limit` that is no positive number keeps as little as 2^-56 allows.
    pub fn new(probability: Probability, limit: f64) -> Self {
        let limit = if limit > 0.0 { limit } else { f64::MIN_POSITIVE };
        let shared = Arc::new(Estimator::new(probability.threshold().unwrap_or(NEVER_USED)));
        let estimates = Estimates { shared, routes: HashMap::new() };
        let estimates = ArcSwap::from_pointee(estimates);
        Self { full: probability, limit, per_route: false, estimates }
    }

    /// Applies the limit to each `http.route` apart, so that a busy route takes nothing from others.
    ///
    /// The first 100 routes have a rate of their own. All others, and requests without a route,
    /// share one.
    pub fn per_route(mut self) -> Self {
        self.per_route = true;
        self
    }

    /// Returns what was estimated: for all requests together, or for each route and then the rest.
    pub fn status(&self) -> Vec<RateStatus> {
        let estimates = self.estimates.load();
        let routes = estimates.routes.iter().map(|(route, one)| (Some(&**route), one));
        let all = routes.chain([(None, &estimates.shared)]);
        all.map(|(route, estimator)| RateStatus {
            route: route.map(str::to_owned),
            arriving: estimator.rate(),
            probability: self
                .full
                .threshold()
                .map_or(0.0, |full| estimator.threshold().max(full).probability()),
            limited: estimator.limited(),
        })
        .collect()
    }

    pub(crate) fn limit(&self) -> f64 {
        self.limit
    }

    /// A target for what other samplers keep together: see [`lowered`](Self::lowered).
    pub(crate) fn of_all(limit: f64) -> Self {
        Self::new(Probability::ALWAYS, limit)
    }

    /// What another sampler wants, with a probability that is lowered where too many of its traces
    /// would be kept.
    pub(crate) fn lowered<'a>(
        &self,
        wanted: Intent<'a>,
        parameters: &SamplingParameters<'a>,
    ) -> Intent<'a> {
        let Some(threshold) = wanted.threshold().filter(|_| parameters.is_root()) else {
            return wanted;
        };
        let (now, share) = (parameters.clock().now(), threshold.probability());
        let estimator = &self.estimates.load().shared;
        let part = estimator.arrive(now, share, Threshold::ALWAYS, self.limit);
        if part == Threshold::ALWAYS {
            return wanted;
        }
        let lowered = Threshold::from_probability(share * part.probability());
        wanted.with_threshold(lowered.unwrap_or(Threshold::LEAST))
    }

    pub(crate) fn estimates(&self) -> Arc<Estimates> {
        self.estimates.load_full()
    }

    /// Goes on with the estimates of a target that this one replaces.
    pub(crate) fn go_on_with(&self, estimates: Arc<Estimates>) {
        self.estimates.store(estimates);
    }

    /// The estimator for a span, and one for its route if there is none yet and room for it.
    fn estimator(&self, route: Option<&str>) -> Arc<Estimator> {
        let estimates = self.estimates.load();
        let Some(route) = route else { return estimates.shared.clone() };
        if let Some(estimator) = estimates.routes.get(route) {
            return estimator.clone();
        }
        if estimates.routes.len() >= MAX_ROUTES {
            return estimates.shared.clone();
        }
        drop(estimates);
        self.add(route)
    }

    #[cold]
    fn add(&self, route: &str) -> Arc<Estimator> {
        let new = Arc::new(Estimator::new(self.full.threshold().unwrap_or(NEVER_USED)));
        self.estimates.rcu(|estimates| {
            let mut routes = estimates.routes.clone();
            if routes.len() < MAX_ROUTES {
                routes.entry(route.into()).or_insert_with(|| new.clone());
            }
            Estimates { shared: estimates.shared.clone(), routes }
        });
        let estimates = self.estimates.load();
        estimates.routes.get(route).unwrap_or(&estimates.shared).clone()
    }
}

/// Stands in an estimator of a target that drops everything.
const NEVER_USED: Threshold = Threshold::ALWAYS;

impl Composable for RateTarget {
    fn intent<'a>(&'a self, parameters: &SamplingParameters<'a>) -> Intent<'a> {
        let Some(full) = self.full.threshold() else { return Intent::drop() };
        if !parameters.is_root() {
            return Intent::keep(full);
        }
        let now = parameters.clock().now();
        if !self.per_route {
            return Intent::keep(self.estimates.load().shared.arrive(now, 1.0, full, self.limit));
        }
        let route = parameters.attributes().iter().find(|known| known.key.as_str() == ROUTE);
        let route = route.map(|route| route.value.as_str());
        Intent::keep(self.estimator(route.as_deref()).arrive(now, 1.0, full, self.limit))
    }

    fn visit_rate_targets<'a>(&'a self, path: &str, visit: &mut dyn FnMut(String, &'a RateTarget)) {
        visit(format!("{path}{self}"), self);
    }
}

impl fmt::Display for RateTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = if self.per_route { "/route" } else { "" };
        write!(f, "{} {}/s{route}", self.full.value(), self.limit)
    }
}

impl fmt::Debug for RateTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateTarget({self})")
    }
}

/// What a [`RateTarget`] has seen and does.
///
/// ```
/// use tracewire_sampling::{Probability, RateTarget};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = RateTarget::new(Probability::new(1.0)?, 100.0).per_route();
/// for rate in target.status() {
///     let route = rate.route.as_deref().unwrap_or("all others");
///     println!("{route}: {} arrive in a second, {} are kept", rate.arriving, rate.probability);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RateStatus {
    /// The route, `None` for all that have no estimate of their own.
    pub route: Option<String>,
    /// How many traces begin in a second.
    pub arriving: f64,
    /// The probability with which they are kept now.
    pub probability: f64,
    /// How many decisions were made with less than the full probability.
    pub limited: u64,
}
