//! Valid queries of each dialect, with a mark in every literal and every comment.

/// Stands in every text and comment.
pub(crate) const TEXT: &str = "SECRET";
/// Stands in every number.
pub(crate) const NUMBER: &str = "8675309";

/// How a dialect quotes: the marked literals, names and comments that a query is made of.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) system: &'static str,
    literals: &'static [fn(&mut Choices) -> String],
    names: &'static [fn(&mut Choices) -> String],
    comments: &'static [fn(&mut Choices) -> String],
    /// Whether every such query is certain to be read to its end.
    pub(crate) is_certain: bool,
}

/// Decides what a query is made of; zeros once it is used up.
pub(crate) struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    pub(crate) fn new(choices: Vec<u8>) -> Self {
        Self(choices.into_iter())
    }

    fn of(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or_default()) % count
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.of(items.len())]
    }
}

/// A query that ends with `ORDER BY last_column`.
pub(crate) fn query(dialect: &Dialect, choices: &mut Choices) -> String {
    let mut query = match choices.of(4) {
        0 => format!("UPDATE {} SET a = {}", name(dialect, choices), literal(dialect, choices)),
        1 => format!("INSERT INTO {} SELECT {}", name(dialect, choices), literal(dialect, choices)),
        _ => format!(
            "SELECT {}{}FROM {}",
            name(dialect, choices),
            gap(dialect, choices),
            name(dialect, choices)
        ),
    };
    query.push_str(" WHERE 1=1");
    for _ in 0..=choices.of(5) {
        let (space, other) = (gap(dialect, choices), gap(dialect, choices));
        let (name, value) = (name(dialect, choices), literal(dialect, choices));
        query.push_str(&match choices.of(5) {
            0 => format!("{space}AND {name}={other}{value}"),
            1 => format!(" OR {name} IN ({value},{other}{})", literal(dialect, choices)),
            2 => format!(" AND LENGTH({value}){other}< {name}"),
            3 => {
                format!(" AND {name}{space}BETWEEN {value} AND{other}{}", literal(dialect, choices))
            }
            _ => format!("{space}AND {name} LIKE{other}{value}"),
        });
    }
    query + " ORDER BY last_column"
}

fn name(dialect: &Dialect, choices: &mut Choices) -> String {
    choices.pick(dialect.names)(choices)
}

fn literal(dialect: &Dialect, choices: &mut Choices) -> String {
    choices.pick(dialect.literals)(choices)
}

/// White space, with a comment in it or not.
fn gap(dialect: &Dialect, choices: &mut Choices) -> String {
    match choices.of(3) {
        0 => format!(" {} ", choices.pick(dialect.comments)(choices)),
        1 => String::from("\n\t"),
        _ => String::from(" "),
    }
}

/// A marked text with what ends texts, names and comments somewhere else.
fn content(choices: &mut Choices) -> String {
    const PIECES: [&str; 27] = [
        "'", "''", "\"", "\\", "\\\\", "`", "[", "]", "--", "--x", "/*", "*/", "//", "#", "#x",
        "$$", "$t$", "$", "{", "}", ";", "\n", " FROM ", "q'[", "E'", "'''", "é",
    ];
    let mut content = String::new();
    for _ in 0..choices.of(4) {
        content.push_str(choices.pick(&PIECES));
    }
    content.push_str(TEXT);
    for _ in 0..choices.of(4) {
        content.push_str(choices.pick(&PIECES));
    }
    content + TEXT
}

fn doubled(text: &str, quote: &str) -> String {
    text.replace(quote, &quote.repeat(2))
}

/// With backslashes in front of quotes and backslashes.
fn escaped(text: &str, quote: char) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c == quote || c == '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// With backslashes escaped, and quotes in either way.
fn mixed(choices: &mut Choices, text: &str, quote: char) -> String {
    let text = text.replace('\\', "\\\\");
    let way = choices.pick(&['\\', quote]);
    text.replace(quote, &format!("{way}{quote}"))
}

/// Without these parts, and without those that the removal of others makes.
fn without(mut text: String, parts: &[&str]) -> String {
    while let Some(part) = parts.iter().find(|part| text.contains(**part)) {
        text = text.replace(part, "");
    }
    text
}

