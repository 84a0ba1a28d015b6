//! nginx as the trusted proxy: what a client claims in forwarding headers of its own is not
//! believed, however nginx is configured to write them.

use crate::{
    lab::{Lab, free_port},
    peer::without_tracers,
    process::Process,
    relay::expect,
    row::{Checks, System},
};
use axum::{Router, routing::get};
use opentelemetry::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
};
use tracewire_testing::{Capture, Span};
use tracewire_tower::{
    ServerLayer,
    server::{ProxyHeaders, TrustedProxies},
};

pub(crate) const SYSTEMS: &[System] = &[System { name: "nginx as the trusted proxy", check }];

const START: Duration = Duration::from_secs(20);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The client, and the address from which each nginx calls what is behind it.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const PROXIES: [&str; 2] = ["127.0.0.2", "127.0.0.3"];

const X_ADDRESS: ProxyHeaders = ProxyHeaders::XForwarded { proto: false, host: false };
const X_ALL: ProxyHeaders = ProxyHeaders::XForwarded { proto: true, host: true };

/// One way to configure nginx, and how its servers are told of it.
struct Config {
    name: &'static str,
    /// What each nginx writes.
    directives: &'static str,
    headers: ProxyHeaders,
}

/// What nginx's own documentation calls `$proxy_add_forwarded`: the client's header where it is well
/// formed, with an element appended.
const MAPS: &str = r#"
    map $remote_addr $proxy_forwarded_elem {
        ~^[0-9.]+$        "for=$remote_addr";
        ~^[0-9A-Fa-f:.]+$ "for=\"[$remote_addr]\"";
        default           "for=unknown";
    }
    map $http_forwarded $proxy_add_forwarded {
        "~^(,[ \\t]*)*([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?(;([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?)*([ \\t]*,([ \\t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?(;([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?)*)?)*$" "$http_forwarded, $proxy_forwarded_elem";
        default "$proxy_forwarded_elem";
    }
"#;

const CONFIGS: [Config; 6] = [
    Config {
        name: "X-Forwarded-For appended",
        directives: "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        headers: X_ADDRESS,
    },
    Config {
        name: "X-Forwarded-For appended, the others overwritten",
        directives: "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                     proxy_set_header X-Forwarded-Proto $scheme;
                     proxy_set_header X-Forwarded-Host $host;",
        headers: X_ALL,
    },
    Config {
        name: "Forwarded as nginx documents it",
        directives: "proxy_set_header Forwarded \"$proxy_add_forwarded;proto=$scheme\";",
        headers: ProxyHeaders::Forwarded,
    },
    Config {
        name: "Forwarded appended unseen",
        directives: "proxy_set_header Forwarded \
                     '$http_forwarded, for=\"$remote_addr:$remote_port\";proto=$scheme';",
        headers: ProxyHeaders::Forwarded,
    },
    Config {
        name: "X-Forwarded-For overwritten",
        directives: "proxy_set_header X-Forwarded-For $remote_addr;",
        headers: X_ADDRESS,
    },
    Config {
        name: "Forwarded overwritten",
        directives: "proxy_set_header Forwarded \"for=$remote_addr;proto=$scheme\";",
        headers: ProxyHeaders::Forwarded,
    },
];

/// How many of [`CONFIGS`] keep the client's address across two proxies.
const APPENDING: usize = 4;

/// What clients send. `6.6.6.6`, `evil.example` and `https` are not theirs.
const ATTACKS: [&[&str]; 13] = [
    &[],
    &["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example"],
    &["X-Forwarded-For: 6.6.6.6, 127.0.0.2", "X-Forwarded-Proto: https, https"],
    &["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 127.0.0.3", "X-Forwarded-Host: evil.example"],
    &["X-Forwarded-Host: evil.example", "X-Forwarded-Host: evil.example, evil.example"],
    &["X-Forwarded-For: ,,,6.6.6.6,,", "X-Forwarded-Proto: https", "X-Forwarded-Proto: https"],
    &["Forwarded: for=6.6.6.6;host=evil.example;proto=https"],
    &["Forwarded: for=6.6.6.6", "Forwarded: for=127.0.0.2;host=evil.example;proto=https"],
    &["Forwarded: for=6.6.6.6;proto=https;host=evil.example;x=\""],
    &["Forwarded: for=6.6.6.6;proto=https;host=\"evil.example\\"],
    &["Forwarded: for=\"6.6.6.6\";proto=https, for=\""],
    &["Forwarded: for=6.6.6.6;proto=https, ,", "X-Forwarded-For: 6.6.6.6"],
    &["Forwarded: caf\u{e9}=\"", "X-Forwarded-For: caf\u{e9}, 6.6.6.6"],
];

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let program = lab.debian("nginx")?.join("usr/sbin/nginx");
    checks.version(version(lab, &program)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    for (n, config) in CONFIGS.iter().enumerate() {
        for proxies in 1..=if n < APPENDING { PROXIES.len() } else { 1 } {
            let plural = if proxies == 1 { "proxy" } else { "proxies" };
            checks.check(&format!("{}, {proxies} {plural}", config.name), || {
                runtime.block_on(attack(lab, &program, config, proxies))
            });
        }
    }
    checks.check("believed without limit, the client's claims come out", || {
        runtime.block_on(believe(lab, &program))
    });
    Ok(())
}

