//! The instruments of pools: one set for each meter provider, however many pools there are.

use super::{Inner, PoolState};
use crate::database::durations::BOUNDARIES;
use opentelemetry::{
    InstrumentationScope, KeyValue, StringValue, global,
    metrics::{Counter, Histogram, Meter, MeterProvider},
};
use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tracewire_propagation::current as context;

/// How many pool names have series of their own under one meter provider.
const NAMES: usize = 100;

/// How many meter providers are remembered. Pools are not measured under more of them at once.
const PROVIDERS: usize = 64;

const POOL_NAME: &str = "db.client.connection.pool.name";

type Provider = dyn MeterProvider + Send + Sync;

/// The instruments for a pool.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) meters: Arc<Meters>,
    /// The name of the pool.
    pub(super) attributes: Arc<[KeyValue]>,
}

/// The instruments of one meter provider.
pub(super) struct Meters {
    provider: Weak<Provider>,
    scope: InstrumentationScope,
    pub(super) wait_time: Histogram<f64>,
    pub(super) use_time: Histogram<f64>,
    pub(super) timeouts: Counter<u64>,
    pools: Arc<Mutex<Pools>>,
}

/// The instruments for a pool, once there is a meter provider: the one that the context carries, or the
/// global one. A pool stays with the first it finds, because what is observed cannot be taken back.
pub(super) fn current(pool: &Arc<Inner>) -> Option<&Current> {
    if let Some(current) = pool.current.get() {
        return Some(current);
    }
    let carried = context::with(|context| context.get::<Arc<Provider>>().cloned());
    let provider = carried.unwrap_or_else(global::meter_provider);
    // The placeholder of OpenTelemetry holds nothing, and whatever records points to its readers.
    if size_of_val(&*provider) == 0 {
        return None;
    }
    let meters = Meters::of(&provider, pool)?;
    Some(pool.current.get_or_init(|| meters.watch(pool)))
}

impl Meters {
    /// The instruments of this provider, created if it is new.
    fn of(provider: &Arc<Provider>, pool: &Inner) -> Option<Arc<Self>> {
        static ALL: Mutex<Vec<Arc<Meters>>> = Mutex::new(Vec::new());
        let scope = pool.settings.database.tracer.scope();
        let mut all = lock(&ALL);
        let mut known = all.iter();
        let known = known.find(|own| is_same(&own.provider, provider) && own.scope == scope);
        if let Some(known) = known {
            return Some(known.clone());
        }
        all.retain(|own| own.provider.strong_count() > 0);
        if all.len() >= PROVIDERS {
            return None;
        }
        let created = Arc::new(Self::new(provider, scope));
        all.push(created.clone());
        Some(created)
    }

    fn new(provider: &Arc<Provider>, scope: InstrumentationScope) -> Self {
        let meter = provider.meter_with_scope(scope.clone());
        let seconds = |name: &'static str, description: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(BOUNDARIES.to_vec()).build()
        };
        let pools = Arc::new(Mutex::new(Pools::default()));
        observe(&meter, &pools);
        Self {
            provider: Arc::downgrade(provider),
            scope,
            wait_time: seconds(
                "db.client.connection.wait_time",
                "The time it took to obtain an open connection from the pool.",
            ),
            use_time: seconds(
                "db.client.connection.use_time",
                "The time between borrowing a connection and returning it to the pool.",
            ),
            timeouts: meter
                .u64_counter("db.client.connection.timeouts")
                .with_unit("{timeout}")
                .with_description("The number of connection timeouts that have occurred trying to obtain a connection from the pool.")
                .build(),
            pools,
        }
    }

    /// Adds a pool to what is observed.
    fn watch(self: Arc<Self>, pool: &Arc<Inner>) -> Current {
        let name = lock(&self.pools).add(pool);
        Current { meters: self, attributes: Arc::new([KeyValue::new(POOL_NAME, name)]) }
    }
}

