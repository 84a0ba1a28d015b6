//! Facts about where the process runs.
//!
//! They are read from the process itself and from files that Linux keeps; what is not there is left
//! out. Names are those of the semantic conventions for resources.

use opentelemetry::KeyValue;
use tracewire_text::glob::Pattern;

/// A group of facts about where the process runs, for the resource.
///
/// ```
/// use tracewire_init::{Detector, Resource, Telemetry};
///
/// let resource = Resource::new().detectors([Detector::Host, Detector::Container]);
/// let builder = Telemetry::builder().service_name("shop").resource(resource);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detector {
    /// `container.id`, from control groups or mounts.
    Container,
    /// `host.name`, `host.id` and `host.arch`.
    Host,
    /// `os.type`, `os.name`, `os.version` and `os.description`.
    Os,
    /// `process.pid`, the executable, the command without its arguments, which may hold secrets, the
    /// owner and the runtime.
    Process,
}

impl Detector {
    const ALL: [Self; 4] = [Self::Container, Self::Host, Self::Os, Self::Process];

    fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Host => "host",
            Self::Os => "os",
            Self::Process => "process",
        }
    }

    /// Names with commas between, or `all`, or `none`.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let mut found = Vec::new();
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "all" => found.extend(Self::ALL),
                "none" => {}
                word => match Self::ALL.iter().find(|detector| detector.name() == word) {
                    Some(detector) => found.push(*detector),
                    None => return Err(format!("it must be of {}, all, none", names(&Self::ALL))),
                },
            }
        }
        found.sort_by_key(|detector| detector.name());
        found.dedup();
        Ok(found)
    }
}

/// Names of detected attributes that stay: those that `included` matches, and `excluded` does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetectedNames {
    /// Empty is all.
    pub(crate) included: Vec<Pattern>,
    pub(crate) excluded: Vec<Pattern>,
}

impl DetectedNames {
    pub(super) fn keep(&self, name: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.included.is_empty() || any(&self.included)) && !any(&self.excluded)
    }
}

/// The value of a variable that names these detectors.
pub(super) fn names(detectors: &[Detector]) -> String {
    super::text::list(detectors.iter().map(|detector| detector.name()))
}

/// What these detectors find. `user` is who runs the process.
pub(super) fn attributes(detectors: &[Detector], user: Option<&str>) -> Vec<KeyValue> {
    let find = |detector: &Detector| match detector {
        Detector::Container => container(),
        Detector::Host => host(),
        Detector::Os => os(),
        Detector::Process => process(user),
    };
    detectors.iter().flat_map(find).collect()
}

fn host() -> Vec<KeyValue> {
    let name = file("/proc/sys/kernel/hostname").or_else(|| file("/etc/hostname"));
    let id = file("/etc/machine-id").or_else(|| file("/var/lib/dbus/machine-id"));
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
    let mut found: Vec<_> =
        named.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?))).collect();
    found.push(KeyValue::new("host.arch", architecture));
    found
}

fn os() -> Vec<KeyValue> {
    let kind = match std::env::consts::OS {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    };
    let release = std::fs::read_to_string("/etc/os-release")
        .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    let mut found = vec![KeyValue::new("os.type", kind)];
    for (field, key) in
        [("NAME", "os.name"), ("VERSION_ID", "os.version"), ("PRETTY_NAME", "os.description")]
    {
        if let Some(value) = release_field(&release, field) {
            found.push(KeyValue::new(key, value));
        }
    }
    found
}

/// A field of an os-release file: shell assignments, the value quoted or not.
fn release_field(text: &str, field: &str) -> Option<String> {
    let assigned = text.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix('='));
    let value = assigned?.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

fn process(user: Option<&str>) -> Vec<KeyValue> {
    let mut found = vec![
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("process.runtime.name", "rustc"),
    ];
    if let Ok(path) = std::env::current_exe() {
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            found.push(KeyValue::new("process.executable.name", name.to_owned()));
        }
        if let Some(path) = path.to_str() {
            found.push(KeyValue::new("process.executable.path", path.to_owned()));
        }
    }
    if let Some(command) = std::env::args_os().next().and_then(|first| first.into_string().ok()) {
        found.push(KeyValue::new("process.command", command));
    }
    if let Some(user) = user {
        found.push(KeyValue::new("process.owner", user.to_owned()));
    }
    found
}

fn container() -> Vec<KeyValue> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let id = container_id(&read("/proc/self/cgroup"))
        .or_else(|| container_id_of_mounts(&read("/proc/self/mountinfo")));
    id.map(|id| KeyValue::new("container.id", id)).into_iter().collect()
}

/// The id at the end of a control group's path, as version 1 has it.
fn container_id(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| {
        let last = line.rsplit('/').next()?;
        let last = last.strip_suffix(".scope").unwrap_or(last);
        let last = last.rsplit(['-', ':']).next()?;
        is_id(last).then(|| last.to_owned())
    })
}

/// The id in the paths of files that a container runtime mounts, for control groups of version 2.
fn container_id_of_mounts(mounts: &str) -> Option<String> {
    mounts
        .lines()
        .filter(|line| line.contains("/hostname") || line.contains("/resolv.conf"))
        .flat_map(|line| line.split(['/', ' ']))
        .find(|part| is_id(part))
        .map(str::to_owned)
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn file(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fact_is_empty_and_no_key_stands_twice() {
        let found = attributes(&Detector::ALL, Some("me"));
        let mut keys: Vec<_> = found.iter().map(|fact| fact.key.as_str()).collect();
        keys.sort_unstable();
        let number = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), number);
        assert!(found.iter().all(|fact| !fact.value.as_str().is_empty()), "{found:?}");
        assert!(found.contains(&KeyValue::new("process.pid", i64::from(std::process::id()))));
    }

    #[test]
    fn words_name_detectors() {
        use Detector::{Container, Host, Os, Process};
        for (text, expected) in [
            ("none", vec![]),
            ("Host , process,host", vec![Host, Process]),
            ("all", vec![Container, Host, Os, Process]),
        ] {
            assert_eq!(Detector::list(text), Ok(expected), "{text}");
        }
        let error = Detector::list("host,cloud").unwrap_err();
        assert_eq!(error, "it must be of container,host,os,process, all, none");
    }

    #[test]
    fn a_container_is_known_by_its_control_group_or_its_mounts() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("0::/docker/{id}"),
            format!("12:pids:/kubepods/burstable/pod1-2/{id}"),
            format!("1:name=systemd:/system.slice/docker-{id}.scope"),
            format!("0::/kubepods.slice/cri-containerd:{id}"),
        ] {
            assert_eq!(container_id(&path).as_deref(), Some(&*id), "{path}");
        }
        for other in ["0::/", "", "0::/user.slice/session-1.scope", "0::/docker/abc"] {
            assert_eq!(container_id(other), None, "{other}");
        }
        let mounts = format!(
            "1 2 0:1 / / rw - overlay overlay rw\n\
             3 1 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda rw"
        );
        assert_eq!(container_id_of_mounts(&mounts), Some(id));
        assert_eq!(container_id_of_mounts("1 2 0:1 / / rw - ext4 /dev/sda rw"), None);
    }

    #[test]
    fn fields_of_a_release_are_read_quoted_or_not() {
        let text = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=12\nPRETTY_NAME=''\n";
        assert_eq!(release_field(text, "NAME").as_deref(), Some("Debian GNU/Linux"));
        assert_eq!(release_field(text, "VERSION_ID").as_deref(), Some("12"));
        assert_eq!(release_field(text, "PRETTY_NAME"), None);
        assert_eq!(release_field(text, "ID"), None);
    }
}
