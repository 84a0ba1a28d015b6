use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;

/// A server on loopback, which answers each request as a function says and keeps its head.
struct Fake {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    fn new(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", answer)
    }

    fn at(address: &str, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, is_over) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (kept, over) = (heads.clone(), is_over.clone());
        let answer = Arc::new(answer);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (kept, over, answer) = (kept.clone(), over.clone(), answer.clone());
                thread::spawn(move || serve(stream, &kept, &over, &*answer));
            }
        });
        Self { address, heads, is_over, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request lines so far.
    fn asked(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        heads.iter().map(|head| head.lines().next().unwrap().to_owned()).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What a server answers.
enum Reply {
    /// The status, headers and the body, whose length is said.
    Whole(u16, &'static str, Vec<u8>),
    /// What is written, and again and again until nobody reads any more.
    Endless(&'static str, &'static str),
    /// Nothing; the connection stays open.
    Nothing,
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
}

fn ok(body: &str) -> Reply {
    Reply::Whole(200, "", body.as_bytes().to_vec())
}

fn serve(
    mut stream: TcpStream,
    heads: &Mutex<Vec<String>>,
    is_over: &AtomicBool,
    answer: &dyn Fn(&str) -> Reply,
) {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(0) => return,
                Ok(_) => head.push(byte[0]),
                Err(_) if is_over.load(Ordering::Relaxed) => return,
                Err(_) => {}
            }
        }
        let head = String::from_utf8(head).unwrap();
        heads.lock().unwrap().push(head.clone());
        let said = match answer(&head) {
            Reply::Whole(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), &body].concat())
            }
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Reply::Endless(first, again) => {
                let mut said = stream.write_all(first.as_bytes());
                while said.is_ok() && !is_over.load(Ordering::Relaxed) {
                    said = stream.write_all(again.as_bytes());
                    thread::sleep(Duration::from_millis(5));
                }
                return;
            }
            Reply::Nothing => {
                while !is_over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(5));
                }
                return;
            }
        };
        if said.is_err() {
            return;
        }
    }
}

/// Long enough for every answer that is there at all.
const LONG: Duration = Duration::from_secs(60);
/// For servers that give no answer: whatever it is, a test with it ends only because it is heeded.
const SHORT: Duration = Duration::from_millis(300);

fn shown(answers: &Answers) -> Vec<String> {
    answers.facts.iter().map(|fact| format!("{}={}", fact.key, fact.value)).collect()
}

fn asked(detector: Detector, variables: &[(&'static str, &str)], timeout: Duration) -> Answers {
    ask(&[detector, Detector::Os], &Variables::of(variables), timeout)
}

const IDENTITY: &str = r#"{"accountId": "012345678910", "architecture": "x86_64",
    "availabilityZone": "eu-west-1b", "billingProducts": null, "imageId": "ami-5fb8c835",
    "instanceId": "i-1234567890abcdef0", "instanceType": "t3.micro", "region": "eu-west-1"}"#;

fn ec2_server(address: &str) -> Fake {
    Fake::at(address, |head| {
        let has_token = head.to_ascii_lowercase().contains("x-aws-ec2-metadata-token: t0ken==\r\n");
        match head.lines().next().unwrap() {
            "PUT /latest/api/token HTTP/1.1" => ok("t0ken=="),
            "GET /latest/dynamic/instance-identity/document HTTP/1.1" if has_token => ok(IDENTITY),
            "GET /latest/meta-data/hostname HTTP/1.1" if has_token => ok("ip-10-0-0-7.internal\n"),
            _ => Reply::Whole(401, "", Vec::new()),
        }
    })
}

const EC2: [&str; 9] = [
    "cloud.provider=aws",
    "cloud.platform=aws_ec2",
    "host.id=i-1234567890abcdef0",
    "cloud.account.id=012345678910",
    "cloud.region=eu-west-1",
    "cloud.availability_zone=eu-west-1b",
    "host.type=t3.micro",
    "host.image.id=ami-5fb8c835",
    "host.name=ip-10-0-0-7.internal",
];

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

#[test]
fn an_instance_of_ec2_is_known_by_its_identity_document_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        if TcpListener::bind(address).is_err() {
            continue; // a machine without IPv6
        }
        let server = ec2_server(address);
        for end in ["", "/"] {
            let endpoint = format!("{}{end}", server.url());
            let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, &endpoint)], LONG);
            assert_eq!(shown(&answers), EC2, "{:?}", answers.troubles);
            assert_eq!(answers.troubles, [""; 0]);
        }
        let heads = server.heads.lock().unwrap();
        let token = heads[0].to_ascii_lowercase();
        assert!(token.contains("x-aws-ec2-metadata-token-ttl-seconds: 60\r\n"), "{token}");
        assert!(!heads.concat().to_ascii_lowercase().contains("x-forwarded-for"));
    }
}

