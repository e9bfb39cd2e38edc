//! The primary's side of replication: sends a replica its lanes, and what it lacks of stripes.
//!
//! A sweep looks at every lane without a lock, and reads those that have grown. Sweeps follow each
//! other at some distance, so that many small changes travel in few packets; what is acknowledged to
//! nobody may wait that long. The stream's flow control is the only buffer: a replica that does not
//! read stops its own sweeps and nobody else's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_keyspace::NodeId;
use skep_mesh::{FrameReceiver, FrameSender, MeshError};
use skep_store::{STRIPE_COUNT, Store, Walk};
use tokio::time::timeout;

use super::Replication;
use super::progress::Progress;
use super::wire::{PIECE_BYTES, ToPrimary, Told, Unreadable, lane_head, state};

/// Between sweeps that find something.
const PAUSE_MIN: Duration = Duration::from_millis(2);
/// Between sweeps that have found nothing for a while.
const PAUSE_MAX: Duration = Duration::from_millis(8);
/// Keys of a stripe that are described at once.
const KEYS_AT_ONCE: usize = 64;
/// Bytes of described keys after which the next step describes one key only.
const LARGE_STEP_BYTES: usize = 1 << 20;

/// Why a replica is not served any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceEnd {
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("it asked for a lane that is not there")]
    Lane,
    #[error("it is so far behind that lane {0} has forgotten what it lacks; see cluster-log-size")]
    Forgotten(u8),
    #[error("this node does not reign any more")]
    Over,
}

/// Keys of a lane, which goes on at `from` when what became of them is told.
struct WantedKeys {
    lane: u8,
    from: u64,
    keys: Vec<(u16, Vec<u8>)>,
}

/// What a replica has asked for and is not done.
#[derive(Default)]
struct Orders {
    keys: VecDeque<WantedKeys>,
    copies: VecDeque<(u8, u64)>,
    tails: Vec<(u8, u64)>,
    /// The last time that it has told, which is to be answered.
    asked_at: Option<u64>,
}

struct Source<'a> {
    replication: &'a Replication,
    progress: &'a Progress,
    orders: &'a Mutex<Orders>,
    epoch: u64,
    /// Up to where each lane has been sent; nothing while it is not asked for.
    sent: Vec<Option<u64>>,
    token_sent: u64,
    /// A stripe had to be copied.
    has_copied: bool,
    scratch: Vec<u8>,
}

/// Serves a replica until it leaves, or this node reigns no more.
pub(super) async fn serve(
    replication: &Replication,
    node: NodeId,
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    hello: ToPrimary,
) -> Result<(), SourceEnd> {
    let ToPrimary::Hello { shard, epoch, known, ends } = hello else {
        return Err(Unreadable.into());
    };
    if ends.len() != STRIPE_COUNT {
        return Err(SourceEnd::Lane);
    }
    if let Err(text) = replication.may_follow(node, shard, epoch) {
        sender.send(Told::Refused(text).encode()).await?;
        return Ok(());
    }
    let progress = Arc::new(Progress::new(node));
    let plan = plan(replication, known, &ends, &progress);
    // What it may go on from is kept from now on, though it is yet to be told.
    replication.followed(&progress);
    sender.send(plan.encode()).await.inspect_err(|_| replication.left(&progress))?;
    let orders = Mutex::new(Orders::default());
    let mut source = Source {
        replication,
        progress: &progress,
        orders: &orders,
        epoch,
        sent: vec![None; STRIPE_COUNT],
        token_sent: 0,
        has_copied: false,
        scratch: Vec::new(),
    };
    let end = tokio::select! {
        end = listen(&mut receiver, &progress, &orders) => end,
        end = source.send_all(&mut sender) => end,
    };
    replication.left(&progress);
    end
}

