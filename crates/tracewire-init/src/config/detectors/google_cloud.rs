//! Google Cloud: Cloud Run, Cloud Functions and App Engine, from variables.

use opentelemetry::KeyValue;

use super::variables::Variables;

/// What Cloud Run, Cloud Functions or App Engine say of themselves.
///
/// Knative sets the same variables as Cloud Run wherever it runs.
pub(super) fn google_cloud(variables: &Variables) -> Vec<KeyValue> {
    let Some(platform) = platform(variables) else { return Vec::new() };
    let is_set = |name| variables.get(name).is_some();
    let facts: &[(&'static str, &str)] = if is_set("K_SERVICE") {
        &[("faas.name", "K_SERVICE"), ("faas.version", "K_REVISION")]
    } else if is_set("CLOUD_RUN_JOB") {
        &[("faas.name", "CLOUD_RUN_JOB"), ("gcp.cloud_run.job.execution", "CLOUD_RUN_EXECUTION")]
    } else {
        &[
            ("faas.name", "GAE_SERVICE"),
            ("faas.version", "GAE_VERSION"),
            ("faas.instance", "GAE_INSTANCE"),
        ]
    };
    let mut found =
        vec![KeyValue::new("cloud.provider", "gcp"), KeyValue::new("cloud.platform", platform)];
    found.extend(variables.attribute("cloud.account.id", "GOOGLE_CLOUD_PROJECT"));
    found.extend(facts.iter().filter_map(|(key, name)| variables.attribute(key, name)));
    if let Some(index) = variables.get("CLOUD_RUN_TASK_INDEX").and_then(|text| text.parse().ok()) {
        let index: i64 = index;
        found.push(KeyValue::new("gcp.cloud_run.job.task_index", index));
    }
    found
}

/// `cloud.platform`, where variables tell it.
pub(super) fn platform(variables: &Variables) -> Option<&'static str> {
    let is_set = |name| variables.get(name).is_some();
    if is_set("K_SERVICE") && is_set("FUNCTION_TARGET") {
        Some("gcp_cloud_functions")
    } else if is_set("K_SERVICE") || is_set("CLOUD_RUN_JOB") {
        Some("gcp_cloud_run")
    } else if is_set("GAE_SERVICE") {
        Some("gcp_app_engine")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&'static str, &str)]) -> Vec<String> {
        let facts = google_cloud(&Variables::of(variables));
        facts.iter().map(|fact| format!("{}={}", fact.key, fact.value)).collect()
    }

    #[test]
    fn each_platform_is_known_by_its_variables() {
        assert_eq!(found(&[("GOOGLE_CLOUD_PROJECT", "shop-1")]), [""; 0]);
        let run = [
            ("K_SERVICE", "prices"),
            ("K_REVISION", "prices-00007"),
            ("GOOGLE_CLOUD_PROJECT", "shop-1"),
        ];
        let named = ["faas.name=prices", "faas.version=prices-00007"];
        assert_eq!(
            found(&run),
            [
                "cloud.provider=gcp",
                "cloud.platform=gcp_cloud_run",
                "cloud.account.id=shop-1",
                named[0],
                named[1]
            ]
        );
        let function = [run[0], run[1], ("FUNCTION_TARGET", "main")];
        assert_eq!(
            found(&function),
            ["cloud.provider=gcp", "cloud.platform=gcp_cloud_functions", named[0], named[1]]
        );
        let job = [
            ("CLOUD_RUN_JOB", "import"),
            ("CLOUD_RUN_EXECUTION", "import-abc"),
            ("CLOUD_RUN_TASK_INDEX", "3"),
        ];
        assert_eq!(
            found(&job),
            [
                "cloud.provider=gcp",
                "cloud.platform=gcp_cloud_run",
                "faas.name=import",
                "gcp.cloud_run.job.execution=import-abc",
                "gcp.cloud_run.job.task_index=3"
            ]
        );
        let engine = [("GAE_SERVICE", "default"), ("GAE_VERSION", "7"), ("GAE_INSTANCE", "aef0")];
        assert_eq!(
            found(&engine),
            [
                "cloud.provider=gcp",
                "cloud.platform=gcp_app_engine",
                "faas.name=default",
                "faas.version=7",
                "faas.instance=aef0"
            ]
        );
    }
}
