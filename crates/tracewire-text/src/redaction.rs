//! Secrets in URLs: user information, and the values of sensitive keys.

mod authority;

use self::authority::{
    end_of_authority, redact_authority, redact_inner_authority, start_of_authority,
};
use crate::{
    cut::{CUT, boundary, cut},
    keys::{Key, Secrecy},
    splice::Splice,
    symbols::{Symbol, Symbols},
};
use std::{borrow::Cow, sync::Arc};

/// The most keys, values and segments that are looked at within a limit. A long text of short ones
/// would cost more than a whole request does.
const MOST_PARTS: usize = 256;

/// The keys whose values are redacted in URLs.
///
/// A key stays readable, its value becomes `REDACTED`. Keys are compared by their letters and
/// digits: percent-decoded (as often as they are encoded), without regard to case, without
/// separators, and without an index in brackets. So `access_token`, `accessToken`,
/// `access%5Ftoken` and `access_token[]` are one key.
///
/// By default these keys are sensitive:
///
/// | a key that | names |
/// |---|---|
/// | contains | `access_key`, `access_token`, `account_key`, `api_key`, `app_secret`, `auth_token`, `client_secret`, `contrasena`, `credential`, `kennwort`, `motdepasse`, `passcode`, `passphrase`, `passwd`, `password`, `private_key`, `refresh_token`, `secret_id`, `secret_key`, `sessid`, `session_id`, `session_token` |
/// | ends with | `token` (but for those that name where a list goes on or which request is repeated: `page_token`, `next_token`, `continuation_token`, `skiptoken`, `deltatoken`, `resume_token`, `starting_token`, `sync_token`, `idempotency_token`, `client_request_token`), `secret`, `signature`, `hmac`, `jwt`, `otp`, `pwd`, `creds`, `bearer`, `authorization`, `assertion`, `verifier`, `SAMLRequest`, `SAMLResponse`, `id_token_hint`, `bindpw`, `CASTICKET`, `seed_phrase`, `passkey`, a key such as `signing_key`, `encryption_key`, `shared_key`, `subscription_key`, a code such as `auth_code`, `device_code`, `oobCode`, `verification_code`, or a password such as `dbpass` |
/// | has as its last word | `auth`, `cookie`, `cred`, `csrf`, `pass`, `pw`, `session`, `sig`, `ticket`, `xsrf` (`db_pass`, `dbPass`, but not `compass`) |
/// | is | `code`, `key`, `policy`, `Key-Pair-Id`, `sid`, `sess`, `connect.sid`, `pin`, `mfa`, `senha`, `sign`, `tokens`, `SAMLart`, `pgtId`, `pgtIou`, `wresult` |
///
/// Keys such as `sort_key`, `monkey`, `country_code` and `max_tokens` are not.
///
/// Keys are looked for at every place where one can stand: between `&` or `;`, behind `?` and `#`,
/// in path parameters such as `;jsessionid=…`, in URLs and JSON that are values themselves, each
/// encoded any number of times. User information is redacted in such inner URLs as well.
///
/// ```
/// use tracewire_text::SensitiveKeys;
///
/// let keys = SensitiveKeys::default();
/// let url = "https://shop.example/?page=2&accessToken=4f3a";
/// assert_eq!(keys.redact_url(url), "https://shop.example/?page=2&accessToken=REDACTED");
/// ```
#[derive(Clone, Debug, Default)]
pub struct SensitiveKeys(Option<Arc<[Box<[u8]>]>>);

