//! Commands for other nodes, answered through this one: for clients that do not follow `MOVED`, and
//! for nodes without slots, which are nothing but proxies.
//!
//! A command travels as it came, with its client's database and protocol, and its reply comes back
//! as bytes. During a failover it waits and is sent to whoever takes over, unless it may have run. A
//! node that has not answered several times is not asked for a while: then commands fail at once, and
//! reads are served by a replica, which may lack the last writes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skep_cluster::topology::SlotOwner;
use skep_command::cluster::DeferredReply;
use skep_command::{Client, CommandError};
use skep_keyspace::{NodeId, Slot};
use skep_mesh::{Class, MeshError, Rejected};
use skep_resp::{Args, Batch, Limits, Parser, Protocol, Reply};
use tokio::time::Instant;

use super::{Cluster, FORWARDED_CLIENT};
use crate::runner::Turn;

/// How long a node may take to answer a forwarded command.
const ANSWER: Duration = Duration::from_millis(1_000);
/// How long a node that has been replaced may still answer.
const LAST_WORDS: Duration = Duration::from_millis(50);
/// How long a command waits for a node that serves its slot.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest command that is forwarded, less than the mesh allows.
const COMMAND_BYTES_MAX: usize = 15 << 20;

/// A command on its way.
#[derive(Debug)]
pub(crate) struct Forwarded {
    database: u16,
    is_resp3: bool,
    /// A replica may answer it.
    reads_replica: bool,
    /// As RESP.
    command: Vec<u8>,
}

impl Forwarded {
    /// A client's command; nothing when it is too long to be forwarded.
    pub(crate) fn new(client: &Client, args: Args<'_>) -> Option<Forwarded> {
        let length: usize = args.iter().map(|arg| arg.len() + 16).sum();
        if length > COMMAND_BYTES_MAX {
            return None;
        }
        let mut command = Vec::with_capacity(length + 16);
        command.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
        for arg in args.iter() {
            command.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
            command.extend_from_slice(arg);
            command.extend_from_slice(b"\r\n");
        }
        Some(Forwarded {
            database: client.database,
            is_resp3: client.protocol == Protocol::Resp3,
            reads_replica: client.reads_replica,
            command,
        })
    }
}

impl Forwarded {
    /// database:u16 little-endian, flags:u8 (1 RESP3, 2 a replica may answer), the command.
    fn encode(&self) -> Bytes {
        let flags = u8::from(self.is_resp3) | u8::from(self.reads_replica) << 1;
        let [low, high] = self.database.to_le_bytes();
        [&[low, high, flags], &self.command[..]].concat().into()
    }

    fn decode(frame: &[u8]) -> Option<Forwarded> {
        let (&[low, high, flags], command) = frame.split_first_chunk()?;
        Some(Forwarded {
            database: u16::from_le_bytes([low, high]),
            is_resp3: flags & 1 != 0,
            reads_replica: flags & 2 != 0,
            command: command.to_vec(),
        })
    }
}

impl Cluster {
    /// Has a command answered by the node that serves a slot.
    pub(crate) async fn forward(
        self: Arc<Self>,
        slot: Slot,
        forwarded: Forwarded,
        is_read: bool,
    ) -> DeferredReply {
        let until = Instant::now() + PATIENCE;
        loop {
            let routes = self.routes();
            let Some(owner) = routes.map.owner(slot) else {
                return refused("CLUSTERDOWN Hash slot not served");
            };
            if self.breakers.is_open(owner.primary) {
                return self.do_without(owner, forwarded, is_read).await;
            }
            let answer = match owner.primary == self.me {
                // It has come home meanwhile.
                true => self.run(&forwarded).await.map_err(|_| None),
                false => tokio::select! {
                    answer = self.send_forward(owner.primary, &forwarded) => answer.map_err(Some),
                    error = self.is_replaced(owner.primary, slot) => Err(Some(error)),
                },
            };
            match answer {
                Ok(bytes) if is_stale(&bytes) && Instant::now() < until => {}
                Ok(bytes) => return DeferredReply::Raw(bytes.to_vec()),
                Err(Some(error)) if error.may_have_run() && !is_read => {
                    let node = owner.primary;
                    let text = format!("ERR node {node} may or may not have done this: {error}");
                    return refused(&text);
                }
                Err(error) if Instant::now() >= until => {
                    let text = error.map_or_else(String::new, |error| error.to_string());
                    return refused(&format!("CLUSTERDOWN The cluster is down: {text}"));
                }
                Err(_) => {}
            }
            self.duty.changed().await;
        }
    }

    /// Returns a while after another node has come to serve a slot: the one before would have answered.
    async fn is_replaced(&self, node: NodeId, slot: Slot) -> MeshError {
        while self.routes().map.owner(slot).is_some_and(|owner| owner.primary == node) {
            self.duty.changed().await;
        }
        tokio::time::sleep(LAST_WORDS).await;
        let reason = "another node serves the slot by now".to_owned();
        MeshError::Lost { node, reason }
    }

