//! Traces redis with OpenTelemetry, without touching each command.
//!
//! ```no_run
//! use redis::AsyncCommands;
//!
//! # async fn example() -> redis::RedisResult<()> {
//! let client = redis::Client::open("redis://localhost/")?;
//! let connection = client.get_multiplexed_async_connection().await?;
//! let mut redis = tracewire_redis::connection(connection); // the one changed line
//!
//! redis.set::<_, _, ()>("lamp", 25).await?;
//! let price: i64 = redis.get("lamp").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is recorded
//!
//! Each command is a client span named after it (`GET 0`: the command and the number of the database), with
//! `db.system.name`, `db.operation.name`, `db.namespace`, `server.address` and `server.port` if you say
//! them with [`Connection::info`], and a measurement of `db.client.operation.duration`. A pipeline is one
//! span: `PIPELINE`, or `MULTI` for an atomic one, followed by the command if all are the same, with
//! `db.operation.batch.size`.
//!
//! **Keys and values are never exported**, and there is no query text. Errors are recorded by the server's
//! code (`WRONGTYPE`) or by a name, without their message. A missing key is not an error.
//!
//! # What is not traced
//!
//! Pub/sub, which does not go through commands that are answered once; the blocking API; connecting; and a
//! command of a pipeline that fails while the pipeline itself succeeds.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connection;
mod error;

pub use connection::{Connection, connection};

#[doc(hidden)]
pub mod fuzzing {
    //! What `fuzz/` drives: names of commands, and errors.

    use crate::redis::{Cmd, RedisError};

    /// The name of a command, as spans have it.
    #[must_use]
    pub fn command(command: &Cmd) -> String {
        crate::connection::name(command)
    }

    /// What is exported of an error.
    #[must_use]
    pub fn error(error: &RedisError) -> String {
        format!("{:?}", crate::error::kind(error))
    }
}

/// The version of redis that fits: types of another version are other types.
pub use redis;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