impl SensitiveKeys {
    /// Redacts the values of these keys instead of the default ones; an empty list redacts none.
    ///
    /// Each names one key, in all its spellings: `card_no` is `cardNo` and `card-no[]`, but not
    /// `card_number` nor `my_card_no`. A name of more than 128 letters is never found.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let keys = SensitiveKeys::new(["card"]);
    /// assert_eq!(keys.redact_query("card=4711&id=1"), "card=REDACTED&id=1");
    /// ```
    pub fn new<I, T>(keys: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Box<str>>,
    {
        let letters = |name: T| Key::of(&name.into()).letters().map(Box::from);
        Self(Some(keys.into_iter().filter_map(letters).collect()))
    }

    /// Redacts a query, given without its question mark.
    ///
    /// Every other byte stays as it is, in its order. Allocates only if something is redacted.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let keys = SensitiveKeys::default();
    /// assert_eq!(keys.redact_query("q=otel&sig=4f3a"), "q=otel&sig=REDACTED");
    /// let nested = "next=%2Fcb%3Ftoken%3D4f3a%26id%3D1";
    /// assert_eq!(keys.redact_query(nested), "next=%2Fcb%3Ftoken%3DREDACTED%26id%3D1");
    /// ```
    pub fn redact_query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        self.redact(Part::Query, query, false)
    }

    /// Redacts the parameters in a path, such as `;jsessionid=…`, as [`redact_query`] does.
    ///
    /// [`redact_query`]: Self::redact_query
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let path = SensitiveKeys::default().redact_path("/cart;jsessionid=4f3a/items");
    /// assert_eq!(path, "/cart;jsessionid=REDACTED/items");
    /// ```
    pub fn redact_path<'a>(&self, path: &'a str) -> Cow<'a, str> {
        self.redact(Part::Path, path, false)
    }

    /// Redacts an absolute URL: its user information, its path and its query. Removes its fragment,
    /// which is not sent either.
    ///
    /// ```
    /// use tracewire_text::SensitiveKeys;
    ///
    /// let url = SensitiveKeys::default().redact_url("https://ada:pw@shop.example/?sig=4f3a#top");
    /// assert_eq!(url, "https://REDACTED:REDACTED@shop.example/?sig=REDACTED");
    /// ```
    pub fn redact_url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        self.redact_whole_url(url, false)
    }

    /// Does what [`redact_query`](Self::redact_query) does and cuts to `limit` bytes, and to 256 keys
    /// and values. No more than that is looked at, so the cost is bounded; what was cut ends with
    /// `…`.
    pub fn limited_query<'a>(&self, query: &'a str, limit: usize) -> Cow<'a, str> {
        within(query, limit, |query, is_cut| self.redact(Part::Query, query, is_cut))
    }

    /// Does what [`redact_path`](Self::redact_path) does and cuts as
    /// [`limited_query`](Self::limited_query) does.
    pub fn limited_path<'a>(&self, path: &'a str, limit: usize) -> Cow<'a, str> {
        within(path, limit, |path, is_cut| self.redact(Part::Path, path, is_cut))
    }

    /// Does what [`redact_url`](Self::redact_url) does and cuts as
    /// [`limited_query`](Self::limited_query) does.
    pub fn limited_url<'a>(&self, url: &'a str, limit: usize) -> Cow<'a, str> {
        within(url, limit, |url, is_cut| self.redact_whole_url(url, is_cut))
    }

    /// Whether they are those that are sensitive by default.
    pub fn is_default(&self) -> bool {
        self.0.is_none()
    }

    fn contains(&self, key: &Key) -> bool {
        match &self.0 {
            None => key.secrecy() > Secrecy::No,
            Some(names) => {
                key.letters().is_some_and(|letters| names.iter().any(|name| **name == *letters))
            }
        }
    }

    fn redact_whole_url<'a>(&self, url: &'a str, is_cut: bool) -> Cow<'a, str> {
        // Where the address itself is cut, user information may stand behind the cut.
        let plain = start_of_query(url).filter(|query| !is_cut || *query < url.len());
        let Some(query) = plain else { return self.redact_parts_of_url(url, is_cut) };
        let (address, query) = url.split_at(query);
        match self.redact(Part::Query, query, is_cut) {
            Cow::Borrowed(_) => Cow::Borrowed(url),
            Cow::Owned(query) => Cow::Owned([address, &*query].concat()),
        }
    }

    fn redact_parts_of_url<'a>(&self, url: &'a str, is_cut: bool) -> Cow<'a, str> {
        let is_cut = is_cut && !url.contains('#');
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        let authority = start_of_authority(address);
        let path = end_of_authority(address, authority);

        let is_open = is_cut && path == url.len();
        let authority = redact_authority(&url[..path], authority, is_open);
        let path = self.redact(Part::Path, &url[path..address.len()], is_cut && query.is_empty());
        let query = self.redact(Part::Query, query, is_cut);
        match (&authority, &path, &query) {
            (Cow::Borrowed(_), Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(url),
            _ => Cow::Owned([authority, path, query].concat()),
        }
    }

    /// Reads key after key and replaces the values of those that are sensitive.
    ///
    /// The text is read as it will be once each encoding is undone. A value ends where its own
    /// encoding, or one around it, separates: `%26` ends it in an inner URL, but is a part of it in
    /// the outer one.
    fn redact<'a>(&self, part: Part, text: &'a str, is_cut: bool) -> Cow<'a, str> {
        // Most have nothing that assigns.
        if !text.bytes().any(|byte| matches!(byte, b'=' | b':' | b'%')) {
            return Cow::Borrowed(text);
        }
        let mut splice = Splice::new(text);
        let mut symbols = Symbols::of(text);
        let mut key = Key::new();
        // Where the key begins, behind which separator, and where the last two slashes were.
        let (mut start, mut separator) = (0, b'&');
        let (mut slashes, mut without_userinfo) = (Slashes::default(), 0);
        loop {
            symbols.pass(|byte| !separates(byte) && !assigns(byte));
            let Some(symbol) = symbols.next() else { break };
            match symbol.byte {
                b'/' | b'\\' if slashes.begin_authority(part, &symbol) => {
                    // Where an outer authority has no user information, an inner one has none.
                    if symbol.end >= without_userinfo {
                        without_userinfo =
                            redact_inner_authority(&mut splice, &mut symbols, &symbol, is_cut);
                    }
                    start = symbols.offset();
                }
                byte if assigns(byte) => {
                    if part.assigns(&symbol, &symbols) {
                        key.read(Symbols::of(&text[start..symbol.start]).map(|symbol| symbol.byte));
                        if self.contains(&key) {
                            let end = part.skip_value(&mut symbols, &symbol, separator);
                            splice.redact(symbol.end..end);
                        }
                    }
                    slashes.note_colon(&symbol);
                    start = symbols.offset();
                }
                byte if separates(byte) => (start, separator) = (symbol.end, byte),
                _ => {}
            }
        }
        splice.finish()
    }
}

