//! Counts and durations of every incoming request, kept or not.

use super::Map;
use super::facts::SpanFacts;
use super::histogram::{BUCKETS, Histogram};
use super::names::shorten;

/// Routes counted apart. Further ones are counted together.
pub(crate) const MOST_ROUTES: usize = 200;
/// The name of what is counted together.
pub(crate) const OTHER: &str = "(other routes)";
/// The name of requests without a route.
pub(crate) const UNNAMED: &str = "(no route)";

/// OTLP's six, and all others.
const KINDS: usize = 7;
const MINUTE: u64 = 60_000_000_000;
const SLOTS: usize = 5;

/// A route by its place in the table. The last place is [`OTHER`].
pub(crate) type RouteIndex = u16;

/// What the entry spans of one kind and name have in common.
#[derive(Clone, Debug)]
pub(crate) struct RouteStats {
    pub(crate) name: Box<str>,
    pub(crate) kind: u8,
    /// What is counted in no slot any longer.
    past: Window,
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
    fn record(&mut self, duration: u64, bucket: u8, is_error: bool) {
        self.count += 1;
        self.errors += u64::from(is_error);
        let bucket = &mut self.buckets[usize::from(bucket)];
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
            past: Window::default(),
            slots: std::array::from_fn(|_| Slot::default()),
        }
    }

    fn record(&mut self, duration: u64, bucket: u8, is_error: bool, now: u64) {
        let minute = now / MINUTE;
        // The remainder is below the number of slots.
        let slot = &mut self.slots[(minute % SLOTS as u64) as usize];
        if slot.minute != minute {
            self.past.add(&slot.window);
            *slot = Slot { minute, window: Window::default() };
        }
        slot.window.record(duration, bucket, is_error);
    }

    /// Returns the counts since the start.
    pub(crate) fn total(&self) -> Window {
        let mut window = self.past.clone();
        self.slots.iter().for_each(|slot| window.add(&slot.window));
        window
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
    /// By kind and name. Kinds that OTLP does not know are counted together.
    by_name: [Map<Box<str>, RouteIndex>; KINDS],
}

impl Aggregates {
    /// Counts an entry span, which took as long as its coarse bucket says.
    pub(crate) fn record(&mut self, facts: &SpanFacts<'_>, bucket: u8, now: u64) -> RouteIndex {
        let index = self.index(facts.name, facts.kind);
        let route = &mut self.routes[usize::from(index)];
        route.record(facts.duration(), bucket, facts.is_error, now);
        index
    }

    pub(crate) fn route(&self, index: RouteIndex) -> Option<&RouteStats> {
        self.routes.get(usize::from(index)).map(|route| &**route)
    }

    /// Returns the bytes of memory that the table takes.
    pub(crate) fn used(&self) -> usize {
        let names: usize = self.routes.iter().map(|route| 2 * route.name.len()).sum();
        let entry = size_of::<(Box<str>, RouteIndex)>() + 1;
        let by_name = self.by_name.iter().map(|names| names.capacity() * entry);
        self.routes.len() * size_of::<RouteStats>()
            + self.routes.capacity() * size_of::<Box<RouteStats>>()
            + by_name.sum::<usize>()
            + names
    }

    fn index(&mut self, name: &str, kind: u8) -> RouteIndex {
        let name = shorten(if name.is_empty() { UNNAMED } else { name });
        let names = &mut self.by_name[usize::from(kind).min(KINDS - 1)];
        if let Some(index) = names.get(&*name) {
            return *index;
        }
        if self.routes.len() < MOST_ROUTES {
            // Fits: there are at most 200.
            let index = self.routes.len() as RouteIndex;
            self.routes.push(Box::new(RouteStats::new(&name, kind)));
            names.insert((&*name).into(), index);
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
    use super::super::histogram::bucket;
    use super::*;

    /// Counts a request.
    fn record(routes: &mut Aggregates, facts: &SpanFacts<'_>, now: u64) -> RouteIndex {
        routes.record(facts, bucket(facts.duration()), now)
    }

    fn request(name: &str, millis: u64) -> SpanFacts<'_> {
        SpanFacts { name, kind: 2, start: 0, end: millis * 1_000_000, ..SpanFacts::default() }
    }

    #[test]
    fn counts_of_the_last_five_minutes_forget_older_ones() {
        let mut routes = Aggregates::default();
        for minute in 0..10 {
            let index = record(&mut routes, &request("GET /a", 5), minute * MINUTE);
            assert_eq!(index, 0);
        }
        let route = routes.route(0).unwrap();
        assert_eq!(route.total().count, 10);
        assert_eq!(route.recent(9 * MINUTE).count, 5);
        assert_eq!(route.recent(11 * MINUTE).count, 3);
        assert_eq!(route.recent(99 * MINUTE).count, 0);
        assert_eq!(route.recent(9 * MINUTE).buckets[2], 5);
    }

    #[test]
    fn routes_beyond_the_limit_are_counted_together() {
        let mut routes = Aggregates::default();
        for n in 0..1_000 {
            record(&mut routes, &request(&format!("GET /{n}"), 1), 0);
        }
        assert_eq!(routes.routes.len(), MOST_ROUTES + 1);
        let other = routes.route(MOST_ROUTES as RouteIndex).unwrap();
        assert_eq!((&*other.name, other.total().count), (OTHER, 800));
        // What was known before is still counted apart.
        assert_eq!(record(&mut routes, &request("GET /0", 1), 0), 0);
        assert!(routes.used() < 1_310_720, "{}", routes.used());
    }

    #[test]
    fn a_request_without_a_name_has_a_row() {
        let mut routes = Aggregates::default();
        record(&mut routes, &request("", 1), 0);
        assert_eq!(&*routes.route(0).unwrap().name, UNNAMED);
    }
}