// Literals.

fn standard(choices: &mut Choices) -> String {
    format!("'{}'", doubled(&content(choices), "'"))
}
fn national(choices: &mut Choices) -> String {
    format!("{}{}", choices.pick(&["N", "n"]), standard(choices))
}
fn unicode(choices: &mut Choices) -> String {
    format!("U&{}", standard(choices))
}
fn date(_: &mut Choices) -> String {
    format!("DATE'{TEXT}'")
}
fn hex_text(choices: &mut Choices) -> String {
    format!("{}'{NUMBER}'", choices.pick(&["X", "x", "B", "b"]))
}
fn number(choices: &mut Choices) -> String {
    let forms = [
        "8675309",
        "-8675309",
        "8675309.25",
        ".8675309",
        "8675309e5",
        "8675309.5E-3",
        "1.8675309e+2",
    ];
    String::from(choices.pick(&forms))
}
fn hex(_: &mut Choices) -> String {
    format!("0x{NUMBER}")
}
fn money(choices: &mut Choices) -> String {
    format!("${}{NUMBER}.25", choices.pick(&["", "-"]))
}
fn escape(choices: &mut Choices) -> String {
    let text = content(choices);
    format!("{}'{}'", choices.pick(&["E", "e"]), mixed(choices, &text, '\''))
}
fn continued(choices: &mut Choices) -> String {
    format!("{}\n{}", standard(choices), standard(choices))
}
fn continued_escape(choices: &mut Choices) -> String {
    let text = content(choices);
    format!("{}\n  '{}'", escape(choices), mixed(choices, &text, '\''))
}
fn dollars(choices: &mut Choices) -> String {
    format!("$${} $$", without(content(choices), &["$"]))
}
fn tagged(choices: &mut Choices) -> String {
    format!("$tag${}$tag$", content(choices))
}
fn backslashes(choices: &mut Choices) -> String {
    let text = content(choices);
    format!("'{}'", mixed(choices, &text, '\''))
}
fn double_standard(choices: &mut Choices) -> String {
    format!("\"{}\"", doubled(&content(choices), "\""))
}
fn double_backslashes(choices: &mut Choices) -> String {
    let text = content(choices);
    format!("\"{}\"", mixed(choices, &text, '"'))
}
fn charset(choices: &mut Choices) -> String {
    format!("{}{}", choices.pick(&["_utf8mb4", "_binary ", "N"]), backslashes(choices))
}
fn charset_standard(choices: &mut Choices) -> String {
    format!("{}{}", choices.pick(&["_utf8mb4", "_binary ", "N"]), standard(choices))
}
fn delimited(choices: &mut Choices) -> String {
    let (open, close) =
        choices.pick(&[("[", "]"), ("{", "}"), ("(", ")"), ("<", ">"), ("!", "!"), ("é", "é")]);
    let prefix = choices.pick(&["q", "Q", "nq", "NQ", "Nq"]);
    let text = content(choices).replace(&format!("{close}'"), "");
    format!("{prefix}'{open}{text} {close}'")
}
fn only_escapes(choices: &mut Choices) -> String {
    let quote = choices.pick(&['\'', '"']);
    format!("{quote}{}{quote}", escaped(&content(choices).replace('\n', " "), quote))
}
fn triple(choices: &mut Choices) -> String {
    let quote = choices.pick(&["'''", "\"\"\""]);
    let prefix = choices.pick(&["", "r", "R", "b", "rb", "BR"]);
    let text = without(content(choices), &["\\", "'''", "\"\"\""]);
    format!("{prefix}{quote}it's \"x\" {text} {quote}")
}
fn raw(choices: &mut Choices) -> String {
    let quote = choices.pick(&["'", "\""]);
    let text = without(content(choices), &[quote, "\\", "\n"]);
    format!("{}{quote}{text}\\{quote}{text}{quote}", choices.pick(&["r", "R", "br", "rb"]))
}
fn spark_raw(choices: &mut Choices) -> String {
    let quote = choices.pick(&["'", "\""]);
    let text = without(content(choices), &[quote]);
    format!("{}{quote}{text}\\{quote}", choices.pick(&["r", "R"]))
}
fn uuid(_: &mut Choices) -> String {
    format!("a{NUMBER}-e89b-12d3-a456-426614174000")
}
fn duration(choices: &mut Choices) -> String {
    String::from(choices.pick(&["P8675309Y6M", "PT8675309S", "8675309h30m", "P4DT8675309H"]))
}

