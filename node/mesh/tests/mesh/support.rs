//! Authorities, nodes, and handlers that remember.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_keyspace::NodeId;
use skep_mesh::{
    Admission, BoxFuture, Caller, Class, CredentialFiles, Credentials, FrameReceiver, FrameSender,
    Handler, Membership, Mesh, MeshConfig, MeshError, Peer, Place, Rejected, authority,
};
use skep_tests::{PATIENCE, Scratch, TestResult, wait_until};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// The two event loops that all nodes of the tests share: control, bulk.
fn runtimes() -> &'static [Handle; 2] {
    static RUNTIMES: OnceLock<[Handle; 2]> = OnceLock::new();
    RUNTIMES.get_or_init(|| [(); 2].map(|()| event_loop(std::future::pending()).0))
}

/// One on a thread of its own, until `end`.
pub(crate) fn event_loop(
    end: impl Future<Output = ()> + Send + 'static,
) -> (Handle, JoinHandle<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let handle = runtime.handle().clone();
    (handle, std::thread::spawn(move || runtime.block_on(end)))
}

/// Runs a test's own future, beside the nodes' event loops.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

pub(crate) fn id(number: u8) -> NodeId {
    NodeId([number; 20])
}

/// An authority of its own.
pub(crate) struct Hive {
    scratch: Scratch,
}

impl Hive {
    pub(crate) fn new(cluster: &str) -> TestResult<Hive> {
        let hive = Hive { scratch: Scratch::new("mesh")? };
        authority::init(&hive.directory(), &cluster.parse()?)?;
        Ok(hive)
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.scratch.path().join("authority")
    }

    pub(crate) fn issue(&self, number: u8) -> TestResult<CredentialFiles> {
        Ok(authority::issue(&self.directory(), id(number), &["localhost".to_owned()])?)
    }

    /// The same, with more roots to trust.
    pub(crate) fn issue_trusting(&self, number: u8, other: &Hive) -> TestResult<CredentialFiles> {
        let files = self.issue(number)?;
        let mut roots = fs::read_to_string(&files.roots)?;
        roots += &fs::read_to_string(other.directory().join("roots.pem"))?;
        let roots = self.scratch.write(&format!("{number}-both.pem"), &roots)?;
        Ok(CredentialFiles { roots, ..files })
    }

    pub(crate) fn node(&self, number: u8) -> TestResult<Node> {
        Node::start(self.issue(number)?, None)
    }
}

/// Who is admitted: everybody, but for those that are named.
#[derive(Default)]
pub(crate) struct Roster(Mutex<BTreeMap<NodeId, Admission>>);

impl Roster {
    pub(crate) fn set(&self, node: NodeId, admission: Admission) {
        self.0.lock().insert(node, admission);
    }
}

impl Membership for Roster {
    fn admits(&self, node: NodeId) -> Admission {
        self.0.lock().get(&node).copied().unwrap_or(Admission::Member)
    }
}

/// Answers with what it was asked, and remembers who said what.
pub(crate) struct Echo {
    pub(crate) requests: Mutex<Vec<(Caller, Class, Bytes)>>,
    pub(crate) datagrams: Mutex<Vec<(NodeId, Bytes)>>,
    pub(crate) streams: AtomicU64,
    /// Requests that begin with "wait" take one before they are answered.
    pub(crate) gate: Semaphore,
}

impl Handler for Echo {
    fn request(
        &self,
        caller: Caller,
        class: Class,
        frame: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Rejected>> {
        Box::pin(async move {
            self.requests.lock().push((caller, class, frame.clone()));
            if frame.starts_with(b"wait") {
                self.gate.acquire().await.expect("never closed").forget();
            }
            if frame.starts_with(b"reject") {
                return Err(Rejected("no such thing here".to_owned()));
            }
            if frame.starts_with(b"swell") {
                return Ok(vec![0; class.frame_bytes_max() + 1].into());
            }
            Ok(frame)
        })
    }

    fn datagram(&self, from: NodeId, frame: Bytes) {
        self.datagrams.lock().push((from, frame));
    }

    fn stream(
        &self,
        _from: NodeId,
        _class: Class,
        mut sender: FrameSender,
        mut receiver: FrameReceiver,
    ) -> BoxFuture<'_, ()> {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            while let Ok(Some(frame)) = receiver.receive().await {
                if frame == "pour" {
                    return pour(sender, receiver).await;
                }
                if sender.send(frame).await.is_err() {
                    return;
                }
            }
            let _ = sender.finish().await;
        })
    }
}

/// Sends frames of the size that is asked for, as long as they are taken.
async fn pour(mut sender: FrameSender, mut receiver: FrameReceiver) {
    let Ok(Some(size)) = receiver.receive().await else { return };
    let size = std::str::from_utf8(&size).ok().and_then(|size| size.parse().ok());
    let frame = Bytes::from(vec![7; size.unwrap_or(0)]);
    while sender.feed(frame.clone()).await.is_ok() {}
}

pub(crate) struct Node {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) echo: Arc<Echo>,
    pub(crate) peer: Peer,
}

impl Node {
    pub(crate) fn start(files: CredentialFiles, reload: Option<Duration>) -> TestResult<Node> {
        Node::start_at(files, reload, "127.0.0.1:0", "127.0.0.1:0")
    }

    pub(crate) fn start_at(
        files: CredentialFiles,
        reload_interval: Option<Duration>,
        control: &str,
        bulk: &str,
    ) -> TestResult<Node> {
        Node::start_on(runtimes(), files, reload_interval, control, bulk)
    }

    pub(crate) fn start_on(
        [control_runtime, bulk_runtime]: &[Handle; 2],
        files: CredentialFiles,
        reload_interval: Option<Duration>,
        control: &str,
        bulk: &str,
    ) -> TestResult<Node> {
        static INCARNATION: AtomicU64 = AtomicU64::new(0);
        let config = MeshConfig {
            credentials: Credentials::load(files)?,
            incarnation: INCARNATION.fetch_add(1, Ordering::Relaxed),
            control: Place {
                address: control.parse()?,
                runtime: control_runtime.clone(),
                socket: None,
            },
            bulk: Place { address: bulk.parse()?, runtime: bulk_runtime.clone(), socket: None },
            reload_interval,
        };
        let roster = Arc::new(Roster::default());
        let echo = Arc::new(Echo {
            requests: Mutex::default(),
            datagrams: Mutex::default(),
            streams: AtomicU64::new(0),
            gate: Semaphore::new(0),
        });
        let mesh = Arc::new(Mesh::start(config, roster.clone(), echo.clone())?);
        let peer = mesh.address()?;
        Ok(Node { mesh, roster, echo, peer })
    }

    pub(crate) async fn ask(
        &self,
        other: &Node,
        class: Class,
        frame: impl Into<Bytes>,
    ) -> Result<Bytes, MeshError> {
        self.mesh.request(&other.peer, class, frame.into(), PATIENCE).await
    }

    /// A request that is answered.
    pub(crate) async fn greet(&self, other: &Node) -> TestResult {
        let reply = self.ask(other, Class::Control, "hello").await?;
        assert_eq!(reply, "hello");
        Ok(())
    }

    pub(crate) fn requests(&self) -> usize {
        self.echo.requests.lock().len()
    }

    /// Waits until so many requests have come in since the start.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait_until(PATIENCE, "requests arrive", || self.requests() >= count);
    }

    /// The connections to a node, control and bulk.
    pub(crate) fn links_to(&self, other: &Node) -> usize {
        self.mesh.links().iter().filter(|link| link.node == other.peer.id).count()
    }
}
