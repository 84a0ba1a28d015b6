//! Starts a driver and a browser, and ends both.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};
use ureq::Agent;

/// How long a page may take for what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 1,200 pixels wide, light.
    Light,
    /// The same, dark.
    Dark,
    /// 360 pixels wide.
    Narrow,
    /// With the colors of the system only.
    Forced,
}

/// A browser without a window, which ends when it is dropped.
///
/// It is spoken to in plain WebDriver: a dozen requests need no library.
#[derive(Debug)]
pub struct Browser {
    agent: Agent,
    session: String,
    _driver: Driver,
}

/// The driver, and where it and the browser keep their files.
#[derive(Debug)]
struct Driver {
    process: Child,
    directory: PathBuf,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser is in the driver's group. It is still there if a test failed.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
        // Parts of the browser may end, and write, a moment later.
        for _ in 0..50 {
            if fs::remove_dir_all(&self.directory).is_ok() || !self.directory.exists() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Browser {
    /// Starts a browser. Returns `None`, and says so, where there is no driver.
    pub fn start() -> Option<Self> {
        let Some((driver, port)) = start_driver() else {
            let required = std::env::var("TRACEWIRE_BROWSER_TESTS").is_ok_and(|v| v == "required");
            assert!(!required, "chromedriver is required, and cannot be started");
            let _ = io::stderr().write_all(b"not run: no chromedriver\n");
            return None;
        };
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent = config.timeout_global(Some(2 * PATIENCE)).build().new_agent();
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,760"];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let sessions = format!("http://127.0.0.1:{port}/session");
        let started = send(&agent, &sessions, &capabilities);
        let id = started["sessionId"].as_str().expect("a session has an id");
        let session = format!("{sessions}/{id}");
        Some(Self { agent, session, _driver: driver })
    }

    /// Opens an address and waits for the view's mark.
    pub fn open(&self, url: &str, ready: &str) {
        self.send("url", json!({ "url": url }));
        self.wait_for(&format!("document.body.dataset.ready === '{ready}'"));
    }

    /// Waits until an expression is true.
    pub fn wait_for(&self, condition: &str) {
        let begun = Instant::now();
        while self.run(&format!("return Boolean({condition})")) != json!(true) {
            if begun.elapsed() > PATIENCE {
                let text = self.run("return document.body.innerText");
                panic!("{condition} did not become true: {text} {:?}", self.console());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a script and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.send("execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let presses = keys.chars().flat_map(|key| {
            let press = |kind: &str| json!({ "type": kind, "value": key.to_string() });
            [press("keyDown"), press("keyUp")]
        });
        let presses: Vec<_> = presses.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses });
        self.send("actions", json!({ "actions": [keyboard] }));
    }

    /// Returns what the console says since it was asked last.
    pub fn console(&self) -> Vec<String> {
        let entries = self.send("se/log", json!({ "type": "browser" }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Looks at the page in another way.
    pub fn look(&self, screen: Screen) {
        let width = if screen == Screen::Narrow { 360 } else { 1200 };
        let scheme = if screen == Screen::Dark { "dark" } else { "light" };
        let forced = if screen == Screen::Forced { "active" } else { "none" };
        let size =
            json!({ "width": width, "height": 760, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "forced-colors", "value": forced },
        ]});
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// Sends a command of the DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    /// Keeps a picture, if there is a directory for pictures.
    pub fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("TRACEWIRE_BROWSER_PICTURES") else { return };
        let taken = self.devtools("Page.captureScreenshot", json!({}));
        let picture = STANDARD.decode(taken["data"].as_str().expect("a picture is text"));
        let directory = PathBuf::from(directory);
        std::fs::create_dir_all(&directory).expect("the directory can be made");
        let path = directory.join(format!("{name}.png"));
        std::fs::write(path, picture.expect("it is base64")).expect("it can be written");
    }

    fn send(&self, command: &str, body: Value) -> Value {
        send(&self.agent, &format!("{}/{command}", self.session), &body)
    }
}

/// Sends a command and returns the value of the answer.
fn send(agent: &Agent, url: &str, body: &Value) -> Value {
    let request = agent.post(url).header("content-type", "application/json");
    let mut response = request.send(body.to_string()).expect("the driver answers");
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string();
    let text = text.expect("the answer is text");
    assert!(response.status().is_success(), "{url} {body}: {text}");
    let mut answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
    answer["value"].take()
}

/// Starts a driver on a free port, which it tells.
fn start_driver() -> Option<(Driver, u16)> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    // A short name, as sockets are made below it.
    let name = format!("browser-{}-{}", std::process::id(), STARTED.fetch_add(1, Relaxed));
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).expect("a directory can be made");
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").env("TMPDIR", &directory).process_group(0);
    let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut process) = started else {
        let _ = fs::remove_dir(&directory);
        return None;
    };
    let output = process.stdout.take().expect("it is piped");
    let driver = Driver { process, directory };
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.filter_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    let port = port.take(1).next()?;
    Some((driver, port))
}
