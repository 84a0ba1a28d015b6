//! Starts a driver and a browser, and ends both.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};

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

/// A browser without a window.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    // Ends after the client has been closed.
    _driver: Driver,
}

#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser is in the driver's group. It is still there if a test failed.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Starts a browser. Returns `None`, and says so, where there is no driver.
    pub async fn start() -> Option<Self> {
        let Some((driver, port)) = start_driver() else {
            let required = std::env::var("TRACEWIRE_BROWSER_TESTS").is_ok_and(|v| v == "required");
            assert!(!required, "chromedriver is required, and cannot be started");
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), b"not run: no chromedriver\n");
            return None;
        };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,760"];
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the driver starts a browser");
        Some(Self { client, _driver: driver })
    }

    /// Opens an address and waits for the view's mark.
    pub async fn open(&self, url: &str, ready: &str) {
        self.client.goto(url).await.expect("the page is served");
        self.wait_for(&format!("document.body.dataset.ready === '{ready}'")).await;
    }

    /// Waits until an expression is true.
    pub async fn wait_for(&self, condition: &str) {
        let begun = Instant::now();
        while self.run(&format!("return Boolean({condition})")).await != json!(true) {
            if begun.elapsed() > PATIENCE {
                let text = self.run("return document.body.innerText").await;
                panic!("{condition} did not become true: {text} {:?}", self.console().await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a script and returns its result.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        for value in keys.chars() {
            let actions = KeyActions::new("keys".to_owned())
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
            self.client.perform_actions(actions).await.expect("keys can be pressed");
        }
    }

    /// Returns what the console says since it was asked last.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.vendor("se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Looks at the page in another way.
    pub async fn look(&self, screen: Screen) {
        let width = if screen == Screen::Narrow { 360 } else { 1200 };
        let scheme = if screen == Screen::Dark { "dark" } else { "light" };
        let forced = if screen == Screen::Forced { "active" } else { "none" };
        let size =
            json!({ "width": width, "height": 760, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "forced-colors", "value": forced },
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Sends a command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.vendor("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Keeps a picture, if there is a directory for pictures.
    pub async fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("TRACEWIRE_BROWSER_PICTURES") else { return };
        let picture = self.client.screenshot().await.expect("a picture can be taken");
        let directory = PathBuf::from(directory);
        std::fs::create_dir_all(&directory).expect("the directory can be made");
        std::fs::write(directory.join(format!("{name}.png")), picture).expect("it can be written");
    }

    /// Ends the browser.
    pub async fn close(self) {
        self.client.close().await.expect("the browser ends");
    }

    async fn vendor(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Vendor { path, body }).await.expect("the driver knows the command")
    }
}

/// A command that only Chromium has.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Starts a driver on a free port, which it tells.
fn start_driver() -> Option<(Driver, u16)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take().expect("it is piped");
    let driver = Driver(child);
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.filter_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    let port = port.take(1).next()?;
    Some((driver, port))
}
