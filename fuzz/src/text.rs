//! Texts with marked secrets in them.

/// Stands in every secret.
pub const MARK: &str = "M4RKED";

const KEYS: [&str; 18] = [
    "access_token",
    "accessToken",
    "REFRESH-TOKEN",
    "client.secret",
    "session",
    "sessionid",
    "sid",
    "otp",
    "ticket",
    "SAMLResponse",
    "code_verifier",
    "oauth_verifier",
    "hmac",
    "db_password",
    "password[]",
    "token%20",
    "Key-Pair-Id",
    "stripe_api_key",
];

/// What the first bytes of the input choose, and the rest of it as text.
#[derive(Debug)]
pub struct Choices<'a> {
    shape: usize,
    key: &'static str,
    times: usize,
    /// Everything else.
    pub text: &'a str,
}

impl<'a> Choices<'a> {
    /// Reads an input, if it is long enough and the rest of it is text.
    pub fn of(data: &'a [u8]) -> Option<Self> {
        let ([shape, key, times], rest) = data.split_first_chunk()?;
        Some(Self {
            shape: usize::from(*shape),
            key: KEYS[usize::from(*key) % KEYS.len()],
            times: usize::from(*times) % 4,
            text: str::from_utf8(rest).ok()?,
        })
    }

    /// A query with a marked secret in it, at some place and encoded some times.
    pub fn query(&self) -> String {
        let key = self.key;
        let inner = match self.shape % 6 {
            0 => format!("/cb?{key}={MARK}"),
            1 => format!("https://h.example/cb?a=1&{key}={MARK}&b=2"),
            2 => format!("/cb;{key}={MARK}"),
            3 => format!("https://h.example/cb#{key}={MARK}"),
            4 => format!("https://ada:{MARK}@h.example/cb"),
            _ => format!("{{\"{key}\":\"{MARK}\"}}"),
        };
        let inner = (0..self.times).fold(inner, |text, _| encoded(&text));
        format!("{}&next={inner}&{}", self.text, self.text)
    }

    /// An error message with a marked secret in it.
    pub fn error(&self) -> String {
        let secret = match self.shape % 7 {
            0 => format!("postgres://ada:{MARK}'{MARK}@db.example:5432/shop"),
            1 => format!("https://ada:{MARK}/{MARK}@h.example/a"),
            2 => format!("ada:{MARK}({MARK}@tcp(db:3306)/shop"),
            3 => format!("user=ada password='{MARK} {MARK}' host=db"),
            4 => format!("{{\"password\":\"{MARK} {MARK}\"}}"),
            5 => format!("Authorization: Bearer {MARK}"),
            _ => format!("https://h.example/a?x={MARK}"),
        };
        // A quotation mark or a bracket that opens here may close inside of the secret.
        let noise = self.text.replace(['\'', '"', '`', '{', '['], "");
        format!("{noise} {secret} {noise}")
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
