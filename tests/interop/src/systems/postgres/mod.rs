//! PostgreSQL's server, through sqlx and diesel-async.

mod diesel;
mod literals;
mod server;
mod sqlx;

use crate::{
    lab::Lab,
    row::{Checks, System},
};
use server::Postgres;
use std::future::Future;
use tokio::runtime::{Builder, Runtime};

pub(crate) const SYSTEMS: &[System] = &[System { name: "PostgreSQL", check }];

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let postgres = Postgres::start(lab)?;
    checks.version(postgres.version());
    let runtime = runtime()?;
    checks.check("sqlx: queries, errors by SQLSTATE, transactions, prepared statements", || {
        runtime.block_on(sqlx::queries(&postgres))
    });
    checks.check("sqlx: COPY and LISTEN beside traced queries", || {
        runtime.block_on(sqlx::copies(&postgres))
    });
    checks.check("sqlx: a query that is canceled, given up, or loses its connection", || {
        runtime.block_on(sqlx::failures(&postgres))
    });
    checks.check("diesel-async: queries, transactions, errors, a future that is dropped", || {
        runtime.block_on(diesel::queries(&postgres))
    });
    checks.check(
        "no text that the server takes for a value is exported, in 5,000 statements",
        || runtime.block_on(literals::check(&postgres)),
    );
    Ok(())
}

fn runtime() -> Result<Runtime, String> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().map_err(|error| format!("no runtime: {error}"))
}

/// What `work` gives, or why it gave nothing.
async fn try_to<T, E: std::fmt::Display>(
    what: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    work.await.map_err(|error| format!("{what}: {error}"))
}
