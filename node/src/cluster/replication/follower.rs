//! The replica's side of replication: follows a primary, applies its lanes, and gets back to common
//! ground with it by the cheapest way there is.
//!
//! Lane by lane: go on where it stopped; else take back what only this node has, and ask what became
//! of those keys; else, if the digests of the stripe are equal, go on where the primary is; else copy
//! the stripe.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use skep_cluster::ShardId;
use skep_keyspace::NodeId;
use skep_mesh::{Class, FrameReceiver, FrameSender, Mesh, MeshError, Peer};
use skep_store::{Replay, ReplayError, STRIPE_COUNT, Store, Writer};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Replication;
use super::wire::{KEYS_BYTES_MAX, ToPrimary, ToReplica, Told, Unreadable};
use crate::cluster::clock;

/// How often the primary is told what is applied.
const TELL: Duration = Duration::from_millis(50);
/// How long a connection to the primary may take.
const CONNECT: Duration = Duration::from_secs(1);
/// Between attempts to follow.
const RETRY: Duration = Duration::from_millis(50);
/// Bytes of unfinished effects and groups that may wait for their rest.
const WAITING_BYTES_MAX: usize = 1 << 30;

/// Whom to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) node: NodeId,
    pub(crate) shard: ShardId,
    pub(crate) epoch: u64,
}

/// Why following stopped; it is tried again.
#[derive(Debug, thiserror::Error)]
enum FollowEnd {
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the primary ended the stream")]
    Ended,
    #[error("the primary does not let this node follow: {0}")]
    Refused(String),
    #[error("this node follows nobody now")]
    Closed,
    #[error("what the primary sent does not fit: {0:?}")]
    Replay(ReplayError),
    #[error("{0} bytes of unfinished changes")]
    TooMuch(usize),
}

/// Follows until the task is ended.
pub(super) async fn run(replication: Arc<Replication>, mesh: Arc<Mesh>, leader: Leader) {
    let mut told = String::new();
    loop {
        let end = match replication.peers.get(leader.node) {
            Some(peer) => follow(&replication, &mesh, leader, &peer).await,
            None => FollowEnd::Closed,
        };
        replication.lost_primary();
        let text = end.to_string();
        if text != told {
            replication.node.notice(&format!("replication from {} stopped: {text}", leader.node));
            told = text;
        }
        sleep(RETRY).await;
    }
}

async fn follow(
    replication: &Arc<Replication>,
    mesh: &Mesh,
    leader: Leader,
    peer: &Peer,
) -> FollowEnd {
    let opened = mesh.open(peer, Class::Bulk, CONNECT).await;
    let (sender, receiver) = match opened {
        Ok(streams) => streams,
        Err(error) => return error.into(),
    };
    let lanes = (0..STRIPE_COUNT).map(|_| Lane::Unasked).collect();
    let mut follower =
        Follower { replication, leader, sender, replay: Replay::default(), lanes, missing: 0 };
    match follower.run(receiver).await {
        Ok(()) => FollowEnd::Ended,
        Err(end) => end,
    }
}

/// How far a lane is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lane {
    /// Nothing has been asked for.
    Unasked,
    /// Its stripe or some of its keys are to come; what has come of a piece.
    Taking(Vec<u8>),
    /// It is followed.
    Followed,
}

struct Follower<'a> {
    replication: &'a Arc<Replication>,
    leader: Leader,
    sender: FrameSender,
    replay: Replay,
    lanes: Vec<Lane>,
    /// Lanes that are not followed yet.
    missing: usize,
}

