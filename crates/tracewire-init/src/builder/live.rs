//! Settings of the live page.

use crate::live::SharedPage;
use crate::settings::{Setting, in_code, settings};

settings! {
    /// Settings of the live page, for [`Builder::live`](crate::Builder::live).
    ///
    /// ```
    /// use tracewire_init::Live;
    ///
    /// let live = Live::new().listen("127.0.0.1:5000").memory_mib(32);
    /// # drop(live);
    /// ```
    pub struct Live {
        /// Whether the page is there to be mounted.
        is_on: Setting<bool>,
        listen: Setting<String>,
        memory_mib: Setting<u32>,
        token: Setting<String>,
        hosts: Vec<String>,
        shared: Setting<SharedPage>,
    }
}

impl Live {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the page on a port of its own (`TRACEWIRE_LIVE`): `true` for 127.0.0.1:4319, a port, or
    /// `host:port`. Not unless set.
    ///
    /// If the port is taken, the next free one of the following 20 is used. An address that other
    /// hosts can reach needs a [token](Self::token).
    pub fn listen(mut self, listen: impl Into<String>) -> Self {
        self.listen = in_code(listen.into());
        self
    }

    /// Sets the memory that the page may take, in MiB (`TRACEWIRE_LIVE_MEMORY`); 16 unless set, and at
    /// least 4.
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = in_code(mib);
        self
    }

    /// Answers callers that send this token (`TRACEWIRE_LIVE_TOKEN`), 16 to 256 characters, each an ASCII
    /// letter, a digit or one of `-._~!$*:=@/`. It is never shown.
    ///
    /// On a port of its own the page then needs the token in every request. Mounted, it needs none
    /// from callers on the same host.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = in_code(token.into());
        self
    }

    /// Shows spans and log records on the page of `telemetry`, which belongs to another service of this
    /// process, instead of a page of their own. A trace that runs through both is then whole.
    ///
    /// The other settings have no effect, and metrics are not shown. What waits for the page takes up to
    /// 2 MiB more. If `telemetry` has no page, there is none.
    ///
    /// ```
    /// # #[cfg(feature = "live")]
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// use tracewire_init::{Live, Telemetry};
    ///
    /// let shop = Telemetry::builder().service_name("shop").live(Live::new()).build()?;
    /// let inventory = Telemetry::builder()
    ///     .service_name("inventory")
    ///     .live(Live::new().shared_with(&shop))
    ///     .build()?;
    /// # drop((shop, inventory));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "live"))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "live")]
    pub fn shared_with(mut self, telemetry: &crate::Telemetry) -> Self {
        self.shared = in_code(SharedPage::of(telemetry));
        self
    }

    /// Answers requests to this name too. `localhost` and loopback addresses are known, and callers with the
    /// [token](Self::token) may use any name.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }
}
