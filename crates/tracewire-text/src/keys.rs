//! Which keys name a secret.
//!
//! A key is compared by its letters and digits alone: decoded, without regard to case, without
//! separators, and without an index in brackets at its end. So `access_token`, `accessToken`,
//! `Access-Token`, `access%5Ftoken`, `access.token` and `access_token[0]` are one key.

use crate::symbols::Symbols;
use std::ops::Range;

/// Stand anywhere in the keys of secrets. Grouped by their first letters.
const ANYWHERE: [&str; 23] = [
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "appsecret",
    "authtoken",
    "clientsecret",
    "contrasena",
    "credential",
    "kennwort",
    "motdepasse",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "privatekey",
    "refreshtoken",
    "secretid",
    "secretkey",
    "sessid",
    "sessionid",
    "sessiontoken",
];

/// End the keys of secrets; a number may follow. Grouped by their last letters.
const AT_END: [&str; 63] = [
    "accesscode",
    "activationcode",
    "authcode",
    "authenticationcode",
    "authorizationcode",
    "backupcode",
    "confirmationcode",
    "devicecode",
    "facode",
    "factorcode",
    "logincode",
    "onetimecode",
    "oobcode",
    "otpcode",
    "recoverycode",
    "resetcode",
    "samlresponse",
    "seedphrase",
    "securitycode",
    "signature",
    "smscode",
    "usercode",
    "verificationcode",
    "hmac",
    "pswd",
    "pwd",
    "apisig",
    "assertion",
    "authorization",
    "token",
    "otp",
    "bearer",
    "verifier",
    "adminpass",
    "creds",
    "dbpass",
    "rootpass",
    "secrets",
    "userpass",
    "jwt",
    "casticket",
    "idtokenhint",
    "samlrequest",
    "secret",
    "bindpw",
    "appkey",
    "applicationkey",
    "authkey",
    "deploykey",
    "encryptionkey",
    "functionskey",
    "hmackey",
    "licencekey",
    "licensekey",
    "masterkey",
    "passkey",
    "servicekey",
    "sessionkey",
    "sharedkey",
    "signingkey",
    "sshkey",
    "subscriptionkey",
    "tlskey",
];

/// Where the words of each letter stand in the tables above.
static ANYWHERE_BY_FIRST: [Range<u8>; 26] = by_letter(&ANYWHERE, true);
static AT_END_BY_LAST: [Range<u8>; 26] = by_letter(&AT_END, false);

/// The place of each letter's words, which stand side by side.
const fn by_letter(words: &[&str], first: bool) -> [Range<u8>; 26] {
    let mut places = [const { 0..0 }; 26];
    let mut index = 0;
    while index < words.len() {
        let word = words[index].as_bytes();
        let letter = if first { word[0] } else { word[word.len() - 1] };
        let place = &mut places[(letter - b'a') as usize];
        let start = if place.end == 0 { index as u8 } else { place.start };
        assert!(place.end == 0 || place.end == index as u8, "the words of a letter stand together");
        *place = start..index as u8 + 1;
        index += 1;
    }
    places
}

/// The words of the letter `letter`.
fn of_letter<'a>(words: &'a [&'a str], places: &[Range<u8>; 26], letter: u8) -> &'a [&'a str] {
    let place = places.get(usize::from(letter.wrapping_sub(b'a')));
    place.map_or(&[], |place| &words[usize::from(place.start)..usize::from(place.end)])
}

/// End like one of those, and name where a list goes on or which request is repeated.
const ORDINARY: [&str; 10] = [
    "clientrequesttoken",
    "continuationtoken",
    "deltatoken",
    "idempotencytoken",
    "nexttoken",
    "pagetoken",
    "resumetoken",
    "skiptoken",
    "startingtoken",
    "synctoken",
];

/// Whether this is the last word of the keys of secrets, as in `db_pass` and `dbPass`, but not in
/// `compass`.
fn is_last_word(word: &[u8]) -> bool {
    matches!(
        word,
        b"auth"
            | b"cookie"
            | b"cred"
            | b"csrf"
            | b"pass"
            | b"pw"
            | b"session"
            | b"sig"
            | b"ticket"
            | b"xsrf"
    )
}

/// Whether this is the key of a secret when nothing else stands in it.
fn is_whole(key: &[u8]) -> bool {
    matches!(
        key,
        b"code"
            | b"connectsid"
            | b"key"
            | b"keypairid"
            | b"mfa"
            | b"pin"
            | b"policy"
            | b"pgtid"
            | b"pgtiou"
            | b"samlart"
            | b"sess"
            | b"senha"
            | b"sid"
            | b"sign"
            | b"tokens"
            | b"wresult"
            | b"xauth"
    )
}

/// Letters and digits that are kept of a key.
const ROOM: usize = 128;

/// What is kept when there are more: longer than each of the words above.
const KEPT: usize = 32;

/// The length of the shortest word above, and of the shortest that stands anywhere.
const SHORTEST: usize = 2;
const SHORTEST_ANYWHERE: usize = 6;

/// How surely a key names a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Secrecy {
    /// It does not.
    No,
    /// In a query, but not in a sentence, where `code` and `key` are ordinary words.
    InQueries,
    /// With an equals sign behind it: `session=…`, but not `session: …`.
    WhenAssigned,
    /// Wherever it stands.
    Always,
}