/// Sends every attack through so many proxies, to servers that trust them by address and by number.
async fn attack(
    lab: &Lab,
    program: &PathBuf,
    config: &Config,
    proxies: usize,
) -> Result<(), String> {
    let networks = TrustedProxies::networks(PROXIES).map_err(|error| error.to_string())?;
    for trusted in [networks, TrustedProxies::hops(proxies)] {
        let service = Service::start(trusted.headers(config.headers)).await?;
        let nginx = Nginx::start(lab, program, config, proxies, service.address)?;
        for attack in ATTACKS {
            nginx.send(attack).await?;
        }
        nginx.process.stop()?;
        for (attack, span) in ATTACKS.iter().zip(service.spans(ATTACKS.len()).await?) {
            let is = |key, value: &str| {
                let found = span.attribute(key).map(Value::to_string);
                expect(&format!("{key} after {attack:?}"), found, Some(value.to_owned()))
            };
            is("client.address", &CLIENT.to_string())?;
            is("server.address", "shop.example")?;
            is("url.scheme", "http")?;
        }
    }
    Ok(())
}

/// What the other checks rest on: these headers do arrive, and are refused for their origin.
async fn believe(lab: &Lab, program: &PathBuf) -> Result<(), String> {
    let service = Service::start(TrustedProxies::all().headers(X_ALL)).await?;
    let nginx = Nginx::start(lab, program, &CONFIGS[0], 1, service.address)?;
    nginx.send(ATTACKS[1]).await?;
    nginx.process.stop()?;
    for span in service.spans(1).await? {
        let found = ["client.address", "server.address", "url.scheme"]
            .map(|key| span.attribute(key).map(Value::to_string).unwrap_or_default());
        expect("claims", found, ["6.6.6.6", "evil.example", "https"].map(str::to_owned))?;
    }
    Ok(())
}

fn version(lab: &Lab, program: &PathBuf) -> Result<String, String> {
    lab.run("nginx version", Command::new(program).arg("-v"))?;
    let said = std::fs::read_to_string(lab.log("nginx version"));
    let said = said.map_err(|error| error.to_string())?;
    Ok(said.trim().trim_start_matches("nginx version: ").replace('/', " "))
}

/// A service of ours behind nginx.
struct Service {
    address: SocketAddr,
    capture: Capture,
    server: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(proxies: TrustedProxies) -> Result<Self, String> {
        let capture = Capture::new();
        let layer = ServerLayer::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .trusted_proxies(proxies);
        let app = Router::new().route("/", get(async || "hello")).layer(layer);
        let failed = |error: std::io::Error| format!("cannot listen: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await; // ends when it is aborted
        });
        Ok(Self { address, capture, server })
    }

    async fn spans(self, count: usize) -> Result<Vec<Span>, String> {
        let ended = tokio::time::timeout(PATIENCE, self.capture.ended(count)).await;
        self.server.abort();
        let spans = ended.map_err(|_| format!("not {count} spans after {PATIENCE:?}"))?;
        Ok(spans.iter().cloned().collect())
    }
}

/// A running nginx, of which each server calls the next one.
struct Nginx {
    process: Process,
    port: u16,
}

impl Nginx {
    fn start(
        lab: &Lab,
        program: &PathBuf,
        config: &Config,
        proxies: usize,
        service: SocketAddr,
    ) -> Result<Self, String> {
        let ports: Vec<u16> = (0..proxies).map(|_| free_port()).collect();
        let next = ports.iter().skip(1).map(|port| format!("127.0.0.1:{port}"));
        let next = next.chain([service.to_string()]);
        let servers: String = ports
            .iter()
            .zip(PROXIES)
            .zip(next)
            .map(|((port, own), next)| {
                format!(
                    "server {{ listen 127.0.0.1:{port}; location / {{ proxy_bind {own};
                     proxy_set_header Host $http_host; {} proxy_pass http://{next}; }} }}\n",
                    config.directives
                )
            })
            .collect();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};\n"))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{}}\n\
             http {{ access_log off; {temporary}{MAPS}{servers} }}\n"
        );
        let file = lab.cache(&format!("nginx/{}/nginx.conf", ports[0]));
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        let folder = file.parent().expect("a file in the cache has a folder");
        let mut command = Command::new(program);
        without_tracers(&mut command);
        command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(&file);
        let mut process = Process::start("nginx", &mut command, &lab.log("nginx"))?;
        for port in &ports {
            process.listening(*port, START)?;
        }
        Ok(Self { process, port: ports[0] })
    }

    /// Sends a request with these header lines from the client's address, and reads the answer.
    async fn send(&self, lines: &[&str]) -> Result<(), String> {
        let sent = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((CLIENT, 0).into())?;
            let mut stream = socket.connect((Ipv4Addr::LOCALHOST, self.port).into()).await?;
            let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let request = format!("GET / HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n");
            let request = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(PATIENCE, sent).await;
        let answer = answer.map_err(|_| format!("no answer after {PATIENCE:?}"))?;
        let answer = answer.map_err(|error| format!("nginx: {error}"))?;
        let status = answer.split(' ').nth(1);
        expect(&format!("status after {lines:?}"), status, Some("200"))
    }
}
