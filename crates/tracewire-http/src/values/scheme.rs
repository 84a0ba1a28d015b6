//! The two schemes an exchange can have.

/// The scheme of a request: the only two that become attribute values.
///
/// A request target may carry any scheme that its sender likes; a closed type keeps that text out
/// of the metrics.
///
/// ```
/// use tracewire_http::Scheme;
///
/// let scheme = Scheme::parse("https").unwrap();
/// assert_eq!((scheme.as_str(), scheme.default_port()), ("https", 443));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// Reads a scheme, without regard to case; anything but `http` and `https` is none.
    ///
    /// ```
    /// use tracewire_http::Scheme;
    ///
    /// assert_eq!(Scheme::parse("HTTPS"), Some(Scheme::Https));
    /// assert_eq!(Scheme::parse("gopher"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            // What URLs are parsed into.
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ if text.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if text.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    /// The scheme's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port a URL of this scheme means when it names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}
