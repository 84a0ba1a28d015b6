//! Counts and durations of every incoming request, kept or not.

use super::Map;
use super::facts::SpanFacts;
use super::histogram::{BUCKETS, Histogram, bucket};
use super::names::shorten;

/// Routes counted apart. Further ones are counted together.
pub(crate) const MOST_ROUTES: usize = 200;
/// The name of what is counted together.
pub(crate) const OTHER: &str = "(other routes)";
/// The name of requests without a route.
pub(crate) const UNNAMED: &str = "(no route)";

const MINUTE: u64 = 60_000_000_000;
const SLOTS: usize = 5;

/// A route by its place in the table. The last place is [`OTHER`].
pub(crate) type RouteIndex = u16;

/// What the entry spans of one kind and name have in common.
#[derive(Clone, Debug)]
pub(crate) struct RouteStats {
    pub(crate) name: Box<str>,
    pub(crate) kind: u8,
    pub(crate) total: Window,
    slots: [Slot; SLOTS],
}

/// Counts over some time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) buckets: [u32; BUCKETS],
    pub(crate) durations: Histogram,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    minute: u64,
    window: Window,
}

impl Window {
    fn record(&mut self, duration: u64, is_error: bool) {
        self.count += 1;
        self.errors += u64::from(is_error);
        let bucket = &mut self.buckets[usize::from(bucket(duration))];
        *bucket = bucket.saturating_add(1);
        self.durations.record(duration);
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket = bucket.saturating_add(more);
        }
        self.durations.add(&other.durations);
    }
}

impl RouteStats {
    fn new(name: &str, kind: u8) -> Self {
        Self {
            name: shorten(name).into(),
            kind,
            total: Window::default(),
            slots: std::array::from_fn(|_| Slot::default()),
        }
    }

    fn record(&mut self, duration: u64, is_error: bool, now: u64) {
        self.total.record(duration, is_error);
        let minute = now / MINUTE;
        // The remainder is below the number of slots.
        let slot = &mut self.slots[(minute % SLOTS as u64) as usize];
        if slot.minute != minute {
            *slot = Slot { minute, window: Window::default() };
        }
        slot.window.record(duration, is_error);
    }

    /// Returns the counts of the current minute and the four before it.
    pub(crate) fn recent(&self, now: u64) -> Window {
        let minute = now / MINUTE;
        let mut window = Window::default();
        for slot in &self.slots {
            if slot.minute <= minute && slot.minute + SLOTS as u64 > minute {
                window.add(&slot.window);
            }
        }
        window
    }
}

/// The table of routes.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    routes: Vec<Box<RouteStats>>,
    /// By kind and name.
    by_name: Map<u8, Map<Box<str>, RouteIndex>>,
}

impl Aggregates {
    /// Counts an entry span.
    pub(crate) fn record(&mut self, facts: &SpanFacts<'_>, now: u64) -> RouteIndex {
        let index = self.index(facts.name, facts.kind);
        self.routes[usize::from(index)].record(facts.duration(), facts.is_error, now);
        index
    }

    pub(crate) fn route(&self, index: RouteIndex) -> Option<&RouteStats> {
        self.routes.get(usize::from(index)).map(|route| &**route)
    }

    /// Returns the bytes of memory that the table takes.
    pub(crate) fn used(&self) -> usize {
        let names: usize = self.routes.iter().map(|route| 2 * route.name.len()).sum();
        let entry = size_of::<(Box<str>, RouteIndex)>() + 1;
        let by_name = self.by_name.values().map(|names| names.capacity() * entry);
        self.routes.len() * size_of::<RouteStats>()
            + self.routes.capacity() * size_of::<Box<RouteStats>>()
            + self.by_name.capacity() * (size_of::<(u8, Map<Box<str>, RouteIndex>)>() + 1)
            + by_name.sum::<usize>()
            + names
    }

    fn index(&mut self, name: &str, kind: u8) -> RouteIndex {
        let name = shorten(if name.is_empty() { UNNAMED } else { name });
        if let Some(index) = self.by_name.get(&kind).and_then(|names| names.get(&*name)) {
            return *index;
        }
        if self.routes.len() < MOST_ROUTES {
            // Fits: there are at most 200.
            let index = self.routes.len() as RouteIndex;
            self.routes.push(Box::new(RouteStats::new(&name, kind)));
            self.by_name.entry(kind).or_default().insert((&*name).into(), index);
            return index;
        }
        if self.routes.len() == MOST_ROUTES {
            self.routes.push(Box::new(RouteStats::new(OTHER, 0)));
        }
        MOST_ROUTES as RouteIndex
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, millis: u64) -> SpanFacts<'_> {
        SpanFacts { name, kind: 2, start: 0, end: millis * 1_000_000, ..SpanFacts::default() }
    }

    #[test]
    fn counts_of_the_last_five_minutes_forget_older_ones() {
        let mut routes = Aggregates::default();
        for minute in 0..10 {
            let index = routes.record(&request("GET /a", 5), minute * MINUTE);
            assert_eq!(index, 0);
        }
        let route = routes.route(0).unwrap();
        assert_eq!(route.total.count, 10);
        assert_eq!(route.recent(9 * MINUTE).count, 5);
        assert_eq!(route.recent(11 * MINUTE).count, 3);
        assert_eq!(route.recent(99 * MINUTE).count, 0);
        assert_eq!(route.recent(9 * MINUTE).buckets[2], 5);
    }

    #[test]
    fn routes_beyond_the_limit_are_counted_together() {
        let mut routes = Aggregates::default();
        for n in 0..1_000 {
            routes.record(&request(&format!("GET /{n}"), 1), 0);
        }
        assert_eq!(routes.routes.len(), MOST_ROUTES + 1);
        let other = routes.route(MOST_ROUTES as RouteIndex).unwrap();
        assert_eq!((&*other.name, other.total.count), (OTHER, 800));
        // What was known before is still counted apart.
        assert_eq!(routes.record(&request("GET /0", 1), 0), 0);
        assert!(routes.used() < 1_310_720, "{}", routes.used());
    }

    #[test]
    fn a_request_without_a_name_has_a_row() {
        let mut routes = Aggregates::default();
        routes.record(&request("", 1), 0);
        assert_eq!(&*routes.route(0).unwrap().name, UNNAMED);
    }
}
