//! What must hold of facts about where the process runs.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::{cell::Cell, rc::Rc};
use tracewire_export::wiring::MetadataAnswer;
use tracewire_init::fuzzing::{facts_of_answers, facts_of_files};
use tracewire_text::is_unsafe;
use url::Url;

/// The longest value, and the longest of several values.
const MOST_VALUE: usize = 1024;
const MOST_JOINED: usize = 4 * MOST_VALUE;
/// Stands in every answer, and in no error.
const MARK: &str = "M4RKED";
const STATUSES: [u16; 8] = [200, 200, 200, 404, 200, 500, 301, 204];
const FLAVORS: [&str; 4] = ["Google", "Google", "google", "Amazon"];

/// Reads files: of control groups, mounts, ECS's agent and the system's release, with NUL between.
pub fn files(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0');
    let [cgroup, mounts, ecs, release] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let facts = facts_of_files([cgroup, mounts, ecs, release]);
    let of = |key: &str| facts.iter().find(|(own, _)| own == key).map(|(_, value)| &**value);
    facts.iter().for_each(|(key, value)| check(key, value));
    if let Some(id) = of("container.id") {
        assert!(is_hex(id, &[64]) && (cgroup.contains(id) || mounts.contains(id)), "{id}");
    }
    if let Some(uid) = of("k8s.pod.uid") {
        assert!(is_hex(&uid.replace('-', ""), &[uid.replace('-', "").len()]), "{uid}");
    }
    of_json(ecs, "ContainerName", of("container.name"));
    of_json(ecs, "TaskDefinitionFamily", of("aws.ecs.task.family"));

    // What a runtime writes behind all that is found, if nothing before it was.
    let id = "0123456789abcdef".repeat(4);
    let written = format!("{cgroup}\n0::/system.slice/docker-{id}.scope");
    let found = facts_of_files([&written, mounts, ecs, release]);
    let found = found.iter().find(|(key, _)| key == "container.id").map(|(_, found)| &**found);
    assert!(
        found == Some(&*id)
            || facts_of_files([cgroup, "", "", ""]).iter().any(|(_, own)| Some(&**own) == found)
    );
}

/// The field of a JSON object is what `serde_json` reads, where each name stands once and nothing is escaped.
fn of_json(text: &str, field: &str, found: Option<&str>) {
    if text.contains('\\') || text.matches(&format!("\"{field}\"")).count() != 1 {
        return;
    }
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return };
    let Some(expected) = object.get(field) else { return };
    let is_plain =
        |text: &&str| (1..=MOST_VALUE).contains(&text.len()) && !text.chars().any(is_unsafe);
    assert_eq!(found, expected.as_str().map(str::trim).filter(is_plain), "{text}");
}

/// Asks the metadata servers of all clouds, which answer one part after the other, with NUL between. The first
/// part is where they are; of the others the first byte chooses the status and a header.
pub fn answers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(MARK) {
        return;
    }
    let mut parts = text.split('\0').map(str::to_owned);
    let place = parts.next().unwrap_or_default();
    let parts: Rc<[String]> = parts.collect();
    let mut variables = vec![
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*place),
        ("GCE_METADATA_HOST", &*place),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("ECS_CONTAINER_METADATA_URI_V4", &*place),
    ];
    // On a virtual machine, in a cluster, and on ECS.
    for number in 2..=variables.len() {
        let chosen = &mut variables[..number];
        if number == 2 && place.len() % 2 == 0 {
            chosen.iter_mut().for_each(|(_, value)| *value = "");
        }
        let answered = Rc::new(Cell::new(0));
        let (parts, count) = (parts.clone(), answered.clone());
        let answer = move |url: &str, headers: &[(&str, &str)]| {
            count.set(count.get() + 1);
            checked(url, headers);
            let part = parts.get(count.get() - 1).map_or("", String::as_str);
            answer(part)
        };
        for (facts, stopped) in facts_of_answers(chosen, answer) {
            facts.iter().for_each(|(key, value)| check(key, value));
            let mut keys: Vec<_> = facts.iter().map(|(key, _)| key).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), facts.len(), "{facts:?}");
            if let Some(why) = stopped {
                assert!(why.len() < 2_000 && !why.chars().any(is_unsafe), "{why}");
                assert!(!why.contains(MARK), "{why}");
            }
        }
        assert!(answered.get() <= 20, "{} requests", answered.get());
    }
}

/// A request goes to a server on plain HTTP, without credentials, and can be sent.
fn checked(url: &str, headers: &[(&str, &str)]) {
    let url: Url = url.parse().expect("it was read before");
    assert!(url.scheme() == "http" && url.has_host(), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    for (name, value) in headers {
        HeaderName::from_bytes(name.as_bytes()).expect("it is a name");
        HeaderValue::from_str(value).expect("it is a value");
    }
}

fn answer(part: &str) -> MetadataAnswer {
    let choice = part.chars().next().map_or(0, |first| first as usize);
    let body = part.get(1..).unwrap_or_default();
    let mut headers = HeaderMap::new();
    let flavor = FLAVORS[choice / STATUSES.len() % FLAVORS.len()];
    headers.insert("metadata-flavor", HeaderValue::from_static(flavor));
    let status = STATUSES[choice % STATUSES.len()];
    // What is refused is not shown.
    let text = if status == 200 { body.to_owned() } else { format!("{body}{MARK}") };
    MetadataAnswer { status, headers, text }
}

fn check(key: &str, value: &str) {
    let is_joined = key.ends_with(".arn") || key.ends_with(".names");
    let most = if is_joined { MOST_JOINED } else { MOST_VALUE };
    assert!((1..=most).contains(&value.len()), "{key}: {} bytes", value.len());
    assert!(!value.chars().any(is_unsafe), "{key}: {value:?}");
    assert_eq!(value, value.trim(), "{key}");
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