// Names.

fn plain(choices: &mut Choices) -> String {
    String::from(choices.pick(&["users", "a1", "shop.orders", "t2.name3", "größe"]))
}
const NAME_PIECES: [&str; 10] =
    ["Customer's", "-- x", "/* y", "#", "$$", "//", "q'[", "x\"y", "`", "]"];
fn named(choices: &mut Choices) -> String {
    format!("a {} {}", choices.pick(&NAME_PIECES), choices.pick(&NAME_PIECES))
}
fn double_name(choices: &mut Choices) -> String {
    format!("\"{}\"", doubled(&named(choices), "\""))
}
fn oracle_name(choices: &mut Choices) -> String {
    format!("\"{}\"", without(named(choices), &["\""]))
}
fn backtick_name(choices: &mut Choices) -> String {
    format!("`{}`", doubled(&named(choices), "`"))
}
fn escaped_backtick_name(choices: &mut Choices) -> String {
    format!("`{}`", escaped(&named(choices), '`'))
}
fn escaped_double_name(choices: &mut Choices) -> String {
    format!("\"{}\"", escaped(&named(choices), '"'))
}
fn bracket_name(choices: &mut Choices) -> String {
    format!("[{}]", doubled(&named(choices), "]"))
}
fn sqlite_bracket_name(choices: &mut Choices) -> String {
    format!("[{}]", without(named(choices), &["]"]))
}
fn hash_name(choices: &mut Choices) -> String {
    String::from(choices.pick(&["#temp", "##temp", "a#1", "@t"]))
}
fn hash_letter(choices: &mut Choices) -> String {
    String::from(choices.pick(&["v$session", "emp#1", "x$y$z"]))
}
fn json_path(choices: &mut Choices) -> String {
    String::from(choices.pick(&[
        "data #>> path",
        "data @> other",
        "data ? other",
        "a[2:3]",
        "a::text",
    ]))
}
fn subscript(_: &mut Choices) -> String {
    String::from("items[n]")
}

// Comments, not nested unless the name says so.

fn line(choices: &mut Choices) -> String {
    let text = without(content(choices), &["\n", "\\"]);
    format!("{} {text}\n", choices.pick(&["--", "-- it's"]))
}
fn bare_line(choices: &mut Choices) -> String {
    format!("--{}\n", without(content(choices), &["\n", "\\"]))
}
fn hash_line(choices: &mut Choices) -> String {
    format!("#{}\n", without(content(choices), &["\n", "\\"]))
}
fn spaced_hash_line(choices: &mut Choices) -> String {
    format!("# {}\n", without(content(choices), &["\n", "\\"]))
}
fn slash_line(choices: &mut Choices) -> String {
    format!("//{}\n", without(content(choices), &["\n", "\\"]))
}
fn block(choices: &mut Choices) -> String {
    format!("/* {} */", without(content(choices), &["/*", "*/", "//"]))
}
fn open_block(choices: &mut Choices) -> String {
    format!("/*/ /* {} */", without(content(choices), &["*/"]))
}
fn nested_block(choices: &mut Choices) -> String {
    let text = without(content(choices), &["/*", "*/", "//"]);
    format!("/* {text} /* {text} */ '{text}/**/ */")
}
fn version_block(choices: &mut Choices) -> String {
    format!("/*!50000 AND x = {} */", standard(choices))
}

