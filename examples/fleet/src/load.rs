//! The customers: requests at a steady rate, each with a trace id that is remembered.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Which policy a trace is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Slow,
    Rest,
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) trace: u128,
    pub(crate) kind: Kind,
    pub(crate) at: Instant,
}

/// The span that the customers say they are in.
pub(crate) const CUSTOMER: &str = "00000000000c0ffe";

/// One request of a hundred fails, and one is slow.
fn kind(number: u64) -> (Kind, &'static str) {
    match number % 100 {
        0 => (Kind::Error, "unicorn"),
        50 => (Kind::Slow, "piano"),
        _ => (Kind::Rest, "lamp"),
    }
}

/// How many requests may be under way. A machine that is too slow for the rate is asked less often.
const UNDER_WAY: usize = 64;

/// Sends so many requests a second, and gives back those that were answered as they should be.
pub(crate) async fn run(gateway: &str, rate: u64, lasting: Duration) -> Result<Vec<Sent>, String> {
    const TICK: Duration = Duration::from_millis(10);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| error.to_string())?;
    let answered = Arc::new(Mutex::new(Vec::new()));
    let mut requests = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < lasting {
        ticks.tick().await;
        let due = begun.elapsed().as_millis() as u64 * rate / 1_000;
        while number < due && requests.len() < UNDER_WAY {
            let (client, answered, gateway) =
                (client.clone(), answered.clone(), gateway.to_owned());
            requests.spawn(async move {
                if let Some(sent) = send(&client, &gateway, number).await {
                    answered.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
                }
            });
            number += 1;
        }
        while requests.try_join_next().is_some() {}
    }
    while requests.join_next().await.is_some() {}
    let answered = std::mem::take(&mut *answered.lock().unwrap_or_else(PoisonError::into_inner));
    match number as usize - answered.len() {
        0 => Ok(answered),
        failed => Err(format!("{failed} of {number} requests were not answered as expected")),
    }
}

async fn send(client: &reqwest::Client, gateway: &str, number: u64) -> Option<Sent> {
    let (kind, item) = kind(number);
    let trace = random();
    let at = Instant::now();
    let response = client
        .get(format!("{gateway}/buy/{item}"))
        .header("traceparent", format!("00-{trace:032x}-{CUSTOMER}-01"))
        .send()
        .await
        .ok()?;
    let is_expected = response.status().is_success() == (kind != Kind::Error);
    response.bytes().await.ok()?;
    is_expected.then_some(Sent { trace, kind, at })
}

/// A trace id. The standard library's keys of hash maps are random, which is enough here.
fn random() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = |word: u64| u128::from(RandomState::new().hash_one(word));
    half(1) << 64 | half(2)
}
