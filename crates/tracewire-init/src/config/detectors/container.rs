//! The container, from files that Linux keeps for the process.

use opentelemetry::KeyValue;

use super::files;

pub(super) fn container() -> Vec<KeyValue> {
    let read = |path| files::read(path).unwrap_or_default();
    let id = container_id(&read("/proc/self/cgroup"))
        .or_else(|| container_id_of_mounts(&read("/proc/self/mountinfo")));
    fact(id)
}

/// What these files say, of which the first goes before the second.
pub(super) fn of_files(cgroup: &str, mounts: &str) -> Vec<KeyValue> {
    fact(container_id(cgroup).or_else(|| container_id_of_mounts(mounts)))
}

fn fact(id: Option<String>) -> Vec<KeyValue> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