/// Up to where each lane of a replica is common, and still there to go on from.
fn plan(replication: &Replication, known: u64, ends: &[u64], progress: &Progress) -> Told {
    let lineage = replication.lineage.lock().clone();
    let store = replication.store();
    let common = (0..=u8::MAX).zip(ends).map(|(lane, &end)| {
        let common = lineage.common(known, lane, end)?;
        let is_kept = common >= store.lane_begin(lane) && common <= store.lane_end(lane);
        is_kept.then_some(common).inspect(|common| progress.set_needs(lane, Some(*common)))
    });
    Told::Plan { common: common.collect(), lineage }
}

/// Takes what the replica says.
async fn listen(
    receiver: &mut FrameReceiver,
    progress: &Progress,
    orders: &Mutex<Orders>,
) -> Result<(), SourceEnd> {
    while let Some(frame) = receiver.receive().await? {
        let mut orders = orders.lock();
        // There are as many lanes, and a replica asks for each once.
        if orders.keys.len() + orders.copies.len() + orders.tails.len() > STRIPE_COUNT {
            return Err(SourceEnd::Lane);
        }
        match ToPrimary::decode(&frame)? {
            ToPrimary::Hello { .. } => return Err(Unreadable.into()),
            ToPrimary::Want { lane, from } => orders.tails.push((lane, from)),
            ToPrimary::WantKeys { lane, from, keys } => {
                orders.keys.push_back(WantedKeys { lane, from, keys });
            }
            ToPrimary::WantCopy { lane, digest } => orders.copies.push_back((lane, digest)),
            ToPrimary::Applied { offset, asked_at } => {
                progress.note_applied(offset);
                orders.asked_at = Some(asked_at);
                continue;
            }
            ToPrimary::Done { token } => {
                progress.note_passed(token);
                continue;
            }
        }
        progress.wake.notify_one();
    }
    Ok(())
}

