//! Variables of a vendor's own tracer that are set and mean nothing here.

use crate::variables::Reader;

/// Whose variables they are, and which of them ask for nothing that is missing.
pub(super) struct Vendor {
    /// What the variables begin with.
    pub(super) prefix: &'static str,
    pub(super) tracers: &'static str,
    pub(super) page: &'static str,
    /// Variables of the vendor's agent or server, which may run in the same container.
    pub(super) of_others: &'static [&'static str],
    /// Variables whose value `true` asks for what happens anyway; of all others, `false` does.
    pub(super) always_on: &'static [&'static str],
}

/// Warns once, in one line, of all variables with this prefix that are set and were not asked for.
///
/// Values are not shown: among them are keys.
pub(super) fn warn(reader: &mut Reader<'_>, vendor: &Vendor) {
    let mut unread = reader.names(&[vendor.prefix]);
    unread.retain(|name| {
        !reader.asked().contains(name)
            && !vendor.of_others.iter().any(|of_others| name.starts_with(of_others))
    });
    unread.retain(|name| {
        let harmless: &[&str] = match vendor.always_on.contains(&name.as_str()) {
            true => &["true", "1"],
            false => &["false", "0"],
        };
        let is_harmless = |text: &str| harmless.iter().any(|word| word.eq_ignore_ascii_case(text));
        reader.peek(name).is_some_and(|text| !is_harmless(text.trim()))
    });
    unread.sort();
    if !unread.is_empty() {
        let Vendor { tracers, page, .. } = vendor;
        let names = unread.join(", ");
        reader.warn(format!("variables of {tracers} without effect here, see {page}: {names}"));
    }
}
