"""Writes registry.txt: what one version of OpenTelemetry's semantic conventions says of the names that we use.

    python3 registry.py SEMANTIC_CONVENTIONS v1.44.0 > registry.txt

SEMANTIC_CONVENTIONS is a clone of github.com/open-telemetry/semantic-conventions, and PyYAML has to be there. The
namespaces are those of main.rs. Set SCHEMA_URL in crates/tracewire-http/src/conventions.rs to the same version.
"""

import subprocess
import sys

import yaml

NAMESPACES = """aws azure client cloud code container cpu db deployment dns error exception faas gcp host http k8s
network os otel process rpc server service system telemetry thread url user_agent""".split()
METRICS = ("db.client.", "dns.", "http.", "otel.sdk.", "process.", "rpc.client.call", "rpc.server.call")
EVENTS = {
    "db.client.operation.exception",
    "exception",
    "http.client.request.exception",
    "http.server.request.exception",
    "rpc.client.call.exception",
    "rpc.server.call.exception",
}
SPANS = {
    "span.db.client",
    "span.http.client",
    "span.http.server",
    "span.rpc.grpc.call.client",
    "span.rpc.grpc.call.server",
}


def model(clone, version):
    """The attributes of the model, and its groups by their ids; deprecated ones too."""

    def git(*arguments):
        return subprocess.run(["git", "-C", clone, *arguments], check=True, capture_output=True, text=True).stdout

    named, groups = [], {}
    for path in git("ls-tree", "-r", "--name-only", version, "model").split():
        if path.endswith(".yaml"):
            content = yaml.safe_load(git("show", f"{version}:{path}")) or {}
            # The second version of the model's format has attributes beside groups.
            named += [(attribute["key"], attribute) for attribute in content.get("attributes", [])]
            for group in content.get("groups", []):
                groups[group["id"]] = group
                if group["type"] == "attribute_group":
                    own = (attribute for attribute in group.get("attributes", []) if "id" in attribute)
                    named += [(attribute["id"], attribute) for attribute in own]
    return named, groups


def level(attribute):
    given = attribute.get("requirement_level", "recommended")
    return next(iter(given)) if isinstance(given, dict) else given


def attributes(group, all_groups):
    """The names and the levels of a group's attributes, those of the groups that it extends or refers to included."""
    found = {}
    if "extends" in group:
        found.update(attributes(all_groups[group["extends"]], all_groups))
    for attribute in group.get("attributes", []):
        if "ref_group" in attribute:
            found.update(attributes(all_groups[attribute["ref_group"]], all_groups))
            continue
        name = attribute.get("ref") or attribute["id"]
        if "requirement_level" in attribute or name not in found:
            found[name] = level(attribute)
    return found


def kind(attribute):
    """The type, and the values of an enumeration."""
    given = attribute["type"]
    if not isinstance(given, dict):
        return given, []
    values = [member["value"] for member in given["members"]]
    return ("string" if isinstance(values[0], str) else "int"), [str(value) for value in values]


def main(clone, version):
    named, all_groups = model(clone, version)
    print(f"# OpenTelemetry's semantic conventions {version}, by registry.py. Copyright of OpenTelemetry's authors,")
    print("# under the Apache License 2.0. Do not edit.")
    print(f"version {version.removeprefix('v')}")
    lines = []
    for name, attribute in named:
        if name.split(".")[0] in NAMESPACES:
            its_kind, values = kind(attribute)
            state = "deprecated" if "deprecated" in attribute else attribute["stability"]
            lines.append(f"attribute {name} {its_kind} {state} {','.join(values)}".rstrip())
    print("\n".join(sorted(set(lines))))
    for group in sorted(all_groups.values(), key=lambda group: group["id"]):
        if "deprecated" in group:
            continue
        state = group.get("stability")
        if group["type"] == "metric" and group["metric_name"].startswith(METRICS):
            brief = " ".join(group["brief"].split()).rstrip(".")
            print(f"metric {group['metric_name']} {group['instrument']} {group['unit']} {state} {brief}")
        elif group["type"] == "span" and group["id"] in SPANS:
            print(f"span {group['id'].removeprefix('span.')} {group['span_kind']} {state}")
        elif group["type"] == "event" and group["name"] in EVENTS:
            print(f"event {group['name']} {state}")
        else:
            continue
        for name, its_level in sorted(attributes(group, all_groups).items()):
            print(f"  {name} {its_level}")


main(*sys.argv[1:])