/// The pools that are observed under one provider.
#[derive(Default)]
struct Pools {
    pools: Vec<(Weak<Inner>, StringValue)>,
    names: HashSet<StringValue>,
}

impl Pools {
    /// Adds a pool, if it is new, and returns the name that it is exported by.
    fn add(&mut self, pool: &Arc<Inner>) -> StringValue {
        self.pools.retain(|(pool, _)| pool.strong_count() > 0);
        let known =
            self.pools.iter().find(|(own, _)| std::ptr::eq(own.as_ptr(), &raw const **pool));
        if let Some((_, name)) = known {
            return name.clone();
        }
        let mut name = StringValue::from(pool.settings.name.clone());
        if self.names.len() < NAMES {
            self.names.insert(name.clone());
        } else if !self.names.contains(&name) {
            name = "_OTHER".into();
        }
        self.pools.push((Arc::downgrade(pool), name.clone()));
        name
    }
}

/// What the pools of one name hold together.
#[derive(Default)]
struct Total {
    idle: i64,
    used: i64,
    max: i64,
    min_idle: i64,
    pending: i64,
}

/// The pools as they are now, by their names.
fn totals(pools: &Mutex<Pools>) -> HashMap<StringValue, Total> {
    // A state may be slow to tell: no pool waits for it.
    let live: Vec<_> = {
        let pools = lock(pools);
        let live =
            |(pool, name): &(Weak<Inner>, _)| Some((pool.upgrade()?, StringValue::clone(name)));
        pools.pools.iter().filter_map(live).collect()
    };
    let mut totals = HashMap::<_, Total>::new();
    for (pool, name) in live {
        // A panic would end the thread that collects, and with it all metrics.
        let state = catch_unwind(AssertUnwindSafe(|| (pool.state)()));
        let Ok(PoolState { idle, used, max, min_idle }) = state else { continue };
        let total = totals.entry(name).or_default();
        total.idle += i64::from(idle);
        total.used += i64::from(used);
        total.max += i64::from(max);
        total.min_idle += i64::from(min_idle);
        total.pending += pool.pending();
    }
    totals
}

/// Registers what is observed at each collection.
fn observe(meter: &Meter, pools: &Arc<Mutex<Pools>>) {
    let up_down = |name: &'static str, unit: &'static str, description: &'static str| {
        meter.i64_observable_up_down_counter(name).with_unit(unit).with_description(description)
    };
    let one = |name: &'static str, unit, description, value: fn(&Total) -> i64| {
        let pools = pools.clone();
        let instrument = up_down(name, unit, description).with_callback(move |observer| {
            for (name, total) in totals(&pools) {
                observer.observe(value(&total), &[KeyValue::new(POOL_NAME, name)]);
            }
        });
        instrument.build();
    };
    one(
        "db.client.connection.max",
        "{connection}",
        "The maximum number of open connections allowed.",
        |total| total.max,
    );
    one(
        "db.client.connection.idle.min",
        "{connection}",
        "The minimum number of idle open connections allowed.",
        |total| total.min_idle,
    );
    one(
        "db.client.connection.pending_requests",
        "{request}",
        "The number of current pending requests for an open connection.",
        |total| total.pending,
    );
    let pools = pools.clone();
    let count = up_down(
        "db.client.connection.count",
        "{connection}",
        "The number of connections that are currently in state described by the state attribute.",
    );
    let count = count.with_callback(move |observer| {
        for (name, total) in totals(&pools) {
            for (state, value) in [("idle", total.idle), ("used", total.used)] {
                let state = KeyValue::new("db.client.connection.state", state);
                observer.observe(value, &[KeyValue::new(POOL_NAME, name.clone()), state]);
            }
        }
    });
    count.build();
}

fn is_same(own: &Weak<Provider>, other: &Arc<Provider>) -> bool {
    own.as_ptr().cast::<()>() == Arc::as_ptr(other).cast::<()>()
}

/// What these mutexes hold is whole at every moment, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
