//! Comments behind statements, in the format of SQLCommenter.

pub(crate) mod text;

use crate::Driver;
use async_stream::try_stream;
use futures_core::Stream;
use futures_util::TryStreamExt;
use opentelemetry::trace::SpanContext;
use sqlx::{Database, Either, Error, Execute, Executor, error::BoxDynError};
use std::sync::Arc;

/// Which comment [`Pool::comment`](crate::Pool::comment) writes behind each statement.
///
/// Comments follow SQLCommenter: `/*application='shop',traceparent='00-…-01'*/`. The database's own logs,
/// slow-query lists and activity views show them, so that a statement found there leads back to the
/// program, or to the trace. They go to the database only, never into spans.
///
/// Left alone are statements that hold a comment already, statements that you prepared yourself, and
/// `BEGIN`, `COMMIT` and `ROLLBACK`.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # fn example(pool: sqlx::PgPool) {
/// use tracewire_sqlx::Comment;
///
/// let pool = tracewire_sqlx::pool(pool)
///     .comment(Comment::Static)
///     .comment_tag("application", "shop");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comment {
    /// Writes the pairs of [`Pool::comment_tag`](crate::Pool::comment_tag).
    ///
    /// The text of a statement stays the same from call to call, so prepared statements work as before.
    Static,
    /// Writes the pairs, and `traceparent` while a sampled span is current.
    ///
    /// **This costs the prepared statement.** Every sampled call is a new text, which the database has to
    /// parse and plan anew, with one more round trip. It is marked as not persistent, so that it takes
    /// no place in the connection's cache. Sample few calls, or use [`Static`](Self::Static).
    Trace,
}

/// How the comments of a pool are written. `Clone` and `Default` ask nothing of `DB`.
pub(crate) struct Commenting<DB: Database> {
    tags: Arc<[(String, String)]>,
    comments: Option<Comments<DB>>,
}

/// Writes comments on the statements of a driver.
pub(crate) struct Comments<DB: Database> {
    comment: Comment,
    tags: Arc<[(String, String)]>,
    shorten: Shorten<DB>,
}

/// [`Driver::shorten`] as a value. The first argument says that `'q` outlives `'a`.
type Shorten<DB> =
    for<'a, 'q> fn(&'a &'q (), <DB as Database>::Arguments<'q>) -> <DB as Database>::Arguments<'a>;

fn shorten<'a, 'q, DB: Driver>(_: &'a &'q (), arguments: DB::Arguments<'q>) -> DB::Arguments<'a> {
    DB::shorten(arguments)
}

impl<DB: Database> Commenting<DB> {
    pub(crate) fn with(self, comment: Comment) -> Self
    where
        DB: Driver,
    {
        let tags = self.tags.clone();
        Self { comments: Some(Comments { comment, tags, shorten: shorten::<DB> }), ..self }
    }

    pub(crate) fn tag(&mut self, key: &str, value: &str) {
        self.tags = text::with_tag(&self.tags, key, value);
        if let Some(comments) = &mut self.comments {
            comments.tags = self.tags.clone();
        }
    }

    /// What writes a comment on this statement, if one is to be written.
    pub(crate) fn commented<'q>(&self, query: &impl Execute<'q, DB>) -> Option<Comments<DB>> {
        let comments = self.comments.as_ref()?;
        let is_open = query.statement().is_none() && text::may_be_commented(query.sql());
        is_open.then(|| comments.clone())
    }
}

impl<DB: Database> Comments<DB> {
    pub(crate) fn fetch_many<'e, 'q: 'e, E>(
        self,
        connection: &'e mut DB::Connection,
        query: E,
    ) -> impl Stream<Item = Result<Either<DB::QueryResult, DB::Row>, Error>> + Send + 'e
    where
        E: 'q + Execute<'q, DB>,
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        try_stream! {
            let mut written = self.write(query)?;
            let mut steps = connection.fetch_many(written.query(self.shorten));
            while let Some(step) = steps.try_next().await? {
                yield step;
            }
        }
    }

    pub(crate) async fn fetch_optional<'q, E>(
        self,
        connection: &mut DB::Connection,
        query: E,
    ) -> Result<Option<DB::Row>, Error>
    where
        E: 'q + Execute<'q, DB>,
        for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    {
        let mut written = self.write(query)?;
        connection.fetch_optional(written.query(self.shorten)).await
    }

    /// Writes the statement anew, in the span of its call.
    fn write<'q>(&self, mut query: impl Execute<'q, DB>) -> Result<Written<'q, DB>, Error> {
        let span = tracewire_span::current().span_context();
        let traced = self.comment == Comment::Trace && span.is_valid() && span.is_sampled();
        let span: Option<&SpanContext> = traced.then_some(&span);
        Ok(Written {
            arguments: query.take_arguments().map_err(Error::Encode)?,
            persistent: query.persistent() && span.is_none(),
            sql: text::commented(query.sql(), &self.tags, span),
        })
    }
}

/// A statement with its comment.
struct Written<'q, DB: Database> {
    sql: String,
    arguments: Option<DB::Arguments<'q>>,
    persistent: bool,
}

impl<'q, DB: Database> Written<'q, DB> {
    fn query<'a>(&'a mut self, shorten: Shorten<DB>) -> Commented<'a, DB>
    where
        'q: 'a,
    {
        let arguments = self.arguments.take().map(|arguments| shorten(&&(), arguments));
        Commented { sql: &self.sql, arguments, persistent: self.persistent }
    }
}

struct Commented<'a, DB: Database> {
    sql: &'a str,
    arguments: Option<DB::Arguments<'a>>,
    persistent: bool,
}

impl<'a, DB: Database> Execute<'a, DB> for Commented<'a, DB> {
    fn sql(&self) -> &'a str {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement<'a>> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments<'a>>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

impl<DB: Database> Clone for Commenting<DB> {
    fn clone(&self) -> Self {
        Self { tags: self.tags.clone(), comments: self.comments.clone() }
    }
}

impl<DB: Database> Default for Commenting<DB> {
    fn default() -> Self {
        Self { tags: Arc::new([]), comments: None }
    }
}

impl<DB: Database> Clone for Comments<DB> {
    fn clone(&self) -> Self {
        Self { comment: self.comment, tags: self.tags.clone(), shorten: self.shorten }
    }
}