#[test]
fn what_the_variables_of_aws_forbid_or_cannot_mean_is_not_asked() {
    let server = ec2_server("127.0.0.1:0");
    let url = server.url();
    for variables in [
        &[(ENDPOINT, &*url), ("AWS_EC2_METADATA_DISABLED", "True")][..],
        &[(ENDPOINT, &*url), ("AWS_LAMBDA_FUNCTION_NAME", "f")],
    ] {
        let answers = asked(Detector::AwsMetadata, variables, LONG);
        assert_eq!((shown(&answers), answers.troubles), (vec![], vec![]), "{variables:?}");
    }
    for wrong in ["https://169.254.169.254", "file:///etc/passwd", "127.0.0.1", "http://", "x"] {
        let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, wrong)], LONG);
        let expected = format!(
            "the resource detector aws_metadata is incomplete: {ENDPOINT} must be a URL that begins with \
             http://, without credentials or query"
        );
        assert_eq!((shown(&answers), answers.troubles), (vec![], vec![expected]), "{wrong}");
    }
    let credentials = url.replace("http://", "http://ada:SECRET@");
    let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, &credentials)], LONG);
    assert!(!answers.troubles.concat().contains("SECRET"));
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn hostile_answers_of_ec2_say_nothing_and_are_told_of_once() {
    let document =
        |body: &'static str| move |head: &str| ok(if head.starts_with("PUT") { "t" } else { body });
    let deep = "[".repeat(200_000);
    let many = format!("{{\"instanceId\": \"{}\"}}", "i".repeat(2000));
    let servers = [
        Fake::new(|_| Reply::Whole(404, "", Vec::new())),
        Fake::new(|_| Reply::Whole(500, "", b"sorry".to_vec())),
        Fake::new(|_| ok("two\r\nlines: of a header")),
        Fake::new(|_| ok(&"t".repeat(513))),
        Fake::new(|_| ok("")),
        Fake::new(document("")),
        Fake::new(document("[]")),
        Fake::new(document("null")),
        Fake::new(document("{\"instanceId\": 7}")),
        Fake::new(document("{\"instanceId\": {\"instanceId\": \"i\"}}")),
        Fake::new(document("{\"instanceId\": \"\"}")),
        Fake::new(document("{\"instanceId\": \"i\\u001b[31m\"}")),
        Fake::new(document("{\"instanceId\": \"i-1\"")),
        Fake::new(document("<html>")),
        Fake::new(move |head| ok(if head.starts_with("PUT") { "t" } else { &deep })),
        Fake::new(move |head| ok(if head.starts_with("PUT") { "t" } else { &many })),
        Fake::new(|_| Reply::Whole(200, "", vec![0xff; 10])),
        Fake::new(|_| Reply::Whole(200, "", vec![b't'; 300 * 1024])),
        Fake::new(|_| Reply::Raw(Vec::new())),
        Fake::new(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort".to_vec())),
        Fake::new(|_| Reply::Raw(b"220 smtp.example ESMTP\r\n".to_vec())),
        Fake::new(|_| Reply::Raw([&b"HTTP/1.1 200 OK\r\n"[..], &vec![b'a'; 1 << 20]].concat())),
    ];
    for (number, server) in servers.iter().enumerate() {
        let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, &server.url())], LONG);
        assert_eq!(shown(&answers), [""; 0], "server {number}");
        let [trouble] = &answers.troubles[..] else { panic!("{number}: {:?}", answers.troubles) };
        let start = "the resource detector aws_metadata is incomplete: ";
        assert!(trouble.starts_with(start) && trouble.len() < 200, "{number}: {trouble}");
        assert!(!trouble.chars().any(char::is_control), "{number}: {trouble}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Fake::new(|_| ok("t"));
    let location: &'static str = format!("location: {}/\r\n", other.url()).leak();
    for status in [301, 302, 307, 308] {
        let server = Fake::new(move |_| Reply::Whole(status, location, Vec::new()));
        let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, &server.url())], LONG);
        assert_eq!(shown(&answers), [""; 0]);
        assert!(answers.troubles[0].ends_with(&format!("127.0.0.1: HTTP {status}")));
    }
    assert_eq!(other.asked(), [""; 0]);
}