impl Source<'_> {
    async fn send_all(&mut self, sender: &mut FrameSender) -> Result<(), SourceEnd> {
        let mut pause = PAUSE_MIN;
        loop {
            if !self.replication.reigns(self.epoch) {
                return Err(SourceEnd::Over);
            }
            let is_busy = self.sweep(sender).await?;
            pause = if is_busy { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            // Whether it is woken or time is up does not matter.
            let _ = timeout(pause, self.progress.wake.notified()).await;
        }
    }

    /// Sends what has come since the last sweep. Answers whether there was anything.
    async fn sweep(&mut self, sender: &mut FrameSender) -> Result<bool, SourceEnd> {
        let token = self.progress.wanted();
        let offset = self.store().offset_bytes();
        let (tails, keys, asked_at) = {
            let mut orders = self.orders.lock();
            let tails = std::mem::take(&mut orders.tails);
            (tails, orders.keys.pop_front(), orders.asked_at.take())
        };
        for (lane, from) in tails {
            self.go_on(lane, from);
        }
        let mut is_busy = keys.is_some();
        for lane in 0..=u8::MAX {
            is_busy |= self.send_lane(sender, lane).await?;
        }
        if let Some(wanted) = keys {
            self.send_keys(sender, &wanted).await?;
        }
        is_busy |= self.copy_some(sender).await?;
        let is_complete = self.is_complete();
        if let Some(asked_at) = asked_at.filter(|_| is_complete) {
            sender.feed(Told::Fresh { asked_at, offset }.encode()).await?;
        }
        let was_complete = self.progress.set_complete(is_complete);
        if is_complete && !was_complete && !self.has_copied {
            self.replication.note_partial();
        }
        if is_complete && self.is_new(token) {
            sender.feed(Told::Token(token).encode()).await?;
        }
        sender.flush().await?;
        Ok(is_busy)
    }

    /// The replica goes on at an offset of a lane.
    fn go_on(&mut self, lane: u8, from: u64) {
        self.sent[usize::from(lane)] = Some(from);
        self.progress.set_needs(lane, Some(from));
        self.progress.note_moved();
    }

    /// Whether every lane is being followed.
    fn is_complete(&self) -> bool {
        self.sent.iter().all(Option::is_some)
    }

    /// Whether a token has not been sent yet.
    fn is_new(&mut self, token: u64) -> bool {
        token > std::mem::replace(&mut self.token_sent, token)
    }

    /// Sends what a lane has that the replica lacks.
    async fn send_lane(&mut self, sender: &mut FrameSender, lane: u8) -> Result<bool, SourceEnd> {
        let mut is_busy = false;
        while let Some(sent) = self.sent[usize::from(lane)]
            && let to_come = self.store().lane_end(lane).saturating_sub(sent)
            && to_come > 0
        {
            is_busy = true;
            let mut frame = lane_head(lane, sent, to_come.min(PIECE_BYTES as u64) as usize);
            match self.store().read_lane(lane, sent, PIECE_BYTES, &mut frame) {
                Some(read_bytes) => {
                    sender.feed(Bytes::from(frame)).await?;
                    self.go_on(lane, sent + read_bytes as u64);
                }
                // It comes back and is told what can be done.
                None => return Err(SourceEnd::Forgotten(lane)),
            }
        }
        Ok(is_busy)
    }

    /// Tells what became of keys, and goes on with their lane.
    async fn send_keys(
        &mut self,
        sender: &mut FrameSender,
        wanted: &WantedKeys,
    ) -> Result<(), SourceEnd> {
        let WantedKeys { lane, from, keys } = wanted;
        let (lane, from) = (*lane, *from);
        for (at, key) in keys.iter().enumerate() {
            self.scratch.clear();
            let key = std::slice::from_ref(key);
            let replication = self.replication;
            replication.with_writer(|store, writer| {
                store.describe_keys(writer, lane, key, &mut self.scratch);
            });
            self.send_state(sender, lane, at + 1 == keys.len()).await?;
        }
        self.go_on(lane, from);
        Ok(())
    }

    /// Begins the lanes anew that are asked for, up to the first whose stripe has to be copied. Answers
    /// whether there were any.
    async fn copy_some(&mut self, sender: &mut FrameSender) -> Result<bool, SourceEnd> {
        let mut is_busy = false;
        loop {
            let next = self.orders.lock().copies.pop_front();
            let Some((lane, digest)) = next else { return Ok(is_busy) };
            is_busy = true;
            if self.copy(sender, lane, digest).await? {
                return Ok(true);
            }
        }
    }

    /// Copies a stripe, unless the replica's is the same. Answers whether it did.
    async fn copy(
        &mut self,
        sender: &mut FrameSender,
        lane: u8,
        digest: u64,
    ) -> Result<bool, SourceEnd> {
        let (at, ours, groups) = self.store().lane_mark(lane);
        self.go_on(lane, at);
        if ours == digest {
            sender.feed(Told::Restart { lane, at, groups }.encode()).await?;
            return Ok(false);
        }
        self.replication.note_copy(!self.has_copied);
        self.has_copied = true;
        sender.feed(Told::Empty { lane, at, groups }.encode()).await?;
        let (mut walk, mut count) = (Some(Walk::default()), KEYS_AT_ONCE);
        while let Some(from) = walk {
            self.scratch.clear();
            let replication = self.replication;
            walk = replication.with_writer(|store, writer| {
                store.describe_stripe(writer, lane, from, count, &mut self.scratch)
            });
            count = if self.scratch.len() > LARGE_STEP_BYTES { 1 } else { KEYS_AT_ONCE };
            self.send_state(sender, lane, walk.is_none()).await?;
        }
        Ok(true)
    }

    /// Sends what is in `scratch`, in pieces. The last piece of all may be empty.
    async fn send_state(
        &self,
        sender: &mut FrameSender,
        lane: u8,
        is_last: bool,
    ) -> Result<(), SourceEnd> {
        let mut rest = &self.scratch[..];
        loop {
            let (piece, left) = rest.split_at(rest.len().min(PIECE_BYTES));
            rest = left;
            let is_end = rest.is_empty();
            sender.feed(state(lane, is_end, is_end && is_last, piece)).await?;
            self.progress.note_moved();
            if is_end {
                return Ok(());
            }
        }
    }

    fn store(&self) -> &Store {
        self.replication.store()
    }
}
