//! How each database system writes text, names and comments.

/// Whether a system reads a character in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Yes,
    No,
    /// It depends on the server's settings, or the system is not known.
    Unclear,
}

/// What a word in front of a quote says about the text that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// Nothing: the text follows the rules of the dialect.
    Plain,
    /// A backslash escapes, as in PostgreSQL's `E'…'`.
    Escapes,
    /// The first quote ends the text, as in Spark's `r'…'`.
    Raw,
    /// The character behind the quote says where the text ends, as in Oracle's `q'[…]'`.
    Delimited,
    Unclear,
}

/// What `"…"` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DoubleQuote {
    /// Always a name.
    Name,
    /// A text, or a name in some mode of the server: not shown.
    Text,
}

/// What `[` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// A subscript or a list.
    Mark,
    /// A name that the first `]` ends.
    Name,
    /// A name in which `]]` is a bracket.
    DoubledName,
    Unclear,
}

/// What `$` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dollar {
    /// A text from `$tag$` to `$tag$`, or a numbered parameter.
    Tagged,
    /// A text from `$$` to `$$`, or a name.
    Untagged,
    /// A name.
    Name,
    /// An amount of money, or a name.
    Money,
    Unclear,
}

/// What `#` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// The beginning of a comment.
    Comment,
    /// The beginning of a comment if a space or `!` follows.
    SpacedComment,
    /// A letter of names.
    Letter,
    /// An operator.
    Mark,
    Unclear,
}

/// The lexical rules of a system.
///
/// A literal must not be taken for code, nor code for a literal. So where a rule is not certain, the
/// query is read no further than the first character that could mean two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// A backslash escapes the quote behind it, in `'…'`.
    pub(super) backslash: Rule,
    /// A backslash escapes the quote behind it, in quoted names.
    pub(super) backslash_in_names: Rule,
    /// `'''` and `"""` quote too.
    pub(super) triple_quotes: Rule,
    pub(super) double_quote: DoubleQuote,
    /// Backticks quote a name.
    pub(super) backtick: Rule,
    pub(super) bracket: Bracket,
    pub(super) dollar: Dollar,
    pub(super) hash: Hash,
    /// `--` begins a comment even if no space follows.
    pub(super) bare_dashes: Rule,
    /// `//` begins a comment.
    pub(super) slashes: Rule,
    /// `/* /* */ */` is one comment.
    pub(super) nested_comments: Rule,
    /// `/*! … */` is code.
    pub(super) version_comments: bool,
    /// `?1` and `:1` are parameters.
    pub(super) numbered_parameters: bool,
    /// `$name(…)` is one parameter, whatever the parentheses hold.
    pub(super) suffixed_parameters: bool,
    /// UUIDs and durations stand in a query without quotes.
    pub(super) bare_uuids: bool,
    /// Words that change how the text behind them is read.
    pub(super) prefixes: &'static [(&'static str, Prefix)],
    /// Characters that mean something else in some system.
    pub(super) unclear: &'static str,
    /// Statements whose arguments are not SQL.
    pub(super) raw_statements: &'static [&'static str],
    /// `INSERT … FORMAT name` is followed by data.
    pub(super) inline_data: bool,
    /// A word among the arguments of a call is a text.
    pub(super) bare_arguments: bool,
    /// A query may begin with the name of a procedure, which it calls.
    pub(super) bare_calls: bool,
    /// The query may be none: only statements that SQL alone has are read.
    pub(super) must_look_like_sql: bool,
}

/// What the standard says.
const STANDARD: Dialect = Dialect {
    backslash: Rule::No,
    backslash_in_names: Rule::No,
    triple_quotes: Rule::No,
    double_quote: DoubleQuote::Name,
    backtick: Rule::Unclear,
    bracket: Bracket::Mark,
    dollar: Dollar::Unclear,
    hash: Hash::Unclear,
    bare_dashes: Rule::Yes,
    slashes: Rule::No,
    nested_comments: Rule::Unclear,
    version_comments: false,
    numbered_parameters: false,
    suffixed_parameters: false,
    bare_uuids: false,
    prefixes: &[],
    unclear: "",
    raw_statements: &[],
    inline_data: false,
    bare_arguments: false,
    bare_calls: false,
    must_look_like_sql: false,
};

/// What every system agrees on.
const COMMON: Dialect = Dialect {
    backslash: Rule::Unclear,
    backslash_in_names: Rule::Unclear,
    triple_quotes: Rule::Unclear,
    double_quote: DoubleQuote::Text,
    bracket: Bracket::Unclear,
    bare_dashes: Rule::Unclear,
    slashes: Rule::Unclear,
    version_comments: true,
    suffixed_parameters: true,
    bare_uuids: true,
    prefixes: &[("q", Prefix::Unclear), ("nq", Prefix::Unclear)],
    unclear: "{}%",
    raw_statements: &["ADD", "COPY", "SET"],
    inline_data: true,
    bare_arguments: true,
    ..STANDARD
};

const POSTGRESQL: Dialect = Dialect {
    dollar: Dollar::Tagged,
    hash: Hash::Mark,
    nested_comments: Rule::Yes,
    prefixes: &[("e", Prefix::Escapes)],
    ..STANDARD
};

const COCKROACHDB: Dialect =
    Dialect { prefixes: &[("e", Prefix::Escapes), ("b", Prefix::Escapes)], ..POSTGRESQL };

/// PostgreSQL as it was before backslashes in `'…'` stood for themselves.
const REDSHIFT: Dialect = Dialect { backslash: Rule::Unclear, ..POSTGRESQL };

