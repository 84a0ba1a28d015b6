//! The callers: each keeps doing one kind of thing until the run is over.

mod aborted;
mod caller;
mod malformed;
mod normal;
mod raw;
mod slow;
mod streaming;
mod upgraded;

use self::caller::Caller;
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Aborted,
    Slow,
    Malformed,
    Streaming,
    Upgraded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// How many callers of a kind there are for each version, and how often each begins anew.
const CALLERS: [(Kind, usize, Duration); 6] = [
    (Kind::Normal, 4, Duration::from_millis(20)),
    (Kind::Aborted, 2, Duration::from_millis(50)),
    (Kind::Slow, 3, Duration::from_millis(200)),
    (Kind::Malformed, 1, Duration::from_millis(40)),
    (Kind::Streaming, 3, Duration::from_millis(200)),
    (Kind::Upgraded, 2, Duration::from_millis(200)),
];

/// Callers at most, as requests that are under way: one that has the service call itself is three.
pub(crate) const MOST_OPEN: u64 = {
    let (mut sum, mut at) = (0, 0);
    while at < CALLERS.len() {
        sum += CALLERS[at].1 * 2 * 3;
        at += 1;
    }
    // What has been left is under way until the service notices.
    sum as u64 + 200
};

/// How long one thing may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long callers may take to finish when the run is over. Those that listen to a stream leave then.
const FINISH: Duration = Duration::from_secs(15);

/// What came of the things that callers did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Came {
    pub(crate) expected: u64,
    pub(crate) unexpected: u64,
    /// The first of what was not expected.
    pub(crate) first: Option<String>,
}

type Log = Arc<Mutex<BTreeMap<(Kind, Version), Came>>>;

/// All callers.
pub(crate) struct Traffic {
    callers: JoinSet<()>,
    stop: watch::Sender<bool>,
    log: Log,
}

impl Traffic {
    pub(crate) fn start(service: SocketAddr) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (log, mut callers) = (Log::default(), JoinSet::new());
        for (kind, count, every) in CALLERS {
            for version in [Version::Http1, Version::Http2] {
                for _ in 0..count {
                    callers.spawn(call(
                        service,
                        kind,
                        version,
                        every,
                        stopped.clone(),
                        log.clone(),
                    ));
                }
            }
        }
        Self { callers, stop, log }
    }

    /// Lets all callers finish what they are at, and closes their connections.
    pub(crate) async fn stop(mut self) -> BTreeMap<(Kind, Version), Came> {
        self.stop.send_replace(true);
        let finished = async { while self.callers.join_next().await.is_some() {} };
        let _ = timeout(FINISH, finished).await;
        self.callers.shutdown().await;
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn call(
    service: SocketAddr,
    kind: Kind,
    version: Version,
    every: Duration,
    mut stopped: watch::Receiver<bool>,
    log: Log,
) {
    let mut caller = Caller::new(service, version);
    for number in 0.. {
        let next = Instant::now() + every;
        let came = match timeout(PATIENCE, kind.perform(&mut caller, number)).await {
            Ok(came) => came,
            Err(_) => {
                caller.disconnect();
                Err(format!("nothing came of number {number} within {PATIENCE:?}"))
            }
        };
        note(&log, (kind, version), came);
        tokio::select! {
            () = sleep_until(next) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        if *stopped.borrow() {
            return;
        }
    }
}

fn note(log: &Log, who: (Kind, Version), came: Result<(), String>) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.entry(who).or_default().add(came);
}

impl Kind {
    /// Does the `number`th thing of this kind, and says what was not as expected.
    async fn perform(self, caller: &mut Caller, number: usize) -> Result<(), String> {
        match self {
            Self::Normal => normal::perform(caller, number).await,
            Self::Aborted => aborted::perform(caller, number).await,
            Self::Slow => slow::perform(caller, number).await,
            Self::Malformed => malformed::perform(caller, number).await,
            Self::Streaming => streaming::perform(caller, number).await,
            Self::Upgraded => upgraded::perform(caller, number).await,
        }
    }
}

impl Came {
    fn add(&mut self, came: Result<(), String>) {
        match came {
            Ok(()) => self.expected += 1,
            Err(why) => {
                self.unexpected += 1;
                self.first.get_or_insert(why);
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Aborted => "aborted",
            Self::Slow => "slow",
            Self::Malformed => "malformed",
            Self::Streaming => "streaming",
            Self::Upgraded => "upgraded",
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// Says what was not as expected.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
