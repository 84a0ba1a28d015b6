//! AWS: the instance by EC2's metadata service, version 2, or the task by ECS's agent.

use opentelemetry::{Array, KeyValue, StringValue, Value as AttributeValue};
use serde_json::Value;

use super::server::{Server, base, fact, text};
use crate::config::detectors::variables::{Variables, plain};

const EC2_IPV4: &str = "http://169.254.169.254";
const EC2_IPV6: &str = "http://[fd00:ec2::254]";
/// How long the token that is asked for counts, in seconds.
const TOKEN_LIFE: &str = "60";
/// The longest token, in bytes. Those of today have 56.
const LONGEST_TOKEN: usize = 512;

/// Asks about the task on ECS, and about the instance elsewhere. On Lambda there is nobody to ask.
pub(super) fn ask(
    server: &Server,
    variables: &Variables,
    found: &mut dyn FnMut(KeyValue),
) -> Result<(), String> {
    const ECS: &str = "ECS_CONTAINER_METADATA_URI_V4";
    if variables.get("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        return Ok(());
    }
    if let Some(uri) = variables.get(ECS) {
        return ecs(server, &base(ECS, uri)?, found);
    }
    match endpoint(variables)? {
        Some(endpoint) => ec2(server, &endpoint, found),
        None => Ok(()),
    }
}

/// Where EC2's service is, by the variables that AWS's own tools read; `None` if it is not to be asked.
fn endpoint(variables: &Variables) -> Result<Option<String>, String> {
    const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    let is_set =
        |name, value| variables.get(name).is_some_and(|text| text.eq_ignore_ascii_case(value));
    if is_set("AWS_EC2_METADATA_DISABLED", "true") {
        return Ok(None);
    }
    if let Some(endpoint) = variables.get(ENDPOINT) {
        return base(ENDPOINT, endpoint).map(Some);
    }
    let is_ipv6 = is_set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6");
    Ok(Some(if is_ipv6 { EC2_IPV6 } else { EC2_IPV4 }.to_owned()))
}

fn ec2(server: &Server, base: &str, found: &mut dyn FnMut(KeyValue)) -> Result<(), String> {
    let life = [("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE)];
    let token = server.put(&format!("{base}/latest/api/token"), &life)?.unwrap_or_default();
    let token = token.trim();
    // It becomes a header.
    let is_token = (1..=LONGEST_TOKEN).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err("the token of EC2's metadata service is not one".to_owned());
    }
    let token = [("X-aws-ec2-metadata-token", token)];
    let path = "latest/dynamic/instance-identity/document";
    let document = server.object(&format!("{base}/{path}"), &token)?;
    let Some(instance) = fact("host.id", &document, &["instanceId"]) else {
        return Err("the identity document of EC2 names no instance".to_owned());
    };
    found(KeyValue::new("cloud.provider", "aws"));
    found(KeyValue::new("cloud.platform", "aws_ec2"));
    found(instance);
    for (key, field) in [
        ("cloud.account.id", "accountId"),
        ("cloud.region", "region"),
        ("cloud.availability_zone", "availabilityZone"),
        ("host.type", "instanceType"),
        ("host.image.id", "imageId"),
    ] {
        fact(key, &document, &[field]).into_iter().for_each(&mut *found);
    }
    let name = server.get(&format!("{base}/latest/meta-data/hostname"), &token, |_| true)?;
    let name = name.as_deref().and_then(plain);
    name.map(|name| KeyValue::new("host.name", name)).into_iter().for_each(found);
    Ok(())
}

fn ecs(server: &Server, base: &str, found: &mut dyn FnMut(KeyValue)) -> Result<(), String> {
    let container = server.object(base, &[])?;
    found(KeyValue::new("cloud.provider", "aws"));
    found(KeyValue::new("cloud.platform", "aws_ecs"));
    for (key, field) in [
        ("container.id", "DockerId"),
        ("container.name", "Name"),
        ("aws.ecs.container.arn", "ContainerARN"),
        ("cloud.resource_id", "ContainerARN"),
    ] {
        fact(key, &container, &[field]).into_iter().for_each(&mut *found);
    }
    logs(&container).into_iter().for_each(&mut *found);
    let task = server.object(&format!("{base}/task"), &[])?;
    of_task(&task).into_iter().for_each(found);
    Ok(())
}

/// What the task's answer says.
fn of_task(task: &Value) -> Vec<KeyValue> {
    let arn = text(task, &["TaskARN"]);
    // arn:aws:ecs:{region}:{account}:task/{cluster}/{id}
    let of_arn = |at: usize| plain(arn.as_deref()?.split(':').nth(at)?);
    let id = arn.as_deref().and_then(|arn| plain(arn.rsplit_once('/')?.1));
    let cluster = text(task, &["Cluster"]).and_then(|cluster| match (of_arn(3), of_arn(4)) {
        _ if cluster.starts_with("arn:") => Some(cluster),
        (Some(region), Some(account)) => {
            Some(format!("arn:aws:ecs:{region}:{account}:cluster/{cluster}"))
        }
        _ => None,
    });
    let launch = match text(task, &["LaunchType"]).as_deref() {
        Some("EC2") => Some("ec2"),
        Some("FARGATE") => Some("fargate"),
        _ => None,
    };
    let owned = |key: &'static str, value: Option<String>| Some(KeyValue::new(key, value?));
    [
        owned("cloud.region", of_arn(3)),
        owned("cloud.account.id", of_arn(4)),
        fact("cloud.availability_zone", task, &["AvailabilityZone"]),
        launch.map(|launch| KeyValue::new("aws.ecs.launchtype", launch)),
        owned("aws.ecs.cluster.arn", cluster),
        owned("aws.ecs.task.id", id),
        fact("aws.ecs.task.family", task, &["Family"]),
        fact("aws.ecs.task.revision", task, &["Revision"]),
        owned("aws.ecs.task.arn", arn.clone()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The log group and stream, where the container's log driver is that of CloudWatch.
fn logs(container: &Value) -> Vec<KeyValue> {
    if text(container, &["LogDriver"]).as_deref() != Some("awslogs") {
        return Vec::new();
    }
    let list = |key: &'static str, field: &str| {
        let name = text(container, &["LogOptions", field])?;
        let names = Array::String(vec![StringValue::from(name)]);
        Some(KeyValue::new(key, AttributeValue::Array(names)))
    };
    [list("aws.log.group.names", "awslogs-group"), list("aws.log.stream.names", "awslogs-stream")]
        .into_iter()
        .flatten()
        .collect()
}