/// The modes `NO_BACKSLASH_ESCAPES` and `ANSI_QUOTES` change what a text is.
const MYSQL: Dialect = Dialect {
    backslash: Rule::Unclear,
    double_quote: DoubleQuote::Text,
    backtick: Rule::Yes,
    bracket: Bracket::Unclear,
    hash: Hash::Comment,
    bare_dashes: Rule::No,
    nested_comments: Rule::No,
    version_comments: true,
    ..STANDARD
};

/// `QUOTED_IDENTIFIER OFF` makes texts of `"…"`.
const SQL_SERVER: Dialect = Dialect {
    double_quote: DoubleQuote::Text,
    bracket: Bracket::DoubledName,
    dollar: Dollar::Money,
    hash: Hash::Letter,
    bare_arguments: true,
    bare_calls: true,
    nested_comments: Rule::Yes,
    ..STANDARD
};

/// `"x"` is a text where no column x exists.
const SQLITE: Dialect = Dialect {
    double_quote: DoubleQuote::Text,
    backtick: Rule::Yes,
    bracket: Bracket::Name,
    dollar: Dollar::Name,
    nested_comments: Rule::No,
    numbered_parameters: true,
    suffixed_parameters: true,
    // A name is a text there, the key of a database as well.
    raw_statements: &["ATTACH"],
    ..STANDARD
};

const ORACLE: Dialect = Dialect {
    dollar: Dollar::Name,
    hash: Hash::Letter,
    nested_comments: Rule::No,
    numbered_parameters: true,
    prefixes: &[("q", Prefix::Delimited), ("nq", Prefix::Delimited)],
    ..STANDARD
};

const DB2: Dialect = Dialect { dollar: Dollar::Name, hash: Hash::Letter, ..STANDARD };

const CLICKHOUSE: Dialect = Dialect {
    backslash: Rule::Yes,
    backslash_in_names: Rule::Yes,
    backtick: Rule::Yes,
    dollar: Dollar::Tagged,
    hash: Hash::SpacedComment,
    inline_data: true,
    ..STANDARD
};

const SNOWFLAKE: Dialect =
    Dialect { backslash: Rule::Yes, dollar: Dollar::Untagged, slashes: Rule::Yes, ..STANDARD };

const CASSANDRA: Dialect =
    Dialect { dollar: Dollar::Untagged, slashes: Rule::Yes, bare_uuids: true, ..STANDARD };

const BIGQUERY: Dialect = Dialect {
    backslash: Rule::Yes,
    backslash_in_names: Rule::Yes,
    triple_quotes: Rule::Yes,
    double_quote: DoubleQuote::Text,
    backtick: Rule::Yes,
    hash: Hash::Comment,
    nested_comments: Rule::No,
    ..STANDARD
};

const HIVE: Dialect = Dialect {
    backslash: Rule::Yes,
    double_quote: DoubleQuote::Text,
    backtick: Rule::Yes,
    raw_statements: &["ADD", "DFS", "LIST", "RESET", "SET", "SOURCE"],
    ..STANDARD
};

const SPARK: Dialect = Dialect { dollar: Dollar::Tagged, prefixes: &[("r", Prefix::Raw)], ..HIVE };

const TRINO: Dialect = Dialect { nested_comments: Rule::No, ..STANDARD };

impl Dialect {
    /// The dialect of a system by its `db.system.name`, or by another name in use; `None` for a
    /// system whose queries are not SQL.
    pub(super) fn of(system: &str) -> Option<Self> {
        let system = system.to_ascii_lowercase();
        Some(match system.as_str() {
            "postgresql" | "postgres" | "timescaledb" => POSTGRESQL,
            "cockroachdb" => COCKROACHDB,
            "aws.redshift" | "redshift" => REDSHIFT,
            "mysql" | "mariadb" => MYSQL,
            "microsoft.sql_server" | "mssql" | "sqlserver" => SQL_SERVER,
            "sqlite" => SQLITE,
            "oracle.db" | "oracle" => ORACLE,
            "ibm.db2" | "db2" => DB2,
            "clickhouse" => CLICKHOUSE,
            "snowflake" => SNOWFLAKE,
            "cassandra" | "scylladb" => CASSANDRA,
            "gcp.bigquery" | "bigquery" => BIGQUERY,
            "hive" => HIVE,
            "spark" | "databricks" => SPARK,
            "trino" | "presto" => TRINO,
            "derby" => STANDARD,
            "other_sql" | "h2database" | "hsqldb" | "firebirdsql" | "teradata" | "sap.hana"
            | "ibm.informix" | "ibm.netezza" | "gcp.spanner" | "couchbase" | "azure.cosmosdb" => {
                COMMON
            }
            name if is_not_sql(name) => return None,
            _ => Self { must_look_like_sql: true, ..COMMON },
        })
    }
}

/// Whether the queries of this system are known not to be SQL.
fn is_not_sql(system: &str) -> bool {
    const SYSTEMS: &[&str] = &[
        "aerospike",
        "arangodb",
        "chroma",
        "consul",
        "couchdb",
        "documentdb",
        "dragonfly",
        "dynamodb",
        "elasticsearch",
        "etcd",
        "firestore",
        "foundationdb",
        "geode",
        "graphite",
        "hbase",
        "influxdb",
        "janusgraph",
        "kdb",
        "keydb",
        "ldap",
        "meilisearch",
        "memcached",
        "memgraph",
        "milvus",
        "mongodb",
        "neo4j",
        "neptune",
        "opensearch",
        "orientdb",
        "pinecone",
        "prometheus",
        "qdrant",
        "redis",
        "rethinkdb",
        "riak",
        "s3",
        "solr",
        "surrealdb",
        "tikv",
        "typesense",
        "valkey",
        "weaviate",
    ];
    // `aws.dynamodb` and `gcp.firestore` name their vendor first.
    let name = system.rsplit('.').next().unwrap_or(system);
    SYSTEMS.contains(&name)
}