impl Follower<'_> {
    async fn run(&mut self, mut receiver: FrameReceiver) -> Result<(), FollowEnd> {
        let Leader { shard, epoch, .. } = self.leader;
        let known = self.replication.lineage.lock().last(shard);
        let ends = (0..=u8::MAX).map(|lane| self.store().lane_end(lane)).collect();
        self.send(&ToPrimary::Hello { shard, epoch, known, ends }).await?;
        let mut ticks = interval(TELL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                frame = receiver.receive() => match frame? {
                    Some(frame) => self.take(ToReplica::decode(frame)?).await?,
                    None => return Ok(()),
                },
                _ = ticks.tick() => self.tell().await?,
            }
        }
    }

    async fn take(&mut self, frame: ToReplica) -> Result<(), FollowEnd> {
        match frame {
            ToReplica::Lane { lane, offset, bytes } => self.replay(lane, offset, &bytes),
            ToReplica::State { lane, is_whole, is_last, bytes } => {
                self.take_state(lane, is_whole, is_last, &bytes)
            }
            ToReplica::Told(Told::Plan { lineage, common }) => {
                if !lineage.is_sound() || common.len() != STRIPE_COUNT {
                    return Err(Unreadable.into());
                }
                self.begin(&common).await?;
                // From here on the lanes are those of the primary's reigns, as far as they go.
                *self.replication.lineage.lock() = lineage;
                self.replication.found_primary();
                Ok(())
            }
            ToReplica::Told(Told::Refused(text)) => Err(FollowEnd::Refused(text)),
            ToReplica::Told(Told::Restart { lane, at, groups }) => {
                self.with_store(|store, _| store.restart_lane(lane, at))?;
                self.restart(lane, groups)?;
                self.is_followed(lane);
                Ok(())
            }
            ToReplica::Told(Told::Empty { lane, at, groups }) => {
                if self.lanes[usize::from(lane)] == Lane::Followed {
                    return Err(Unreadable.into());
                }
                self.with_store(|store, writer| store.empty_lane(writer, lane, at))?;
                self.restart(lane, groups)
            }
            ToReplica::Told(Told::Fresh { asked_at, offset }) => {
                self.replication.note_fresh(asked_at, offset);
                Ok(())
            }
            ToReplica::Told(Told::Token(token)) => {
                // A group of before the token is whole by now.
                self.send(&ToPrimary::Done { token }).await
            }
        }
    }

    /// Asks for each lane in the way that the plan allows.
    async fn begin(&mut self, common: &[Option<u64>]) -> Result<(), FollowEnd> {
        self.missing = STRIPE_COUNT;
        for (lane, common) in (0..=u8::MAX).zip(common) {
            let ask = self.ask_for(lane, *common)?;
            self.lanes[usize::from(lane)] = Lane::Taking(Vec::new());
            if let ToPrimary::Want { .. } = ask {
                self.is_followed(lane);
            }
            self.sender.feed(ask.encode()).await?;
        }
        self.sender.flush().await?;
        self.tell().await
    }

    fn ask_for(&self, lane: u8, common: Option<u64>) -> Result<ToPrimary, FollowEnd> {
        let copy = |store: &Store| ToPrimary::WantCopy { lane, digest: store.lane_digest(lane) };
        self.with_store(|store, _| {
            let Some(from) = common else { return copy(store) };
            if store.lane_end(lane) == from {
                return ToPrimary::Want { lane, from };
            }
            match store.rewind_lane(lane, from) {
                Some(keys) if keys.is_empty() => ToPrimary::Want { lane, from },
                Some(keys) if size_bytes(&keys) <= KEYS_BYTES_MAX => {
                    ToPrimary::WantKeys { lane, from, keys }
                }
                _ => copy(store),
            }
        })
    }

    fn replay(&mut self, lane: u8, offset: u64, bytes: &[u8]) -> Result<(), FollowEnd> {
        let replay = &mut self.replay;
        let fed = self.replication.with_gate(self.leader, |store, writer| {
            replay.feed(store, writer, lane, offset, bytes)
        });
        fed.ok_or(FollowEnd::Closed)?.map_err(FollowEnd::Replay)?;
        match self.replay.waiting_bytes() {
            ..=WAITING_BYTES_MAX => Ok(()),
            waiting_bytes => Err(FollowEnd::TooMuch(waiting_bytes)),
        }
    }

    fn restart(&mut self, lane: u8, groups: u64) -> Result<(), FollowEnd> {
        let Follower { replication, replay, .. } = self;
        let restart =
            |store: &Store, writer: &mut Writer| replay.restart(store, writer, lane, groups);
        let restarted = replication.with_gate(self.leader, restart);
        restarted.ok_or(FollowEnd::Closed)?.map_err(FollowEnd::Replay)
    }

    fn take_state(
        &mut self,
        lane: u8,
        is_whole: bool,
        is_last: bool,
        bytes: &[u8],
    ) -> Result<(), FollowEnd> {
        let Lane::Taking(before) = &mut self.lanes[usize::from(lane)] else {
            return Err(Unreadable.into());
        };
        before.extend_from_slice(bytes);
        if before.len() > WAITING_BYTES_MAX {
            return Err(FollowEnd::TooMuch(before.len()));
        }
        if is_whole {
            let effects = std::mem::take(before);
            let taken =
                self.with_store(|store, writer| store.take_state(writer, lane, &effects))?;
            taken.map_err(FollowEnd::Replay)?;
        }
        if is_last {
            self.is_followed(lane);
        }
        Ok(())
    }

    fn is_followed(&mut self, lane: u8) {
        if self.lanes[usize::from(lane)] != Lane::Followed {
            self.lanes[usize::from(lane)] = Lane::Followed;
            self.missing -= 1;
            self.replication.is_common.store(self.missing == 0, Relaxed);
        }
    }

    async fn tell(&mut self) -> Result<(), FollowEnd> {
        let offset = self.replication.followed_offset();
        self.send(&ToPrimary::Applied { offset, asked_at: clock::now() }).await
    }

    async fn send(&mut self, told: &ToPrimary) -> Result<(), FollowEnd> {
        Ok(self.sender.send(told.encode()).await?)
    }

    fn store(&self) -> &Store {
        self.replication.store()
    }

    /// Changes the store, unless this node must not now.
    fn with_store<T>(&self, change: impl FnOnce(&Store, &mut Writer) -> T) -> Result<T, FollowEnd> {
        self.replication.with_gate(self.leader, change).ok_or(FollowEnd::Closed)
    }
}

fn size_bytes(keys: &[(u16, Vec<u8>)]) -> usize {
    // A database's number and a length are a few bytes each.
    keys.iter().map(|(_, key)| key.len() + 8).sum()
}