#[test]
fn a_server_without_an_end_or_an_answer_is_left_at_the_deadline() {
    const BODY: &str = "HTTP/1.1 200 OK\r\nmetadata-flavor: Google\r\n\r\n";
    for server in [
        Fake::new(|_| Reply::Nothing),
        Fake::new(|_| Reply::Endless("HTTP/1.1 200 OK\r\n", "a: b\r\n")),
        Fake::new(|_| Reply::Endless(BODY, "a")),
        Fake::new(|_| Reply::Endless("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 C\r\n\r\n")),
        Fake::new(|_| {
            Reply::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n")
        }),
    ] {
        let host = server.address.to_string();
        for (detector, variable, value) in [
            (Detector::AwsMetadata, ENDPOINT, server.url()),
            (Detector::AwsMetadata, "ECS_CONTAINER_METADATA_URI_V4", server.url()),
            (Detector::GoogleCloudMetadata, "GCE_METADATA_HOST", host.clone()),
        ] {
            let answers = asked(detector, &[(variable, &value)], SHORT);
            assert_eq!(shown(&answers), [""; 0]);
            assert_eq!(answers.troubles.len(), 1, "{:?}", answers.troubles);
        }
    }
}

#[test]
fn what_is_known_before_the_deadline_counts() {
    let server = Fake::new(|head| match head.split(' ').nth(1).unwrap() {
        "/latest/meta-data/hostname" => Reply::Nothing,
        "/latest/api/token" => ok("t"),
        _ => ok(IDENTITY),
    });
    let answers = asked(Detector::AwsMetadata, &[(ENDPOINT, &server.url())], SHORT);
    assert_eq!(shown(&answers), EC2[..8]);
    assert_eq!(answers.troubles.len(), 1, "{:?}", answers.troubles);
}

#[test]
fn all_detectors_share_one_deadline_and_a_refused_connection_is_none() {
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let endpoint = format!("http://{refused}");
    let variables = [(ENDPOINT, &*endpoint), ("GCE_METADATA_HOST", &*refused)];
    let both = [Detector::AwsMetadata, Detector::GoogleCloudMetadata];
    let mut answers = ask(&both, &Variables::of(&variables), LONG);
    answers.troubles.sort();
    let [aws, gcp] = &answers.troubles[..] else { panic!("{answers:?}") };
    for (trouble, name) in [(aws, "aws_metadata"), (gcp, "gcp_metadata")] {
        let start = format!("the resource detector {name} is incomplete: 127.0.0.1: ");
        assert!(trouble.starts_with(&start), "{trouble}");
    }
    let slow = Fake::new(|_| Reply::Nothing);
    let (endpoint, host) = (slow.url(), slow.address.to_string());
    let variables = [(ENDPOINT, &*endpoint), ("GCE_METADATA_HOST", &*host)];
    let answers = ask(&both, &Variables::of(&variables), SHORT);
    assert_eq!(answers.troubles.len(), 2, "{answers:?}");
}

