//! AWS: Lambda and ECS, from variables and the file that ECS's agent writes.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::files;
use super::variables::{Variables, plain};

/// What Lambda or ECS say of themselves.
pub(super) fn aws(variables: &Variables) -> Vec<KeyValue> {
    if variables.get("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        return lambda(variables);
    }
    let path = variables.get("ECS_CONTAINER_METADATA_FILE");
    let launch = variables.get("AWS_EXECUTION_ENV").and_then(|name| name.strip_prefix("AWS_ECS_"));
    if path.is_none() && launch.is_none() {
        return Vec::new();
    }
    let file = path.and_then(files::read).unwrap_or_default();
    ecs(variables, launch, &file)
}

fn lambda(variables: &Variables) -> Vec<KeyValue> {
    let group = variables.get("AWS_LAMBDA_LOG_GROUP_NAME").map(|name| {
        let names = Array::String(vec![StringValue::from(name.to_owned())]);
        KeyValue::new("aws.log.group.names", Value::Array(names))
    });
    [
        Some(KeyValue::new("cloud.provider", "aws")),
        Some(KeyValue::new("cloud.platform", "aws_lambda")),
        variables.attribute("cloud.region", "AWS_REGION"),
        variables.attribute("faas.name", "AWS_LAMBDA_FUNCTION_NAME"),
        variables.attribute("faas.version", "AWS_LAMBDA_FUNCTION_VERSION"),
        variables.attribute("faas.instance", "AWS_LAMBDA_LOG_STREAM_NAME"),
        variables.mebibytes("faas.max_memory", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        group,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `file` is the container metadata file, or empty.
pub(super) fn ecs(variables: &Variables, launch: Option<&str>, file: &str) -> Vec<KeyValue> {
    let named =
        |key: &'static str, field: &str| Some(KeyValue::new(key, plain(text_field(file, field)?)?));
    let task = text_field(file, "TaskARN").and_then(plain);
    // arn:aws:ecs:{region}:{account}:task/{cluster}/{id}
    let of_task = |at: usize| plain(task.as_deref()?.split(':').nth(at)?);
    let id = task.as_deref().and_then(|arn| plain(arn.rsplit_once('/')?.1));
    let launch = launch.and_then(|launch| match launch {
        "FARGATE" => Some("fargate"),
        "EC2" => Some("ec2"),
        _ => None,
    });
    let region = variables.get("AWS_REGION").map(str::to_owned).or_else(|| of_task(3));
    let cluster = text_field(file, "Cluster").and_then(plain).map(|cluster| {
        match (&*cluster, of_task(3), of_task(4)) {
            (name, Some(region), Some(account)) if !name.starts_with("arn:") => {
                format!("arn:aws:ecs:{region}:{account}:cluster/{name}")
            }
            _ => cluster,
        }
    });
    let owned = |key: &'static str, value: Option<String>| Some(KeyValue::new(key, value?));
    [
        Some(KeyValue::new("cloud.provider", "aws")),
        Some(KeyValue::new("cloud.platform", "aws_ecs")),
        owned("cloud.region", region),
        owned("cloud.account.id", of_task(4)),
        named("cloud.availability_zone", "AvailabilityZone"),
        launch.map(|launch| KeyValue::new("aws.ecs.launchtype", launch)),
        owned("aws.ecs.cluster.arn", cluster),
        owned("aws.ecs.task.arn", task.clone()),
        owned("aws.ecs.task.id", id),
        named("aws.ecs.task.family", "TaskDefinitionFamily"),
        named("aws.ecs.task.revision", "TaskDefinitionRevision"),
        named("container.name", "ContainerName"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The text of a field of a JSON object. One with an escape is not read: no name or ARN has any.
fn text_field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    // The name may also be the value of another field, such as the name of a container.
    json.split(&format!("\"{name}\"")).skip(1).find_map(|rest| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (value, _) = rest.split_once('"')?;
        (!value.contains('\\')).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(facts: &[KeyValue]) -> Vec<String> {
        facts.iter().map(|fact| format!("{}={}", fact.key, fact.value)).collect()
    }

    #[test]
    fn elsewhere_nothing_is_found() {
        assert!(aws(&Variables::of(&[("AWS_REGION", "eu-west-1")])).is_empty());
        assert!(aws(&Variables::of(&[("AWS_EXECUTION_ENV", "CloudShell")])).is_empty());
    }

    #[test]
    fn lambda_is_known_by_its_variables() {
        let variables = Variables::of(&[
            ("AWS_LAMBDA_FUNCTION_NAME", "prices"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/26/[$LATEST]abc"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/prices"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        assert_eq!(
            shown(&aws(&variables)),
            [
                "cloud.provider=aws",
                "cloud.platform=aws_lambda",
                "cloud.region=eu-west-1",
                "faas.name=prices",
                "faas.version=$LATEST",
                "faas.instance=2026/11/26/[$LATEST]abc",
                "faas.max_memory=134217728",
                "aws.log.group.names=[\"/aws/lambda/prices\"]",
            ]
        );
        for size in ["-1", "0", "x", "9999999999999999999", "9223372036854775807"] {
            let pairs =
                [("AWS_LAMBDA_FUNCTION_NAME", "f"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", size)];
            let facts = shown(&aws(&Variables::of(&pairs)));
            assert!(!facts.iter().any(|fact| fact.contains("max_memory")), "{size}");
        }
    }

    #[test]
    fn a_task_of_ecs_is_known_by_its_metadata_file() {
        let file = r#"{ "Cluster": "shop", "TaskARN":
            "arn:aws:ecs:us-west-2:012345678910:task/shop/2b88376d", "ContainerName" : "app",
            "TaskDefinitionFamily": "prices", "TaskDefinitionRevision": "7",
            "AvailabilityZone": "us-west-2b", "ImageName": "a\"b" }"#;
        assert_eq!(
            shown(&ecs(&Variables::default(), Some("EC2"), file)),
            [
                "cloud.provider=aws",
                "cloud.platform=aws_ecs",
                "cloud.region=us-west-2",
                "cloud.account.id=012345678910",
                "cloud.availability_zone=us-west-2b",
                "aws.ecs.launchtype=ec2",
                "aws.ecs.cluster.arn=arn:aws:ecs:us-west-2:012345678910:cluster/shop",
                "aws.ecs.task.arn=arn:aws:ecs:us-west-2:012345678910:task/shop/2b88376d",
                "aws.ecs.task.id=2b88376d",
                "aws.ecs.task.family=prices",
                "aws.ecs.task.revision=7",
                "container.name=app",
            ]
        );
        let fargate = [("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"), ("AWS_REGION", "eu-west-1")];
        assert_eq!(
            shown(&aws(&Variables::of(&fargate))),
            [
                "cloud.provider=aws",
                "cloud.platform=aws_ecs",
                "cloud.region=eu-west-1",
                "aws.ecs.launchtype=fargate"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_file_makes_an_odd_fact(
            arn in "(arn:aws:ecs:)?[a-z:/ \u{1b}\u{202e}é]{0,12}",
            cluster in "(arn:)?[a-z\u{7f}]{0,4}",
            rest in "\\PC{0,40}",
        ) {
            let file = format!("{{\"TaskARN\": \"{arn}\", \"Cluster\": \"{cluster}\", {rest}");
            for fact in ecs(&Variables::default(), None, &file) {
                let value = fact.value.to_string();
                prop_assert_eq!(plain(&value), Some(value));
            }
        }
    }

    #[test]
    fn a_container_may_have_the_name_of_a_field() {
        let file = r#"{"ContainerName":"Cluster","Cluster":"shop"}"#;
        let facts = shown(&ecs(&Variables::default(), None, file));
        assert_eq!(facts[2..], ["aws.ecs.cluster.arn=shop", "container.name=Cluster"]);
    }

    #[test]
    fn hostile_files_say_nothing() {
        for file in [
            "{",
            r#""Cluster""#,
            r#""Cluster":"#,
            r#""Cluster":""#,
            r#""Cluster":"a\"b""#,
            "\"Cluster\":\"a\u{1b}b\"",
            r#""Cluster":7"#,
            r#""Cluster":"""#,
        ] {
            let facts = shown(&ecs(&Variables::default(), None, file));
            assert_eq!(facts, ["cloud.provider=aws", "cloud.platform=aws_ecs"], "{file}");
        }
    }
}