pub(crate) const DIALECTS: &[Dialect] = &[
    Dialect {
        system: "postgresql",
        literals: &[
            standard,
            national,
            unicode,
            date,
            hex_text,
            number,
            hex,
            escape,
            continued,
            continued_escape,
            dollars,
            tagged,
        ],
        names: &[plain, double_name, json_path, subscript],
        comments: &[line, bare_line, block, nested_block],
        is_certain: true,
    },
    Dialect {
        system: "cockroachdb",
        literals: &[standard, date, number, hex, escape, dollars, tagged],
        names: &[plain, double_name, subscript],
        comments: &[line, bare_line, block, nested_block],
        is_certain: true,
    },
    Dialect {
        system: "mysql",
        literals: &[backslashes, double_backslashes, charset, hex_text, number, hex, date],
        names: &[plain, backtick_name],
        comments: &[line, hash_line, block, open_block, version_block],
        is_certain: false,
    },
    // In the mode NO_BACKSLASH_ESCAPES.
    Dialect {
        system: "mysql",
        literals: &[standard, double_standard, charset_standard, hex_text, number, hex],
        names: &[plain, backtick_name],
        comments: &[line, hash_line, block, open_block],
        is_certain: false,
    },
    // In the modes NO_BACKSLASH_ESCAPES and ANSI_QUOTES.
    Dialect {
        system: "mariadb",
        literals: &[standard, charset_standard, number],
        names: &[plain, backtick_name, double_name],
        comments: &[line, hash_line, block, open_block, version_block],
        is_certain: false,
    },
    Dialect {
        system: "microsoft.sql_server",
        literals: &[standard, national, number, hex, money],
        names: &[plain, bracket_name, double_name, hash_name, hash_letter],
        comments: &[line, bare_line, block, nested_block],
        is_certain: true,
    },
    // With QUOTED_IDENTIFIER OFF.
    Dialect {
        system: "microsoft.sql_server",
        literals: &[standard, double_standard, national, number],
        names: &[plain, bracket_name, hash_name],
        comments: &[line, bare_line, block, nested_block],
        is_certain: true,
    },
    Dialect {
        system: "sqlite",
        literals: &[standard, double_standard, hex_text, number, hex],
        names: &[plain, double_name, backtick_name, sqlite_bracket_name],
        comments: &[line, bare_line, block, open_block],
        is_certain: true,
    },
    Dialect {
        system: "oracle.db",
        literals: &[standard, national, date, number, delimited],
        names: &[plain, oracle_name, hash_letter],
        comments: &[line, bare_line, block, open_block],
        is_certain: true,
    },
    Dialect {
        system: "ibm.db2",
        literals: &[standard, national, unicode, hex_text, number],
        names: &[plain, double_name, hash_letter],
        comments: &[line, bare_line, block],
        is_certain: true,
    },
    Dialect {
        system: "clickhouse",
        literals: &[backslashes, tagged, number, hex],
        names: &[plain, escaped_backtick_name, escaped_double_name, subscript],
        comments: &[line, bare_line, spaced_hash_line, block],
        is_certain: true,
    },
    Dialect {
        system: "snowflake",
        literals: &[backslashes, dollars, hex_text, number],
        names: &[plain, double_name, subscript],
        comments: &[line, bare_line, slash_line, block],
        is_certain: true,
    },
    Dialect {
        system: "cassandra",
        literals: &[standard, dollars, uuid, duration, number, hex],
        names: &[plain, double_name, subscript],
        comments: &[line, bare_line, slash_line, block],
        is_certain: true,
    },
    Dialect {
        system: "gcp.bigquery",
        literals: &[only_escapes, triple, raw, number, hex, date],
        names: &[plain, escaped_backtick_name, subscript],
        comments: &[line, bare_line, hash_line, block, open_block],
        is_certain: true,
    },
    Dialect {
        system: "hive",
        literals: &[only_escapes, number],
        names: &[plain, backtick_name, subscript],
        comments: &[line, bare_line],
        is_certain: true,
    },
    Dialect {
        system: "spark",
        literals: &[only_escapes, spark_raw, tagged, hex_text, number, date],
        names: &[plain, backtick_name, subscript],
        comments: &[line, bare_line, block],
        is_certain: true,
    },
    Dialect {
        system: "trino",
        literals: &[standard, unicode, hex_text, number, date],
        names: &[plain, double_name, subscript],
        comments: &[line, bare_line, block, open_block],
        is_certain: true,
    },
];