    /// A node does not answer: a replica may, to those who read.
    async fn do_without(
        &self,
        owner: &SlotOwner,
        mut forwarded: Forwarded,
        is_read: bool,
    ) -> DeferredReply {
        forwarded.reads_replica = true;
        for &replica in owner.replicas.iter().filter(|_| is_read) {
            if self.breakers.is_open(replica) {
                continue;
            }
            let answer = match replica == self.me {
                true => self.run(&forwarded).await.ok(),
                false => self.send_forward(replica, &forwarded).await.ok(),
            };
            if let Some(bytes) = answer.filter(|bytes| !is_stale(bytes)) {
                return DeferredReply::Raw(bytes.to_vec());
            }
        }
        refused(&format!("CLUSTERDOWN node {} does not answer", owner.primary))
    }

    async fn send_forward(&self, to: NodeId, forwarded: &Forwarded) -> Result<Bytes, MeshError> {
        let (Some(mesh), Some(peer)) = (self.mesh(), self.peers.get(to)) else {
            return Err(MeshError::NotAdmitted(to));
        };
        let answer = mesh.request(&peer, Class::Forward, forwarded.encode(), ANSWER).await;
        self.breakers.note(to, answer.is_ok() || is_about_command(&answer));
        answer
    }

    /// Runs a command of another node's client.
    pub(super) async fn serve_forwarded(&self, frame: &[u8]) -> Result<Bytes, Rejected> {
        let unreadable = || Rejected("the command cannot be read".to_owned());
        let forwarded = Forwarded::decode(frame).ok_or_else(unreadable)?;
        self.run(&forwarded).await
    }

    pub(super) async fn run(&self, forwarded: &Forwarded) -> Result<Bytes, Rejected> {
        let (mut batch, limits) = (Batch::default(), Limits::default());
        Parser::default().parse(&forwarded.command, &limits, &mut batch, 1);
        if batch.len() != 1 || usize::from(forwarded.database) >= self.node.store.databases() {
            return Err(Rejected("the command cannot be read".to_owned()));
        }
        let mut client = Client::new(FORWARDED_CLIENT, true);
        client.database = forwarded.database;
        client.reads_replica = forwarded.reads_replica;
        client.protocol = match forwarded.is_resp3 {
            true => Protocol::Resp3,
            false => Protocol::Resp2,
        };
        loop {
            let mut reply = Reply::new(client.protocol);
            let may_answer = self.run_once(&mut client, &batch, &forwarded.command, &mut reply);
            if !std::mem::take(&mut client.postponed) {
                let lapsed = || Rejected("the lease ran out meanwhile".to_owned());
                return may_answer.then(|| reply.into_bytes().into()).ok_or_else(lapsed);
            }
            self.duty.changed().await;
        }
    }

    /// Answers whether the reply may be sent.
    fn run_once(
        &self,
        client: &mut Client,
        batch: &Batch,
        input: &[u8],
        reply: &mut Reply,
    ) -> bool {
        let mut runner = self.runner.lock();
        let turn = Turn {
            duty: Some(&self.duty),
            client,
            reply,
            batch,
            input,
            next: 0,
            now_ms: self.node.now_ms(),
            exact_times: false,
        };
        let ran = runner.run(&self.node, turn);
        runner.publish_figures(&self.node);
        ran.may_answer
    }
}

/// Whether an answer says only that another node serves the slot by now.
fn is_stale(answer: &[u8]) -> bool {
    answer.starts_with(b"-MOVED ")
}

/// Whether the node is there, whatever it thinks of the command.
fn is_about_command(answer: &Result<Bytes, MeshError>) -> bool {
    match answer {
        Ok(_) | Err(MeshError::Rejected { .. } | MeshError::TooLong { .. }) => true,
        Err(_) => false,
    }
}

fn refused(text: &str) -> DeferredReply {
    DeferredReply::Error(CommandError::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_travels_as_it_came() {
        let input = b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n";
        let mut batch = Batch::default();
        Parser::default().parse(input, &Limits::default(), &mut batch, 1);
        let mut client = Client::new(1, true);
        client.protocol = Protocol::Resp3;
        let forwarded = Forwarded::new(&client, batch.args(0, input)).unwrap();
        assert_eq!(forwarded.command, input);
        assert!(forwarded.is_resp3 && !forwarded.reads_replica);
        let read = Forwarded::decode(&forwarded.encode()).unwrap();
        assert_eq!((&read.command[..], read.is_resp3), (&input[..], true));
        assert!(Forwarded::decode(b"ab").is_none());
    }

    #[test]
    fn only_a_redirection_is_stale() {
        assert!(is_stale(b"-MOVED 1 a:1\r\n"));
        assert!(!is_stale(b"$5\r\nMOVED\r\n"));
    }
}
