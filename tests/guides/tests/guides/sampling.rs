//! docs/sampling.md

use tracewire::Telemetry;
use tracewire::sampling::{ParentThreshold, RuleBased, Sampler};
use tracewire::setup::Traces;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = "GET /healthz*: off; POST /orders: on; 0.01; total 100/s";
    let rules = RuleBased::parse(rules, "shop")?;
    let sampler = Sampler::new(ParentThreshold::new(rules));
    let telemetry = Telemetry::builder().traces(Traces::new().sampler(sampler)).init()?;
    // ... the program ...
    telemetry.shutdown();
    Ok(())
}

fn print_rates(telemetry: &tracewire::Telemetry) {
    for (rule, rates) in telemetry.sampler().map(|sampler| sampler.rates()).unwrap_or_default() {
        println!("{rule}: {rates:?}");
    }
}

fn replace_rules(telemetry: &tracewire::Telemetry) -> Result<(), Box<dyn std::error::Error>> {
    use tracewire::sampling::{ParentThreshold, RuleBased, Sampler};

    let rules = RuleBased::parse("GET /healthz*: off; 0.05", "shop")?;
    telemetry.replace_sampler(Sampler::new(ParentThreshold::new(rules)));
    Ok(())
}

fn own_sdk() -> Result<opentelemetry_sdk::trace::SdkTracerProvider, Box<dyn std::error::Error>> {
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracewire::sampling::{ParentThreshold, Probability, Sampler};

    let sampler = Sampler::new(ParentThreshold::new(Probability::new(0.01)?));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    Ok(provider)
}

#[test]
fn rules_are_replaced_and_rates_are_printed() {
    let _ = main; // it is for a whole process
    let telemetry = tracewire::Telemetry::builder().build().unwrap();
    replace_rules(&telemetry).unwrap();
    print_rates(&telemetry);
    own_sdk().unwrap();
}
