//! Kubernetes: the pod, its namespace and its node.

use opentelemetry::KeyValue;

use super::files;
use super::variables::{Variables, plain};

/// Where every pod with a service account has its namespace.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Where Kubernetes' own documentation mounts files of the downward API.
const POD_INFO: &str = "/etc/podinfo";

/// What variables and files of the downward API say, and what the kubelet's mounts show.
pub(super) fn kubernetes(variables: &Variables) -> Vec<KeyValue> {
    if variables.get("KUBERNETES_SERVICE_HOST").is_none() && files::line(NAMESPACE).is_none() {
        return Vec::new();
    }
    let mounts = files::read("/proc/self/mountinfo").unwrap_or_default();
    let cgroup = files::read("/proc/self/cgroup").unwrap_or_default();
    let file = |path: &str| plain(&files::line(path)?);
    facts(variables, &mounts, &cgroup, &file)
}

pub(super) fn facts(
    variables: &Variables,
    mounts: &str,
    cgroup: &str,
    file: &dyn Fn(&str) -> Option<String>,
) -> Vec<KeyValue> {
    let variable = |names: [&str; 2]| variables.first(names).map(str::to_owned);
    let info = |name: &str| file(&format!("{POD_INFO}/{name}"));
    let found = [
        ("k8s.cluster.name", variable(["K8S_CLUSTER_NAME", ""])),
        (
            "k8s.namespace.name",
            variable(["K8S_NAMESPACE_NAME", "POD_NAMESPACE"])
                .or_else(|| info("namespace"))
                .or_else(|| file(NAMESPACE)),
        ),
        ("k8s.node.name", variable(["K8S_NODE_NAME", "NODE_NAME"]).or_else(|| info("nodename"))),
        ("k8s.pod.name", variable(["K8S_POD_NAME", "POD_NAME"]).or_else(|| info("name"))),
        (
            "k8s.pod.uid",
            variable(["K8S_POD_UID", "POD_UID"])
                .or_else(|| info("uid"))
                .or_else(|| mounted(mounts).map(|(uid, _)| uid))
                .or_else(|| uid_of_cgroup(cgroup)),
        ),
        ("k8s.container.name", variable(["K8S_CONTAINER_NAME", ""]).or_else(|| mounted(mounts)?.1)),
    ];
    found.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?))).collect()
}

/// The pod's uid, and the container's name, from the file that the kubelet mounts for a container's last words:
/// `…/pods/{uid}/containers/{name}/{id}`; the uid alone from others: `…/pods/{uid}/etc-hosts`.
fn mounted(mounts: &str) -> Option<(String, Option<String>)> {
    let of_pod = |line: &str| {
        let (_, rest) = line.split_once("/pods/")?;
        let path = rest.split(' ').next()?;
        let mut parts = path.split('/');
        let uid = parts.next().filter(|uid| is_uid(uid))?;
        let name = match parts.next() {
            Some("containers") => parts.next().and_then(plain),
            _ => None,
        };
        Some((uid.to_owned(), name))
    };
    let mut found = None;
    for pod in mounts.lines().filter_map(of_pod) {
        if pod.1.is_some() {
            return Some(pod);
        }
        found.get_or_insert(pod);
    }
    found
}

/// The uid in a control group's path: `…/pod{uid}/…` or, by systemd, `…-pod{uid}.slice/…` with underscores.
fn uid_of_cgroup(cgroup: &str) -> Option<String> {
    cgroup.lines().flat_map(|line| line.split('/')).find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let (_, uid) = part.rsplit_once("pod")?;
        let uid = uid.replace('_', "-");
        is_uid(&uid).then_some(uid)
    })
}

/// A UUID; of static pods a hash.
fn is_uid(text: &str) -> bool {
    matches!(text.len(), 32 | 36)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "8f3c1f3e-7c6f-4e59-9a3d-0d3f8ad1b2c4";

    fn found(
        variables: &[(&'static str, &str)],
        mounts: &str,
        cgroup: &str,
        files: &[(&str, &str)],
    ) -> Vec<String> {
        let file = |path: &str| {
            files.iter().find(|(at, _)| *at == path).map(|(_, text)| (*text).to_owned())
        };
        let facts = facts(&Variables::of(variables), mounts, cgroup, &file);
        facts.iter().map(|fact| format!("{}={}", fact.key, fact.value)).collect()
    }

    #[test]
    fn variables_go_before_files_and_files_before_mounts() {
        let mounts = format!(
            "1 2 0:1 / / rw - overlay overlay rw\n\
             3 1 8:1 /var/lib/kubelet/pods/{UID}/etc-hosts /etc/hosts rw - ext4 /dev/sda rw\n\
             4 1 8:1 /var/lib/kubelet/pods/{UID}/containers/app/1a2b /dev/termination-log rw - ext4 /dev/sda rw"
        );
        let files = [
            (NAMESPACE, "shop"),
            ("/etc/podinfo/name", "app-7d9f"),
            ("/etc/podinfo/nodename", "node-3"),
        ];
        assert_eq!(
            found(&[], &mounts, "", &files),
            [
                "k8s.namespace.name=shop",
                "k8s.node.name=node-3",
                "k8s.pod.name=app-7d9f",
                &format!("k8s.pod.uid={UID}"),
                "k8s.container.name=app",
            ]
        );
        let variables = [
            ("K8S_CLUSTER_NAME", "blue"),
            ("POD_NAMESPACE", "team"),
            ("POD_NAME", "app-1"),
            ("POD_UID", "uid-1"),
            ("NODE_NAME", "node-1"),
            ("K8S_NODE_NAME", "node-2"),
            ("K8S_CONTAINER_NAME", "main"),
        ];
        assert_eq!(
            found(&variables, &mounts, "", &files),
            [
                "k8s.cluster.name=blue",
                "k8s.namespace.name=team",
                "k8s.node.name=node-2",
                "k8s.pod.name=app-1",
                "k8s.pod.uid=uid-1",
                "k8s.container.name=main",
            ]
        );
    }

    #[test]
    fn a_pod_is_known_by_its_control_group() {
        let escaped = UID.replace('-', "_");
        for cgroup in [
            format!("12:pids:/kubepods/burstable/pod{UID}/abc"),
            format!(
                "0::/kubepods.slice/kubepods-burstable-pod{escaped}.slice/cri-containerd-abc.scope"
            ),
        ] {
            assert_eq!(found(&[], "", &cgroup, &[]), [format!("k8s.pod.uid={UID}")], "{cgroup}");
        }
        for other in ["0::/", "0::/podman/x", "0::/kubepods/pod../x", ""] {
            assert_eq!(found(&[], "", other, &[]), [""; 0], "{other}");
        }
    }

    #[test]
    fn hostile_mounts_say_nothing() {
        for mounts in [
            "3 1 8:1 /pods/ /x",
            "/pods/not-a-uid/containers/app/x /y",
            &format!("/pods/{UID}/containers/\u{1b}[31m/x /y"),
            &format!("/pods/{}", "a".repeat(200_000)),
        ] {
            let facts = found(&[], mounts, "", &[]);
            assert!(facts.iter().all(|fact| *fact == format!("k8s.pod.uid={UID}")), "{facts:?}");
        }
    }
}
