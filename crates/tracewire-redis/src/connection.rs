//! A traced connection.

use crate::error::kind;
use redis::{
    Arg, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisFuture, Value, aio::ConnectionLike,
};
use std::{borrow::Cow, fmt};
use tracewire_span::database::{Call, Database};

/// Longest name of a command that is exported.
const COMMAND: usize = 32;

/// Traces the commands of a connection: a `MultiplexedConnection`, a `ConnectionManager`, a cluster's, or
/// what a pool lends.
///
/// ```no_run
/// use redis::AsyncCommands;
///
/// # async fn example(client: &redis::Client) -> redis::RedisResult<()> {
/// let mut redis = tracewire_redis::connection(client.get_multiplexed_async_connection().await?);
/// let stock: Option<u32> = redis.get("lamp").await?; // the span `GET`
/// # Ok(())
/// # }
/// ```
pub fn connection<C: ConnectionLike>(connection: C) -> Connection<C> {
    let database = Database::new("redis").dynamic_namespace(connection.get_db().to_string());
    Connection { inner: connection, database }
}

/// A traced connection: use it as the one it wraps.
///
/// It is a `ConnectionLike`, so `AsyncCommands`, `Cmd::query_async` and `Pipeline::query_async` accept it.
///
/// ```no_run
/// use redis::aio::MultiplexedConnection;
/// use tracewire_redis::Connection;
///
/// #[derive(Clone)]
/// struct Stock(Connection<MultiplexedConnection>);
///
/// impl Stock {
///     async fn sell(&mut self, item: &str) -> redis::RedisResult<i64> {
///         redis::cmd("DECR").arg(item).query_async(&mut self.0).await
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Connection<C> {
    inner: C,
    database: Database,
}

impl<C> Connection<C> {
    /// Takes `server.address` and `server.port` from what the client connects to. Default: neither.
    #[must_use]
    pub fn info(mut self, info: &ConnectionInfo) -> Self {
        self.database = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                self.database.server(host, Some(*port))
            }
            ConnectionAddr::Unix(path) => self.database.server(path.to_string_lossy(), None),
            _ => self.database,
        };
        self
    }

    /// Returns the connection that is wrapped. What is done through it is not traced.
    pub fn untraced(&mut self) -> &mut C {
        &mut self.inner
    }

    /// Returns the connection that was wrapped.
    #[must_use]
    pub fn into_inner(self) -> C {
        self.inner
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for Connection<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let answer = self.inner.req_packed_command(cmd);
        // The caller does the same next, and so the span sees the error.
        let answer = async { answer.await?.extract_error() };
        Box::pin(self.database.operation(name(cmd)).run_with_kind(answer, kind))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let call = batch(&self.database, pipeline);
        Box::pin(call.run_with_kind(self.inner.req_packed_commands(pipeline, offset, count), kind))
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

fn batch<'a>(database: &'a Database, pipeline: &Pipeline) -> Call<'a> {
    let how = if pipeline.is_transaction() { "MULTI" } else { "PIPELINE" };
    // Compared as bytes: a pipeline may hold a hundred thousand commands.
    let mut words = pipeline.cmd_iter().map(word);
    let operation = match words.next() {
        Some(first) if words.all(|word| word.eq_ignore_ascii_case(first)) => {
            Cow::Owned(format!("{how} {}", capitals(first)))
        }
        _ => Cow::Borrowed(how),
    };
    database.operation(operation).batch_size(pipeline.len())
}

/// The command in capitals.
pub(crate) fn name(cmd: &Cmd) -> String {
    capitals(word(cmd))
}

/// The command. What is not a word is not exported: it may be anything.
fn word(cmd: &Cmd) -> &[u8] {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    match cmd.args_iter().next() {
        Some(Arg::Simple(word))
            if (1..=COMMAND).contains(&word.len()) && word.iter().all(is_part) =>
        {
            word
        }
        _ => b"_OTHER",
    }
}

fn capitals(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

impl<C> fmt::Debug for Connection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("database", &self.database).finish_non_exhaustive()
    }
}