/// Where the query of a web address begins, or its end, if nothing before it can be a secret: the
/// usual case, in one pass. `None` if that is not certain.
fn start_of_query(url: &str) -> Option<usize> {
    let scheme = if url.starts_with("https://") { "https://" } else { "http://" };
    let behind = url.strip_prefix(scheme)?.as_bytes();
    // The host and its port, then the path.
    let host = behind.iter().position(|byte| *byte != b':' && !IN_PATHS[usize::from(*byte)]);
    let path = host.unwrap_or(behind.len());
    let rest =
        behind.get(path..)?.iter().position(|byte| *byte != b'/' && !IN_PATHS[usize::from(*byte)]);
    let query = rest.map_or(behind.len(), |rest| path + rest);
    let is_plain = path > 0
        && match behind.get(query) {
            None => true,
            Some(b'?') => behind.iter().skip(query).all(|byte| *byte != b'#'),
            Some(_) => false,
        };
    is_plain.then_some(scheme.len() + query)
}

/// The bytes of a path, but the slash, that neither begin a value nor belong to another part of a URL.
static IN_PATHS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        table[byte as usize] =
            !matches!(byte, b'/' | b'?' | b'#' | b'@' | b'\\' | b'%' | b'=' | b':');
        byte += 1;
    }
    table
};

