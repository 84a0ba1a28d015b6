//! docs/configuration-file.md

fn plan() -> Result<tracewire::setup::Plan, tracewire::InitError> {
    let plan = tracewire::Telemetry::builder().config_file("otel.yaml").plan()?;
    Ok(plan)
}

fn with_component() -> Result<tracewire::Telemetry, tracewire::InitError> {
    use tracewire::setup::Component;

    let telemetry = tracewire::Telemetry::builder()
        .component(Component::span_processor("tenant", |properties| {
            let keys = properties["keys"].as_array().ok_or("`keys` is missing")?;
            let keys = keys.iter().filter_map(|key| key.as_str().map(str::to_owned));
            Ok::<_, &str>(tracewire::setup::BaggageAttributes::new(keys))
        }))
        .init()?;
    Ok(telemetry)
}

#[test]
fn a_file_that_is_not_there_is_named() {
    assert!(plan().unwrap_err().to_string().contains("otel.yaml"));
    let _ = with_component; // it is for a whole process
}
