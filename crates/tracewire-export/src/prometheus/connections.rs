//! The connections to the page, a bounded number of them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::AbortHandle;

/// How many connections may be open. A scraper needs one.
const MOST: usize = 32;
/// How long a connection may go on without a new request; that includes reading the answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The open connections. Beyond the limit the one with the least to lose makes room.
#[derive(Debug, Default)]
pub(super) struct Connections(Vec<Connection>);

#[derive(Debug)]
struct Connection {
    activity: Activity,
    task: AbortHandle,
}

/// What a connection did last.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<Last>>);

/// Ordered by who is closed first: connections that never sent a request, and then the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Last {
    Opened(Instant),
    Asked(Instant),
}

impl Activity {
    pub(super) fn opened(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Last::Opened(now))))
    }

    /// A request has arrived.
    pub(super) fn asked(&self, now: Instant) {
        *self.lock() = Last::Asked(now);
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let (Last::Opened(since) | Last::Asked(since)) = *self.lock();
        now.duration_since(since) >= LIMIT
    }
}

impl Connections {
    /// Adds one, and closes another one if there are too many.
    pub(super) fn add(&mut self, activity: Activity, task: AbortHandle) {
        self.0.retain(|connection| !connection.task.is_finished());
        if self.0.len() >= MOST {
            self.close_one();
        }
        self.0.push(Connection { activity, task });
    }

    /// Closes the one with the least to lose.
    pub(super) fn close_one(&mut self) {
        let first = self.0.iter().enumerate().min_by_key(|(_, own)| *own.activity.lock());
        if let Some((index, _)) = first {
            self.0.swap_remove(index).task.abort();
        }
    }

    /// Closes those that take too long.
    pub(super) fn close_overdue(&mut self, now: Instant) {
        for connection in self.0.iter().filter(|connection| connection.activity.is_overdue(now)) {
            connection.task.abort();
        }
        self.0.retain(|connection| !connection.task.is_finished());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The indexes of the tasks that were not closed.
    async fn alive(tasks: &[tokio::task::JoinHandle<()>]) -> Vec<usize> {
        tokio::task::yield_now().await;
        (0..tasks.len()).filter(|&index| !tasks[index].is_finished()).collect()
    }

    fn open(
        connections: &mut Connections,
        activities: &[Activity],
    ) -> Vec<tokio::task::JoinHandle<()>> {
        let task = |activity: &Activity| {
            let task = tokio::spawn(std::future::pending());
            connections.add(activity.clone(), task.abort_handle());
            task
        };
        activities.iter().map(task).collect()
    }

    #[tokio::test]
    async fn beyond_the_limit_idle_connections_go_first_and_the_oldest_of_them() {
        let start = Instant::now();
        let at = |index: usize| start + Duration::from_millis(index as u64);
        let activities: Vec<_> = (0..MOST + 3).map(|index| Activity::opened(at(index))).collect();
        activities[0].asked(at(0));
        activities[2].asked(at(2));
        let mut connections = Connections::default();
        let tasks = open(&mut connections, &activities);
        let gone = [1, 3, 4];
        let expected: Vec<_> = (0..tasks.len()).filter(|index| !gone.contains(index)).collect();
        assert_eq!(alive(&tasks).await, expected);
    }

    #[tokio::test]
    async fn the_oldest_request_goes_if_none_is_idle() {
        let start = Instant::now();
        let activities: Vec<_> = (0..=MOST).map(|_| Activity::opened(start)).collect();
        for (index, activity) in activities.iter().enumerate() {
            activity.asked(start + Duration::from_millis(((index + 7) % (MOST + 1)) as u64));
        }
        let oldest = MOST - 6;
        let mut connections = Connections::default();
        let tasks = open(&mut connections, &activities);
        assert_eq!(alive(&tasks).await.len(), MOST);
        assert!(tasks[oldest].is_finished());
    }

    #[tokio::test]
    async fn a_request_renews_the_time_that_a_connection_has() {
        let start = Instant::now();
        let activities = [Activity::opened(start), Activity::opened(start)];
        let mut connections = Connections::default();
        let tasks = open(&mut connections, &activities);
        activities[1].asked(start + LIMIT / 2);
        connections.close_overdue(start + LIMIT);
        assert_eq!(alive(&tasks).await, [1]);
        connections.close_overdue(start + LIMIT * 2);
        assert_eq!(alive(&tasks).await, [0_usize; 0]);
        connections.close_overdue(start + LIMIT * 2);
        assert!(connections.0.is_empty());
    }
}