const CONTAINER: &str = r#"{"DockerId": "ea32192c8553fbff06c9340478a2ff08-2424144", "Name": "app",
    "DockerName": "ecs-prices-7-app", "Image": "prices:7", "LogDriver": "awslogs",
    "ContainerARN": "arn:aws:ecs:us-west-2:012345678910:container/shop/2b88376d/05966557",
    "LogOptions": {"awslogs-group": "/ecs/prices", "awslogs-region": "us-west-2",
        "awslogs-stream": "ecs/app/2b88376d"}}"#;
const TASK: &str = r#"{"Cluster": "shop", "Family": "prices", "Revision": "7", "LaunchType": "FARGATE",
    "TaskARN": "arn:aws:ecs:us-west-2:012345678910:task/shop/2b88376d",
    "AvailabilityZone": "us-west-2d", "Containers": []}"#;

#[test]
fn a_task_of_ecs_is_known_by_its_agent() {
    let server = Fake::new(|head| match head.split(' ').nth(1).unwrap() {
        "/v4/abc" => ok(CONTAINER),
        // Go's server does so with answers of this length.
        "/v4/abc/task" => Reply::Raw(
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{TASK}\r\n0\r\n\r\n",
                TASK.len()
            )
            .into_bytes(),
        ),
        _ => Reply::Whole(404, "", Vec::new()),
    });
    let uri = format!("{}/v4/abc", server.url());
    let variables =
        [("ECS_CONTAINER_METADATA_URI_V4", &*uri), ("AWS_EC2_METADATA_DISABLED", "true")];
    let answers = asked(Detector::AwsMetadata, &variables, LONG);
    assert_eq!(
        shown(&answers),
        [
            "cloud.provider=aws",
            "cloud.platform=aws_ecs",
            "container.id=ea32192c8553fbff06c9340478a2ff08-2424144",
            "container.name=app",
            "aws.ecs.container.arn=arn:aws:ecs:us-west-2:012345678910:container/shop/2b88376d/05966557",
            "cloud.resource_id=arn:aws:ecs:us-west-2:012345678910:container/shop/2b88376d/05966557",
            "aws.log.group.names=[\"/ecs/prices\"]",
            "aws.log.stream.names=[\"ecs/app/2b88376d\"]",
            "cloud.region=us-west-2",
            "cloud.account.id=012345678910",
            "cloud.availability_zone=us-west-2d",
            "aws.ecs.launchtype=fargate",
            "aws.ecs.cluster.arn=arn:aws:ecs:us-west-2:012345678910:cluster/shop",
            "aws.ecs.task.id=2b88376d",
            "aws.ecs.task.family=prices",
            "aws.ecs.task.revision=7",
            "aws.ecs.task.arn=arn:aws:ecs:us-west-2:012345678910:task/shop/2b88376d",
        ],
        "{:?}",
        answers.troubles
    );
    // Wrong types and an ARN that is none: only what holds is said.
    let odd = Fake::new(|head| match head.split(' ').nth(1).unwrap() {
        "/" => ok(r#"{"DockerId": 7, "Name": null, "LogDriver": ["awslogs"], "LogOptions": "x"}"#),
        _ => ok(
            r#"{"TaskARN": "no-arn", "Cluster": "shop", "LaunchType": "EXTERNAL", "Family": {}}"#,
        ),
    });
    let answers =
        asked(Detector::AwsMetadata, &[("ECS_CONTAINER_METADATA_URI_V4", &odd.url())], LONG);
    let expected = ["cloud.provider=aws", "cloud.platform=aws_ecs", "aws.ecs.task.arn=no-arn"];
    assert_eq!((shown(&answers), answers.troubles), (expected.map(str::to_owned).to_vec(), vec![]));
}

/// Google's server, where it knows these paths.
fn google(known: &'static [(&'static str, &'static str)]) -> Fake {
    const FLAVOR: &str = "metadata-flavor: Google\r\n";
    Fake::new(move |head| {
        if !head.to_ascii_lowercase().contains("metadata-flavor: google\r\n") {
            return Reply::Whole(403, FLAVOR, Vec::new());
        }
        let path = head.split(' ').nth(1).unwrap().strip_prefix("/computeMetadata/v1/").unwrap();
        match known.iter().find(|(name, _)| *name == path) {
            Some((_, text)) => Reply::Whole(200, FLAVOR, text.as_bytes().to_vec()),
            None => Reply::Whole(404, FLAVOR, b"<html>".to_vec()),
        }
    })
}

