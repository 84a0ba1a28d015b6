//! The phases before a request is sent.

use crate::conventions as c;
use std::time::Duration;

/// What a call spends time on before its request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The host's name is looked up.
    Dns,
    /// The connection is made: TCP to the first address that answers, and a proxy's tunnel.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The call waits for a connection.
    Wait,
}

impl Phase {
    pub(super) const ALL: [Self; 4] = [Self::Dns, Self::Connect, Self::Tls, Self::Wait];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Wait => "wait",
        }
    }

    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::Dns => c::CONNECTION_DNS_DURATION,
            Self::Connect => c::CONNECTION_CONNECT_DURATION,
            Self::Tls => c::CONNECTION_TLS_DURATION,
            Self::Wait => c::CONNECTION_WAIT_DURATION,
        }
    }
}

/// A phase, and how long it took.
pub(super) type Spent = (Phase, Duration);
