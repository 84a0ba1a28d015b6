//! `instrumentation/development`: what HTTP instrumentation captures and hides.

use http::HeaderName;

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, text};

/// `instrumentation/development`. Nodes of other domains and languages are checked and not used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instrumentation {
    pub(crate) place: Place,
    pub(crate) server: HttpSide,
    pub(crate) client: HttpSide,
    /// Keys of a query whose values are redacted. An empty list redacts none; `None` is the default list.
    pub(crate) sensitive_query_parameters: Option<Vec<Spanned<String>>>,
}

/// `general.http.server` or `.client`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HttpSide {
    pub(crate) request_captured_headers: Vec<Spanned<HeaderName>>,
    pub(crate) response_captured_headers: Vec<Spanned<HeaderName>>,
    /// Replaces the known methods. An empty list knows none; `None` is the default list.
    pub(crate) known_methods: Option<Vec<Spanned<String>>>,
}

const LANGUAGES: [&str; 11] =
    ["cpp", "dotnet", "erlang", "go", "java", "js", "php", "python", "ruby", "rust", "swift"];

impl Instrumentation {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&[&["general"][..], &LANGUAGES].concat())?;
        for language in LANGUAGES {
            fields.optional(language, ignored_properties);
        }
        let empty = Self {
            place: cursor.place(),
            server: HttpSide::default(),
            client: HttpSide::default(),
            sensitive_query_parameters: None,
        };
        Some(fields.optional("general", |cursor| general(cursor, &empty)).unwrap_or(empty))
    }
}

fn general(cursor: Cursor<'_>, empty: &Instrumentation) -> Option<Instrumentation> {
    const OTHERS: [&str; 5] = ["code", "db", "gen_ai", "messaging", "rpc"];
    let known = ["http", "sanitization", "stability_opt_in_list"];
    let fields = cursor.fields(&[&known[..], &OTHERS].concat())?;
    for domain in OTHERS {
        fields.optional(domain, |cursor| {
            cursor.fields(&["semconv"])?.optional("semconv", |cursor| semconv(cursor, false))
        });
    }
    fields.setting("stability_opt_in_list", stability_opt_in_list);
    let (server, client) = fields.optional("http", http).unwrap_or_default();
    Some(Instrumentation {
        place: empty.place.clone(),
        server,
        client,
        sensitive_query_parameters: fields.optional("sanitization", sanitization),
    })
}

fn http(cursor: Cursor<'_>) -> Option<(HttpSide, HttpSide)> {
    let fields = cursor.fields(&["semconv", "server", "client"])?;
    fields.optional("semconv", |cursor| semconv(cursor, true));
    let [server, client] =
        ["server", "client"].map(|side| fields.optional(side, side_of_http).unwrap_or_default());
    Some((server, client))
}

fn side_of_http(cursor: Cursor<'_>) -> Option<HttpSide> {
    const REQUEST: &str = "request_captured_headers";
    const RESPONSE: &str = "response_captured_headers";
    let fields = cursor.fields(&[REQUEST, RESPONSE, "known_methods"])?;
    let headers =
        |key| fields.optional(key, |cursor| cursor.items(1, header_name)).unwrap_or_default();
    Some(HttpSide {
        request_captured_headers: headers(REQUEST),
        response_captured_headers: headers(RESPONSE),
        known_methods: fields.optional("known_methods", |cursor| cursor.items(0, text)),
    })
}

fn header_name(cursor: Cursor<'_>) -> Option<Spanned<HeaderName>> {
    let text = cursor.text()?;
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(name) => Some(cursor.spanned(name)),
        Err(_) => {
            cursor.unexpected("the name of an HTTP header");
            None
        }
    }
}

/// The conventions of a domain. Ours are the stable ones of HTTP, version 1, and nothing beside them.
fn semconv(cursor: Cursor<'_>, is_ours: bool) -> Option<()> {
    let fields = cursor.fields(&["version", "experimental", "dual_emit"])?;
    fields.setting("version", |cursor| {
        let version = cursor.whole(0..=i64::MAX)?;
        if is_ours && *version != 1 {
            cursor.unsupported("remove it or set it to 1");
        }
        Some(())
    });
    for key in ["experimental", "dual_emit"] {
        fields.setting(key, |cursor| {
            let is_on = cursor.boolean()?;
            if is_ours && *is_on {
                cursor.unsupported("remove it or set it to false, its default");
            }
            Some(())
        });
    }
    Some(())
}

/// As in `OTEL_SEMCONV_STABILITY_OPT_IN`; only HTTP is ours.
fn stability_opt_in_list(cursor: Cursor<'_>) -> Option<()> {
    let text = cursor.text()?;
    if text.split(',').any(|word| word.trim() == "http/dup") {
        cursor.unsupported("old conventions are not emitted; use `http` instead of `http/dup`");
    }
    Some(())
}

fn sanitization(cursor: Cursor<'_>) -> Option<Vec<Spanned<String>>> {
    cursor.fields(&["url"])?.optional("url", |cursor| {
        cursor
            .fields(&["sensitive_query_parameters"])?
            .optional("sensitive_query_parameters", |cursor| cursor.items(0, text))
    })
}

/// A mapping of mappings that are another implementation's.
fn ignored_properties(cursor: Cursor<'_>) -> Option<()> {
    cursor.open_fields(&[], |_, cursor| cursor.expect_mapping()).map(|_| ())
}