#[test]
fn google_clouds_server_is_asked_for_what_each_platform_has() {
    let instance = google(&[
        ("project/project-id", "shop-1"),
        ("instance/zone", "projects/77/zones/europe-west1-b"),
        ("instance/region", "projects/77/regions/europe-west1"),
        ("instance/id", "4520031799277581759"),
        ("instance/name", "vm-1"),
        ("instance/hostname", "vm-1.c.shop-1.internal"),
        ("instance/machine-type", "projects/77/machineTypes/e2-small"),
        ("instance/image", "projects/debian-cloud/global/images/debian-13"),
        ("instance/attributes/cluster-name", "blue"),
    ]);
    let host = instance.address.to_string();
    let at = ("GCE_METADATA_HOST", &*host);
    let known = [
        "cloud.provider=gcp",
        "cloud.account.id=shop-1",
        "cloud.region=europe-west1",
        "cloud.availability_zone=europe-west1-b",
        "host.id=4520031799277581759",
    ];
    let engine = [
        "cloud.platform=gcp_compute_engine",
        "host.name=vm-1",
        "gcp.gce.instance.name=vm-1",
        "gcp.gce.instance.hostname=vm-1.c.shop-1.internal",
        "host.type=e2-small",
        "host.image.id=projects/debian-cloud/global/images/debian-13",
    ];
    let pod = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let cluster = ("K8S_CLUSTER_NAME", "green");
    let gke = "cloud.platform=gcp_kubernetes_engine";
    let service = ["cloud.provider=gcp", "cloud.account.id=shop-1"];
    let region = ["cloud.region=europe-west1", "faas.instance=4520031799277581759"];
    for (variables, expected) in [
        (&[at][..], [&known[..], &engine].concat()),
        (&[at, pod], [&known[..], &[gke, "k8s.cluster.name=blue"]].concat()),
        (&[at, pod, cluster], [&known[..], &[gke, "k8s.cluster.name=green"]].concat()),
        (
            &[at, ("K_SERVICE", "prices")],
            [&service[..], &["cloud.platform=gcp_cloud_run"], &region].concat(),
        ),
    ] {
        let answers = asked(Detector::GoogleCloudMetadata, variables, LONG);
        assert_eq!(shown(&answers), expected, "{variables:?} {:?}", answers.troubles);
        assert_eq!(answers.troubles, [""; 0]);
    }
    // Kubernetes on instances without GKE.
    let bare = google(&[("project/project-id", "shop-1"), ("instance/id", "7")]);
    let host = bare.address.to_string();
    let answers = asked(Detector::GoogleCloudMetadata, &[("GCE_METADATA_HOST", &*host), pod], LONG);
    let expected = [
        "cloud.provider=gcp",
        "cloud.account.id=shop-1",
        "host.id=7",
        "cloud.platform=gcp_compute_engine",
    ];
    assert_eq!((shown(&answers), answers.troubles), (expected.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn another_server_at_googles_address_is_not_believed() {
    let servers = [
        Fake::new(|_| ok("shop-1")),
        Fake::new(|_| Reply::Whole(404, "", Vec::new())),
        Fake::new(|_| Reply::Whole(200, "metadata-flavor: Amazon\r\n", b"shop-1".to_vec())),
        google(&[]),
        google(&[("project/project-id", "a\nb")]),
    ];
    for server in servers {
        let host = server.address.to_string();
        let answers = asked(Detector::GoogleCloudMetadata, &[("GCE_METADATA_HOST", &host)], LONG);
        assert_eq!((shown(&answers), answers.troubles.len()), (vec![], 1), "{:?}", server.asked());
    }
    for wrong in ["http://169.254.169.254", "a b", "ada:SECRET@host", "host?x", "[::1"] {
        let answers = asked(Detector::GoogleCloudMetadata, &[("GCE_METADATA_HOST", wrong)], LONG);
        let expected = "the resource detector gcp_metadata is incomplete: GCE_METADATA_HOST must be a host, \
                        or a host and a port";
        assert_eq!(
            (shown(&answers), &*answers.troubles),
            (vec![], &[expected.to_owned()][..]),
            "{wrong}"
        );
    }
}

/// Facts and the error of Azure's detector, whose server no variable names.
fn azure(server: &Fake, variables: &[(&'static str, &str)]) -> (Vec<String>, Result<(), String>) {
    let mut facts = Vec::new();
    let done = azure::ask(
        &Server::new(Instant::now() + LONG),
        &Variables::of(variables),
        &server.url(),
        &mut |fact| facts.push(format!("{}={}", fact.key, fact.value)),
    );
    (facts, done)
}

#[test]
fn a_virtual_machine_of_azure_is_known_by_its_metadata_service() {
    let server = Fake::new(|head| {
        let path = "GET /metadata/instance/compute?api-version=2021-02-01&format=json HTTP/1.1\r\n";
        if !head.starts_with(path) || !head.to_ascii_lowercase().contains("\r\nmetadata: true\r\n")
        {
            return Reply::Whole(400, "", Vec::new());
        }
        ok(r#"{"azEnvironment": "AzurePublicCloud", "location": "westeurope", "name": "vm-1",
            "osProfile": {"computerName": "vm-one"}, "resourceGroupName": "MC_shop_blue_westeurope",
            "resourceId": "/subscriptions/8d10/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/vm-1",
            "storageProfile": {"imageReference": {"id": "", "offer": "UbuntuServer"}},
            "subscriptionId": "8d10", "userData": "", "vmId": "02aab8a4", "vmSize": "Standard_A3", "zone": "1"}"#)
    });
    let expected = |platform: &str| {
        vec![
            "cloud.provider=azure".to_owned(),
            format!("cloud.platform={platform}"),
            "host.id=02aab8a4".to_owned(),
            "cloud.account.id=8d10".to_owned(),
            "cloud.region=westeurope".to_owned(),
            "cloud.availability_zone=1".to_owned(),
            "cloud.resource_id=/subscriptions/8d10/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/vm-1"
                .to_owned(),
            "host.name=vm-one".to_owned(),
            "host.type=Standard_A3".to_owned(),
        ]
    };
    assert_eq!(azure(&server, &[]), (expected("azure.vm"), Ok(())));
    let pod = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(azure(&server, &pod), (expected("azure.aks"), Ok(())));
    let before = server.asked().len();
    for elsewhere in [("WEBSITE_SITE_NAME", "a"), ("CONTAINER_APP_NAME", "a")] {
        assert_eq!(azure(&server, &[elsewhere]), (vec![], Ok(())));
    }
    assert_eq!(server.asked().len(), before);
    for other in [Fake::new(|_| ok("{}")), Fake::new(|_| Reply::Whole(400, "", Vec::new()))] {
        let (facts, done) = azure(&other, &[]);
        assert!(facts.is_empty() && done.is_err(), "{facts:?} {done:?}");
    }
}

#[test]
fn a_zone_without_a_region_says_no_region() {
    let answer = |url: &str, _: &[(&str, &str)]| {
        let mut headers = http::HeaderMap::new();
        headers.insert("metadata-flavor", http::HeaderValue::from_static("Google"));
        let text = if url.ends_with("instance/zone") { "projects/77/zones/-b" } else { "shop" };
        MetadataAnswer { status: 200, headers, text: text.to_owned() }
    };
    let (facts, stopped) = of_answers(&[], answer).pop().unwrap();
    assert_eq!(stopped, None);
    let keys: Vec<_> = facts.iter().map(|fact| fact.key.as_str()).collect();
    assert!(
        keys.contains(&"cloud.availability_zone") && !keys.contains(&"cloud.region"),
        "{keys:?}"
    );
}
