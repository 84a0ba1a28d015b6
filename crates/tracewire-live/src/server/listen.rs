//! Where the page is served.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// The port of the page.
const PORT: u16 = 4319;

/// Where the page is served: by default at 127.0.0.1:4319.
///
/// ```
/// use tracewire_live::Listen;
///
/// assert_eq!(Listen::parse("true")?, Some(Listen::default()));
/// assert_eq!(Listen::parse("8080")?, Some(Listen::new("127.0.0.1", 8080)));
/// assert_eq!(Listen::parse("false")?, None);
/// # Ok::<(), tracewire_live::ListenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    host: String,
    port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: PORT }
    }
}

/// Why the page is not served.
///
/// ```
/// use tracewire_live::{Listen, ListenError};
///
/// assert!(matches!(Listen::parse("yes"), Err(ListenError::Syntax(_))));
/// ```
#[derive(Debug)]
pub enum ListenError {
    /// The text is none of `true`, `false`, a port and `host:port`.
    Syntax(String),
    /// An address that others can reach needs a token.
    NoToken(Listen),
    /// The system refused.
    Io(Listen, io::Error),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => write!(
                f,
                "cannot serve the live page at \"{}\": expected true, false, a port or host:port",
                tracewire_text::shortened(text, 64)
            ),
            Self::NoToken(listen) => write!(
                f,
                "cannot serve the live page at {listen}: other hosts can reach this address, so a \
                 token is required (TRACEWIRE_LIVE_TOKEN)"
            ),
            Self::Io(listen, error) => {
                write!(f, "cannot serve the live page at {listen}: {error}")
            }
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Syntax(_) | Self::NoToken(_) => None,
        }
    }
}

impl Listen {
    /// Listens on a port of a host, which is a name or an address without brackets. Port 0 is any free
    /// one.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Reads `true`, `false` or nothing, a port, or `host:port`. Returns `None` for `false` and nothing.
    ///
    /// ```
    /// use tracewire_live::Listen;
    ///
    /// assert_eq!(Listen::parse("true")?, Some(Listen::default()));
    /// assert_eq!(Listen::parse("5000")?.unwrap().to_string(), "127.0.0.1:5000");
    /// assert_eq!(Listen::parse("[::1]:5000")?.unwrap().to_string(), "[::1]:5000");
    /// assert_eq!(Listen::parse("false")?, None);
    /// assert!(Listen::parse("yes please").is_err());
    /// # Ok::<(), tracewire_live::ListenError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails for any other text.
    pub fn parse(text: &str) -> Result<Option<Self>, ListenError> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("false") {
            return Ok(None);
        }
        if text.eq_ignore_ascii_case("true") {
            return Ok(Some(Self::default()));
        }
        if let Ok(port) = text.parse() {
            return Ok(Some(Self { port, ..Self::default() }));
        }
        let wrong = || ListenError::Syntax(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if host.is_empty() || (bare.is_none() && host.contains([':', '/', ' '])) {
            return Err(wrong());
        }
        let port = port.parse().map_err(|_| wrong())?;
        Ok(Some(Self { host: bare.unwrap_or(host).to_owned(), port }))
    }

    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>, ListenError> {
        let found = (&*self.host, self.port).to_socket_addrs();
        let found = found.map_err(|error| ListenError::Io(self.clone(), error))?;
        Ok(found.collect())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_an_address_is_an_error_that_shows_it() {
        for text in ["yes", ":4319", "localhost:", "a b:1", "::1:4319", "http://a:1", "99999"] {
            let error = Listen::parse(text).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_an_address_or_an_error(text in "\\PC{0,40}") {
            if let Ok(Some(listen)) = Listen::parse(&text) {
                prop_assert_eq!(Listen::parse(&listen.to_string()).unwrap(), Some(listen));
            }
        }
    }
}
