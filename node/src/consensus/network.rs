//! Raft's messages to other voters, over the transport that the node was given.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::error::{
    Fatal, NetworkError, RPCError, RaftError, ReplicationClosed, StreamingError, Timeout,
    Unreachable,
};
use openraft::network::{Backoff, RPCOption, RPCTypes};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::storage::Snapshot;
use openraft::{EmptyNode, OptionalSend, RaftNetwork, RaftNetworkFactory};
use skep_keyspace::NodeId;

use super::types::{Group, TypeConfig, Vote};
use super::wire::{self, Call, Reply};
use super::{Transport, TransportError};

/// How long replication leaves a node alone that could not be reached.
const BACKOFF: Duration = Duration::from_millis(100);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("{0}")]
    Unreachable(#[from] TransportError),
}

/// Asks and waits for the answer, `within` at most.
///
/// # Errors
/// What the transport says; a late, an overlong or a wrong answer.
pub(super) async fn call(
    transport: &dyn Transport,
    to: NodeId,
    frame: Bytes,
    within: Duration,
) -> Result<Reply, Failure> {
    let answered = tokio::time::timeout(within, transport.call(to, frame)).await;
    let frame = answered.map_err(|_| Failure::Late(within))??;
    let unreadable = |text| TransportError(format!("{to} answered what cannot be read: {text}"));
    Ok(wire::read(&frame).map_err(unreadable)?)
}

/// Makes connections to the nodes of a group.
pub(super) struct Network {
    pub(super) me: NodeId,
    pub(super) group: Group,
    pub(super) transport: Arc<dyn Transport>,
}

/// A connection to one node.
pub(super) struct Line {
    me: NodeId,
    group: Group,
    transport: Arc<dyn Transport>,
    to: NodeId,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Line;

    async fn new_client(&mut self, target: NodeId, _: &EmptyNode) -> Line {
        let transport = Arc::clone(&self.transport);
        Line { me: self.me, group: self.group, transport, to: target }
    }
}

impl Line {
    async fn ask(&self, question: Call, within: Duration) -> Result<Reply, Failure> {
        let frame = wire::ask(self.group, question).map_err(TransportError)?;
        call(&*self.transport, self.to, frame, within).await
    }

    fn late(&self, action: RPCTypes, timeout: Duration) -> Timeout<NodeId> {
        Timeout { action, id: self.me, target: self.to, timeout }
    }

    fn unexpected(&self, reply: &Reply) -> TransportError {
        match reply {
            Reply::Refused(text) => TransportError(format!("{} refused: {text}", self.to)),
            _ => TransportError(format!("{} answered something else", self.to)),
        }
    }
}

type RpcError = RPCError<NodeId, EmptyNode, RaftError<NodeId>>;

impl Line {
    async fn rpc(
        &self,
        call: Call,
        action: RPCTypes,
        option: &RPCOption,
    ) -> Result<Reply, RpcError> {
        self.ask(call, option.hard_ttl()).await.map_err(|failure| match failure {
            Failure::Late(timeout) => RPCError::Timeout(self.late(action, timeout)),
            Failure::Unreachable(error) => RPCError::Unreachable(Unreachable::new(&error)),
        })
    }

    fn rpc_unexpected(&self, reply: &Reply) -> RpcError {
        RPCError::Unreachable(Unreachable::new(&self.unexpected(reply)))
    }
}

impl RaftNetwork<TypeConfig> for Line {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        match self.rpc(Call::Append(rpc), RPCTypes::AppendEntries, &option).await? {
            Reply::Append(response) => Ok(response),
            other => Err(self.rpc_unexpected(&other)),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<NodeId>,
        option: RPCOption,
    ) -> Result<VoteResponse<NodeId>, RpcError> {
        match self.rpc(Call::Vote(rpc), RPCTypes::Vote, &option).await? {
            Reply::Vote(response) => Ok(response),
            other => Err(self.rpc_unexpected(&other)),
        }
    }

    /// In one frame: a topology is small.
    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        let call = Call::Snapshot { vote, meta: snapshot.meta, data: *snapshot.snapshot };
        let answered = tokio::select! {
            closed = cancel => return Err(closed.into()),
            answered = self.ask(call, option.hard_ttl()) => answered,
        };
        match answered {
            Ok(Reply::Snapshot(response)) => Ok(response),
            Ok(other) => Err(NetworkError::new(&self.unexpected(&other)).into()),
            Err(Failure::Late(within)) => Err(self.late(RPCTypes::InstallSnapshot, within).into()),
            Err(Failure::Unreachable(error)) => Err(Unreachable::new(&error).into()),
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}
