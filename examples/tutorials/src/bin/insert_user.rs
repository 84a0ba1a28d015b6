//! A function inside a span of a named tracer. Its error is recorded automatically.

use std::num::ParseIntError;
use tracewire::span::{Tracer, current};

static TRACER: Tracer = Tracer::new("app_or_package_name").version("1.0.0");

async fn insert_user(id: &str, email: &str) -> Result<u64, ParseIntError> {
    let work = async {
        current().if_recording(|span| {
            span.set_attributes([("user.id", id), ("user.email", email)]);
        });
        create_user(id, email).await
    };
    TRACER.span("insert-user").run(work).await
}

async fn create_user(id: &str, _email: &str) -> Result<u64, ParseIntError> {
    id.parse()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = tracewire::init()?;
    insert_user("42", "ada@example.com").await?;
    let _refused = insert_user("forty-two", "ada@example.com").await;
    telemetry.shutdown();
    Ok(())
}