/// Finds the two slashes before an authority.
#[derive(Debug, Default)]
struct Slashes {
    /// Where the last colon ended.
    colon: Option<usize>,
    /// Where the last slash ended, and whether a colon stood before it.
    slash: Option<(usize, bool)>,
}

impl Slashes {
    fn note_colon(&mut self, symbol: &Symbol) {
        self.colon = (symbol.byte == b':').then_some(symbol.end);
    }

    /// Takes a slash or a backslash, and tells whether an authority follows: behind the second of
    /// two, which in a path only a scheme's colon makes one.
    fn begin_authority(&mut self, part: Part, symbol: &Symbol) -> bool {
        let is_second = self
            .slash
            .take_if(|(end, scheme)| *end == symbol.start && (*scheme || part == Part::Query));
        self.slash = Some((symbol.end, self.colon == Some(symbol.start)));
        is_second.is_some()
    }
}

/// A part of a URL in which keys can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

impl Part {
    /// Whether a value follows: behind each `=`, and in queries behind the colon of JSON, but not
    /// behind that of a scheme, which two slashes follow.
    fn assigns(self, symbol: &Symbol, behind: &Symbols<'_>) -> bool {
        let is_scheme = || {
            let mut next = behind.clone().take(2).map(|symbol| symbol.byte);
            next.next() == Some(b'/') && next.next() == Some(b'/')
        };
        symbol.byte == b'=' || self == Self::Query && !is_scheme()
    }

    /// Passes the value that starts here; returns where it ends.
    fn skip_value(self, symbols: &mut Symbols<'_>, assign: &Symbol, separator: u8) -> usize {
        // In JSON everything is a part of the value that is encoded as the colon is.
        let json = assign.byte == b':' && assign.level > 0;
        let level = assign.level - u8::from(json);
        loop {
            symbols.pass(|byte| !matches!(byte, b'&' | b'#' | b';' | b'/' | b'?'));
            let start = symbols.offset();
            let Some(symbol) = symbols.peek() else { return start };
            let ends = match symbol.byte {
                b'&' => self == Self::Query,
                b'#' => true,
                b';' => separator == b';',
                b'/' | b'?' => self == Self::Path,
                _ => false,
            };
            if ends && symbol.level <= level {
                return start;
            }
            symbols.next();
        }
    }
}

/// Whether a value can follow this byte.
fn assigns(byte: u8) -> bool {
    matches!(byte, b'=' | b':')
}

/// Whether this byte stands between keys, and in none.
fn separates(byte: u8) -> bool {
    matches!(
        byte,
        b'&' | b';'
            | b'?'
            | b'#'
            | b'/'
            | b'\\'
            | b','
            | b'|'
            | b'!'
            | b'{'
            | b'}'
            | b'('
            | b')'
            | b'<'
            | b'>'
    )
}

/// Redacts the first `limit` bytes of a text, and marks it as cut if it is longer.
fn within<'a>(
    text: &'a str,
    limit: usize,
    redact: impl FnOnce(&'a str, bool) -> Cow<'a, str>,
) -> Cow<'a, str> {
    let end = looked_at(text, limit);
    if end == text.len() {
        return cut(redact(text, false), limit);
    }
    let shown = redact(&text[..end], true);
    cut([&*shown, CUT].concat(), limit)
}

/// How many bytes of a text are looked at: at most `limit` and [`MOST_PARTS`] parts.
fn looked_at(text: &str, limit: usize) -> usize {
    let end = boundary(text, limit);
    if end <= MOST_PARTS {
        return end;
    }
    let is_mark = |byte| assigns(byte) || separates(byte);
    let marks = text.bytes().take(end).enumerate().filter(|(_, byte)| is_mark(*byte));
    marks.map(|(place, _)| place).nth(MOST_PARTS).unwrap_or(end)
}

#[cfg(test)]
mod tests;
