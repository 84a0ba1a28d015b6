//! Commands through a traced connection.

use proptest::prelude::*;
use redis::{
    AsyncCommands, Cmd, Pipeline, RedisError, RedisFuture, Value, aio::ConnectionLike, cmd, pipe,
};
use std::{future, io};
use tracewire_testing::Capture;

/// A connection that answers what its key says.
#[derive(Clone)]
struct Fake;

impl ConnectionLike for Fake {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let sent = String::from_utf8_lossy(&cmd.get_packed_command()).into_owned();
        let answer = match &sent {
            sent if sent.contains("hangs") => return Box::pin(future::pending()),
            sent if sent.contains("refused") => {
                Err(RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused)))
            }
            sent if sent.contains("wrong") => {
                redis::parse_redis_value(b"-WRONGTYPE not a SECRET\r\n")
            }
            sent if sent.contains("script") => {
                redis::parse_redis_value(b"-SECRET1 of a script\r\n")
            }
            sent if sent.contains("nothing") => Ok(Value::Nil),
            _ => Ok(Value::Int(25)),
        };
        Box::pin(future::ready(answer))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(future::ready(Ok(vec![Value::Int(1); count.max(1)])))
    }

    fn get_db(&self) -> i64 {
        3
    }
}

#[tokio::test]
async fn every_command_is_a_span_without_keys_and_values() {
    let capture = Capture::new();
    let client = redis::Client::open("redis://ada:SECRET@cache.internal:6380/3").unwrap();
    let mut redis = tracewire_redis::connection(Fake).info(client.get_connection_info());
    let work = async {
        let price: i64 = redis.get("SECRET").await.unwrap();
        assert_eq!(price, 25);
        let nothing: Option<i64> = redis.get("nothing").await.unwrap();
        assert_eq!(nothing, None);
        redis.lpush::<_, _, i64>("wrong", "SECRET").await.unwrap_err();
        redis.get::<_, i64>("refused").await.unwrap_err();
        cmd("EVAL").arg("script").query_async::<i64>(&mut redis).await.unwrap_err();
        cmd("SECRET word").exec_async(&mut redis).await.unwrap();
        pipe().get("SECRET").get("b").query_async::<Vec<i64>>(&mut redis).await.unwrap();
        pipe().get("a").del("b").query_async::<Vec<i64>>(&mut redis).await.unwrap();
    };
    capture.run(work).await;
    let spans = capture.finished().await;
    spans.assert_tree(
        "
        GET 3 [client]
        GET 3 [client]
        LPUSH 3 [client] error
        GET 3 [client] error
        EVAL 3 [client] error
        _OTHER 3 [client]
        PIPELINE GET 3 [client]
        PIPELINE 3 [client]
        ",
    );
    spans.one("LPUSH 3").has_exactly([
        ("db.system.name", opentelemetry_value("redis")),
        ("db.namespace", opentelemetry_value("3")),
        ("db.operation.name", opentelemetry_value("LPUSH")),
        ("db.response.status_code", opentelemetry_value("WRONGTYPE")),
        ("error.type", opentelemetry_value("WRONGTYPE")),
        ("server.address", opentelemetry_value("cache.internal")),
        ("server.port", tracewire_span::Value::I64(6380)),
    ]);
    spans.one("PIPELINE GET 3").has("db.operation.batch.size", 2);
    let everything = format!("{spans}{}", capture.metrics());
    assert!(!everything.contains("SECRET"), "{everything}");
}

fn opentelemetry_value(text: &'static str) -> tracewire_span::Value {
    text.into()
}

#[tokio::test]
async fn a_pipeline_of_many_commands_is_one_span() {
    let capture = Capture::new();
    let mut redis = tracewire_redis::connection(Fake);
    let mut pipeline = pipe();
    for number in 0..50_000 {
        let name = if number % 2 == 0 { "SET" } else { "set" };
        pipeline.cmd(name).arg("SECRET").arg(number).ignore();
    }
    capture.run(pipeline.exec_async(&mut redis)).await.unwrap();
    let span = capture.finished().await.only();
    assert_eq!(span.name, "PIPELINE SET 3");
    span.has("db.operation.batch.size", 50_000);
}

#[tokio::test]
async fn a_command_that_hangs_ends_with_its_caller() {
    let capture = Capture::new();
    let mut redis = tracewire_redis::connection(Fake);
    let get = capture.run(async { redis.get::<_, i64>("hangs").await });
    let mut get = Box::pin(get);
    let waker = std::task::Waker::noop();
    assert!(get.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    drop(get);
    capture.finished().await.only().has_no("error.type");
}

/// Commands that carry passwords, and any others, with any bytes.
fn commands() -> impl Strategy<Value = Vec<Cmd>> {
    let name = prop::sample::select(vec![
        "AUTH",
        "HELLO",
        "ACL",
        "CONFIG",
        "MIGRATE",
        "EVAL",
        "SET",
        "MSET",
        "get",
        "GET SECRET",
        "SECRET\r\n",
        "",
        "\u{0}",
    ]);
    let argument = prop_oneof![
        Just(b"SECRET".to_vec()),
        Just(b"ada SECRET SETUSER".to_vec()),
        Just(b"wrong SECRET".to_vec()),
        Just(b"refused".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| [&bytes[..], b"SECRET"].concat()),
        Just(vec![b'x'; 1 << 16]),
    ];
    let command = (name, prop::collection::vec(argument, 0..4)).prop_map(|(name, arguments)| {
        let mut command = cmd(name);
        for argument in arguments {
            command.arg(argument);
        }
        command
    });
    prop::collection::vec(command, 0..5)
}

proptest! {
    #[test]
    fn no_key_no_value_and_no_password_is_exported(commands in commands(), atomic in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let capture = Capture::new();
        let client = redis::Client::open("redis://SECRET:SECRET@cache.internal:6380/3").unwrap();
        let mut redis = tracewire_redis::connection(Fake).info(client.get_connection_info());
        let work = async {
            let mut pipeline = pipe();
            if atomic {
                pipeline.atomic();
            }
            for command in &commands {
                let _ = command.query_async::<Value>(&mut redis).await;
                pipeline.add_command(command.clone());
            }
            let _ = pipeline.query_async::<Value>(&mut redis).await;
        };
        runtime.block_on(capture.run(work));
        let spans = capture.spans();
        prop_assert!(spans.len() >= commands.len());
        let everything = format!("{spans:?}{}{redis:?}", capture.metrics());
        prop_assert!(!everything.contains("SECRET"), "{everything}");
        prop_assert!(spans.iter().all(|span| span.name.len() <= 64), "{spans}");
    }
}
