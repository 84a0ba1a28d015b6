//! The machine and its operating system.

use opentelemetry::KeyValue;

use super::files;
use super::variables::plain;

pub(super) fn host() -> Vec<KeyValue> {
    let name = files::line("/proc/sys/kernel/hostname").or_else(|| files::line("/etc/hostname"));
    let id = files::line("/etc/machine-id").or_else(|| files::line("/var/lib/dbus/machine-id"));
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "x86",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    };
    let named = [("host.name", name), ("host.id", id)];
    let mut found: Vec<_> = named
        .into_iter()
        .filter_map(|(key, value)| Some(KeyValue::new(key, plain(&value?)?)))
        .collect();
    found.push(KeyValue::new("host.arch", architecture));
    found
}

pub(super) fn os() -> Vec<KeyValue> {
    let kind = match std::env::consts::OS {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    };
    let release = files::read("/etc/os-release").or_else(|| files::read("/usr/lib/os-release"));
    let mut found = vec![KeyValue::new("os.type", kind)];
    found.extend(release.iter().flat_map(|text| of_release(text)));
    found
}

/// What an os-release file says.
pub(super) fn of_release(text: &str) -> impl Iterator<Item = KeyValue> {
    [("NAME", "os.name"), ("VERSION_ID", "os.version"), ("PRETTY_NAME", "os.description")]
        .into_iter()
        .filter_map(move |(field, key)| Some(KeyValue::new(key, release_field(text, field)?)))
}

/// A field of an os-release file: shell assignments, the value quoted or not.
fn release_field(text: &str, field: &str) -> Option<String> {
    let assigned = text.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix('='));
    plain(assigned?.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_release_are_read_quoted_or_not() {
        let text = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=12\nPRETTY_NAME=''\n";
        assert_eq!(release_field(text, "NAME").as_deref(), Some("Debian GNU/Linux"));
        assert_eq!(release_field(text, "VERSION_ID").as_deref(), Some("12"));
        assert_eq!(release_field(text, "PRETTY_NAME"), None);
        assert_eq!(release_field(text, "ID"), None);
    }

    #[test]
    fn a_release_has_short_and_printable_fields_or_none() {
        for odd in ["a\u{1b}[31m", &"a".repeat(1025), "' '"] {
            assert_eq!(release_field(&format!("NAME={odd}"), "NAME"), None, "{odd}");
        }
    }
}