/// The letters and digits of a key, as far as they decide.
#[derive(Debug)]
pub(crate) struct Key {
    letters: [u8; ROOM],
    len: usize,
    /// Where the last word begins.
    word: usize,
    /// Where the last bracket opened.
    bracket: Option<usize>,
    after_separator: bool,
    after_lower: bool,
    /// Letters were dropped from the front.
    is_long: bool,
    /// A word was found among those.
    found: bool,
}

impl Key {
    pub(crate) const fn new() -> Self {
        Self {
            letters: [0; ROOM],
            len: 0,
            word: 0,
            bracket: None,
            after_separator: false,
            after_lower: false,
            is_long: false,
            found: false,
        }
    }

    /// Reads a whole key, which may be percent-encoded.
    pub(crate) fn of(text: &str) -> Self {
        let mut key = Self::new();
        key.read(Symbols::of(text).map(|symbol| symbol.byte));
        key
    }

    /// Reads another whole key in its place.
    pub(crate) fn read(&mut self, bytes: impl Iterator<Item = u8>) {
        self.clear();
        bytes.for_each(|byte| self.push(byte));
    }

    /// Begins anew.
    fn clear(&mut self) {
        self.len = 0;
        self.word = 0;
        self.bracket = None;
        self.after_separator = false;
        self.after_lower = false;
        self.is_long = false;
        self.found = false;
    }

