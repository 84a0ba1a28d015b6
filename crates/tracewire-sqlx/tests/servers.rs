//! Servers that hang, hang up, refuse or talk nonsense.
#![cfg(feature = "postgres")]

use sqlx::{Error, postgres::PgPoolOptions, query};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tracewire_testing::Capture;

/// What a server does with each connection.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Nothing,
    HangsUp,
    Nonsense,
    Error,
}

async fn serve(answer: Answer, mut stream: TcpStream) -> std::io::Result<()> {
    match answer {
        Answer::HangsUp => return Ok(()),
        Answer::Nothing => {}
        Answer::Nonsense => stream.write_all(&[0xFF; 4096]).await?,
        Answer::Error => {
            let fields = b"SFATAL\0C28P01\0Mpassword SECRET is wrong\0\0";
            let mut message = vec![b'E'];
            message.extend((4 + fields.len() as u32).to_be_bytes());
            message.extend(fields);
            stream.write_all(&message).await?;
        }
    }
    // Until the client goes.
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

async fn port(answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(answer, stream));
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_is_no_help_fails_the_wait_and_makes_no_query() {
    for (answer, expected) in [
        (Answer::Nothing, "timeout"),
        (Answer::HangsUp, "connection_lost"),
        (Answer::Nonsense, "protocol"),
        (Answer::Error, "28P01"),
    ] {
        let url =
            format!("postgres://ada:SECRET@127.0.0.1:{}/shop?sslmode=disable", port(answer).await);
        let options = PgPoolOptions::new().acquire_timeout(Duration::from_millis(300));
        let pool = tracewire_sqlx::pool(options.connect_lazy(&url).unwrap());
        let capture = Capture::new();
        let failed = capture.run(query("SELECT 1").execute(&pool)).await;
        assert!(failed.is_err(), "{answer:?}");
        let spans = capture.finished().await;
        let wait = spans.only();
        assert_eq!(wait.name, "wait for connection", "{answer:?}");
        wait.has("error.type", expected).is_error();
        let everything = format!("{wait:?}{}", capture.metrics());
        assert!(!everything.contains("SECRET"), "{everything}");
    }
}

#[tokio::test]
async fn a_storm_on_a_server_that_hangs_ends_with_its_timeout() {
    let url =
        format!("postgres://ada@127.0.0.1:{}/shop?sslmode=disable", port(Answer::Nothing).await);
    let options =
        PgPoolOptions::new().max_connections(4).acquire_timeout(Duration::from_millis(300));
    let pool = tracewire_sqlx::pool(options.connect_lazy(&url).unwrap());
    let capture = Capture::new();
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(capture.run(async move { query("SELECT 1").execute(&pool).await }))
        })
        .collect();
    for caller in callers {
        let refused = caller.await.unwrap();
        assert!(matches!(refused, Err(Error::PoolTimedOut)), "{refused:?}");
    }
    assert_eq!(capture.finished().await.named("wait for connection").len(), 500);
    let metrics = capture.metrics();
    assert_eq!(metrics.one("db.client.connection.timeouts").only().value, 500.0);
    assert_eq!(metrics.one("db.client.connection.pending_requests").only().value, 0.0);
}
