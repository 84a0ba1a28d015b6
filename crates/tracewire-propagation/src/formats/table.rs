//! Makes [`HeaderFormat`](super::HeaderFormat) of a table of formats.

/// What is known of a format, compiled in or not.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) feature: &'static str,
    pub(super) is_enabled: bool,
    pub(super) headers: &'static [&'static str],
}

/// Makes the enum, its list of all formats, their [`Row`]s, and their propagators.
macro_rules! header_formats {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $name:literal, feature $feature:literal, headers [$($header:literal),+],
        propagator $propagator:expr;
    )+) => {
        /// A header format, compiled in or not.
        ///
        /// ```
        /// use tracewire_propagation::HeaderFormat;
        ///
        /// for format in HeaderFormat::ALL.iter().filter(|format| !format.is_enabled()) {
        ///     println!("{} needs the feature {}", format.name(), format.feature());
        /// }
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HeaderFormat {
            $($(#[$doc])* $variant,)+
        }

        impl HeaderFormat {
            /// Every format, compiled in or not, in the order in which headers are read: the last
            /// valid one wins.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn row(self) -> $crate::formats::table::Row {
                match self {
                    $(Self::$variant => $crate::formats::table::Row {
                        name: $name,
                        feature: $feature,
                        is_enabled: cfg!(feature = $feature),
                        headers: &[$($header),+],
                    },)+
                }
            }

            /// Returns its propagator, or `None` if it is not compiled in.
            pub fn propagator(self) -> Option<std::sync::Arc<dyn $crate::propagator::Propagator>> {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$variant => Some(std::sync::Arc::new($propagator)),
                        #[cfg(not(feature = $feature))]
                        Self::$variant => None,
                    )+
                }
            }
        }
    };
}
pub(super) use header_formats;