    /// Takes one more byte, decoded.
    fn push(&mut self, byte: u8) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. => {
                if self.len == ROOM {
                    self.drop_front();
                }
                if self.after_separator || self.after_lower && byte.is_ascii_uppercase() {
                    self.word = self.len;
                }
                self.letters[self.len] = byte.to_ascii_lowercase();
                self.len += 1;
                if (0x80..0xc0).contains(&byte) {
                    self.fold();
                }
                self.after_separator = false;
                self.after_lower = !byte.is_ascii_uppercase();
            }
            b']' => {
                if let Some(start) = self.bracket.take()
                    && self.letters[start..self.len].iter().all(u8::is_ascii_digit)
                {
                    self.len = start;
                    self.word = self.word.min(start);
                }
                self.after_separator = true;
            }
            b'[' => {
                // A secret of several parts, as in `token[value]`.
                self.found |= ends_with_word(&self.letters[..self.len]);
                self.bracket = Some(self.len);
                self.after_separator = true;
            }
            _ => self.after_separator = true,
        }
    }

    /// Replaces the character at the end by the letter that it is to a reader who folds case or
    /// width, and drops it if it is invisible.
    fn fold(&mut self) {
        let (kept, letter) = match &self.letters[..self.len] {
            // The long s, and the sign of the kelvin.
            [kept @ .., 0xc5, 0xbf] => (kept.len(), Some(b's')),
            [kept @ .., 0xe2, 0x84, 0xaa] => (kept.len(), Some(b'k')),
            // Letters as wide as ideographs.
            [kept @ .., 0xef, 0xbc, last @ 0xa1..=0xba] => (kept.len(), Some(last - 0xa1 + b'a')),
            [kept @ .., 0xef, 0xbd, last @ 0x81..=0x9a] => (kept.len(), Some(last - 0x81 + b'a')),
            // Letters in two bytes, which decoders without checks accept.
            [kept @ .., first @ 0xc0..=0xc1, last] => {
                let letter = (first & 1) << 6 | last & 0x3f;
                (kept.len(), letter.is_ascii_alphanumeric().then(|| letter.to_ascii_lowercase()))
            }
            // A soft hyphen, a joiner, a mark of direction, a byte order mark.
            [kept @ .., 0xc2, 0xad]
            | [kept @ .., 0xe2, 0x80, 0x8b..=0x8f]
            | [kept @ .., 0xe2, 0x81, 0xa0]
            | [kept @ .., 0xef, 0xbb, 0xbf] => (kept.len(), None),
            _ => return,
        };
        self.len = kept;
        self.word = self.word.min(kept);
        if let Some(letter) = letter {
            self.letters[kept] = letter;
            self.len += 1;
        }
    }

    fn drop_front(&mut self) {
        self.found |= has_word(&self.letters[..self.len]);
        let dropped = self.len - KEPT;
        self.letters.copy_within(dropped..self.len, 0);
        self.len = KEPT;
        self.word = self.word.saturating_sub(dropped);
        self.bracket = None;
        self.is_long = true;
    }

    /// The letters and digits, if the key is short enough that all of them are here.
    pub(crate) fn letters(&self) -> Option<&[u8]> {
        (!self.is_long).then_some(&self.letters[..self.len])
    }

    /// How surely this key names a secret, by the lists above.
    pub(crate) fn secrecy(&self) -> Secrecy {
        if self.len < SHORTEST {
            return Secrecy::No;
        }
        let letters = &self.letters[..self.len];
        let digits = letters.iter().rev().take_while(|letter| letter.is_ascii_digit()).count();
        let name = &letters[..self.len - digits];
        if self.found || has_word(letters) || ends_with_word(name) {
            return Secrecy::Always;
        }
        let last = name.get(self.word..).unwrap_or_default();
        if is_last_word(last) || is_last_word(name) {
            return Secrecy::WhenAssigned;
        }
        if !self.is_long && is_whole(letters) {
            return Secrecy::InQueries;
        }
        Secrecy::No
    }

    /// Whether the value of such a header lasts to the end of its line.
    pub(crate) fn fills_its_line(&self) -> bool {
        let letters = &self.letters[..self.len];
        letters.ends_with(b"authorization") || letters.ends_with(b"cookie")
    }
}

fn has_word(letters: &[u8]) -> bool {
    // Shorter ends hold no word.
    let ends = letters.len().saturating_sub(SHORTEST_ANYWHERE - 1);
    (0..ends).any(|start| {
        let rest = &letters[start..];
        let words = of_letter(&ANYWHERE, &ANYWHERE_BY_FIRST, rest[0]);
        words.iter().any(|word| word.as_bytes()[1] == rest[1] && rest.starts_with(word.as_bytes()))
    })
}

