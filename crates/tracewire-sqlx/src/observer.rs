//! What the connections of a pool share: how their calls are described.

use crate::comment::Commenting;
use std::fmt;
use tracewire_span::database::{Call, ConnectionPool, Database};

pub(crate) struct Observer<DB: sqlx::Database> {
    pub(crate) database: Database,
    pub(crate) pool: ConnectionPool,
    pub(crate) commenting: Commenting<DB>,
}

impl<DB: sqlx::Database> Observer<DB> {
    pub(crate) fn query(&self, sql: &str) -> Call<'_> {
        self.database.query(sql)
    }

    /// A call whose text sqlx writes.
    pub(crate) fn operation(&self, name: &'static str) -> Call<'_> {
        self.database.operation(name).summary(name)
    }

    pub(crate) fn prepare(&self, sql: &str) -> Call<'_> {
        let prepare = self.operation("PREPARE");
        match self.database.query(sql).query_text() {
            Some(text) => prepare.raw_query_text(text),
            None => prepare,
        }
    }
}

// Without this, `Clone` would ask it of `DB`.
impl<DB: sqlx::Database> Clone for Observer<DB> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            pool: self.pool.clone(),
            commenting: self.commenting.clone(),
        }
    }
}

impl<DB: sqlx::Database> fmt::Debug for Observer<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("pool", &self.pool).finish_non_exhaustive()
    }
}