fn ends_with_word(name: &[u8]) -> bool {
    let Some(&last) = name.last() else { return false };
    let words = of_letter(&AT_END, &AT_END_BY_LAST, last);
    words.iter().any(|word| name.ends_with(word.as_bytes()))
        && !ORDINARY.iter().any(|word| name.ends_with(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrecy(key: &str) -> Secrecy {
        Key::of(key).secrecy()
    }

    #[test]
    fn keys_of_credentials_are_known_in_every_spelling() {
        for key in [
            "AWSAccessKeyId",
            "Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "X-Amz-Signature",
            "X-Goog-Signature",
            "sig",
            "access_key",
            "access_token",
            "api-key",
            "api_key",
            "apikey",
            "auth",
            "auth_token",
            "authorization",
            "client_secret",
            "code",
            "credential",
            "credentials",
            "id_token",
            "jwt",
            "key",
            "passwd",
            "password",
            "private_key",
            "pwd",
            "refresh_token",
            "secret",
            "session_token",
            "token",
            "x-api-key",
            "accessToken",
            "refreshToken",
            "clientSecret",
            "session",
            "sessionid",
            "sid",
            "otp",
            "ticket",
            "SAMLResponse",
            "client_assertion",
            "code_verifier",
            "oauth_token",
            "oauth_verifier",
            "hmac",
            "pass",
            "Policy",
            "Key-Pair-Id",
            "password[]",
            "token ",
            "token+",
            "jsessionid",
            "PHPSESSID",
            "ASPSESSIONIDQQ",
            "connect.sid",
            "x-user-token",
            "db_password",
            "stripe_api_key",
            "dbPass",
            "user[password]",
            "user[pass]",
            "token[0]",
            "passwords[12]",
            "password2",
            "new_password_confirmation",
            "sso_ticket",
            "mySecret",
            "ACCESSTOKEN",
            "Ocp-Apim-Subscription-Key",
            "laravel_session",
            "id_token_hint",
            "to\0ken",
            "_csrf",
            "oobCode",
            "2fa_code",
            "one_time_code",
            "CASTICKET",
            "pgtIou",
            "id_token_hint[]",
            "bindPw",
            "licence_key",
            "contrasena",
            "to\u{212a}en",
            "pa\u{17f}\u{17f}word",
            "\u{ff34}\u{ff4f}\u{ff4b}\u{ff45}\u{ff4e}",
            "to\u{200b}ken",
            "to\u{ad}ken",
            "db_\u{ff50}ass",
        ] {
            assert_ne!(secrecy(key), Secrecy::No, "{key}");
        }
    }

    #[test]
    fn ordinary_keys_are_left_alone() {
        for key in [
            "",
            "a",
            "q",
            "id",
            "page",
            "monkey",
            "sort_key",
            "sortKey",
            "primary_key",
            "keyword",
            "keys",
            "key1",
            "compass",
            "bypass",
            "passenger",
            "design",
            "inside",
            "author",
            "authors",
            "country_code",
            "zipcode",
            "codec",
            "status",
            "state",
            "nonce",
            "tokens_max",
            "max_tokens",
            "token_type",
            "tokenizer",
            "page_token",
            "nextPageToken",
            "ticket_count",
            "secretary",
            "session_count",
            "sessions",
            "policy_name",
            "process_id",
            "spin",
            "laptop",
            "public_key",
            "client_id",
            "email",
            "path",
            "redirect_uri",
            "cookies_accepted",
            "$skiptoken",
            "$deltatoken",
            "resumeToken",
            "startingToken",
            "ClientRequestToken",
            "idempotency_token",
            "validTokens",
            "invalid_token_count",
            "android_tokens",
            "design_id",
            "signs",
            "to\u{e9}ken",
            "\u{30c8}\u{30fc}\u{30af}\u{30f3}",
        ] {
            assert_eq!(secrecy(key), Secrecy::No, "{key}");
        }
    }

    #[test]
    fn a_key_in_bytes_that_are_no_utf_8_is_judged() {
        let mut key = Key::new();
        key.read(b"\xc1\xb4oken".iter().copied());
        assert_eq!(key.secrecy(), Secrecy::Always);
        for bytes in [&b"\x80"[..], b"\xc0\x80", b"\xbf\xbf\xbf", b"\xc5", b"tok\xe2\x84en"] {
            key.read(bytes.iter().copied());
            assert_eq!(key.secrecy(), Secrecy::No, "{bytes:?}");
        }
    }

    #[test]
    fn a_key_of_any_length_is_judged_whole() {
        let long = "x-".repeat(400);
        assert_eq!(secrecy(&format!("{long}token")), Secrecy::Always);
        assert_eq!(secrecy(&format!("password{long}")), Secrecy::Always);
        for before in 0..300 {
            let key = format!("{}password{}", "y".repeat(before), "z".repeat(200));
            assert_eq!(secrecy(&key), Secrecy::Always, "{before}");
        }
        assert_eq!(secrecy(&format!("{long}_my_pass")), Secrecy::WhenAssigned);
        assert_eq!(secrecy(&long), Secrecy::No);
        assert_eq!(secrecy(&format!("{long}key")), Secrecy::No);
    }

    #[test]
    fn words_are_as_long_as_the_limits_say() {
        let words = ANYWHERE.iter().chain(&AT_END).chain(&ORDINARY);
        assert!(words.into_iter().all(|word| (SHORTEST..KEPT).contains(&word.len())));
        assert!(ANYWHERE.iter().all(|word| word.len() >= SHORTEST_ANYWHERE));
    }
}
