//! The world: what happens next, and to whom.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::checks::{Checks, Violation};
use super::clock::Clock;
use super::faults::{Fault, Faults, Favourite, MS, delay};
use super::node::{Copy, Process, WriteId};
use super::random::Random;
use super::setup;
use super::traffic::{COPY_EVERY, WRITE_EVERY};
use super::{Plant, raft};
use crate::shard::{Action, Message, ShardCore, ShardView, Timings};
use crate::topology::{Change, Entry, ShardId, Topology};

/// When faults begin, when they are all over, and when the run ends.
const FAULTS_FROM: u64 = 800 * MS;
const FAULTS_UNTIL: u64 = 5_000 * MS;
const END: u64 = 8_500 * MS;
/// Between two looks at the latest topology.
pub(super) const SYNC_EVERY: u64 = 100 * MS;

/// What may happen.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Tick(usize, u64),
    Receive {
        to: usize,
        from: usize,
        message: Message,
        sent_at: u64,
    },
    Take {
        to: usize,
        from: usize,
        copy: Copy,
    },
    Applied {
        to: usize,
        from: usize,
        epoch: u64,
        incarnation: u64,
        count: usize,
    },
    Write(ShardId),
    Copies,
    /// A proposal looks for a majority.
    Propose {
        by: usize,
        entry: Entry,
        tries: u32,
    },
    Commit(Entry),
    Learn(usize, Rc<Topology>),
    /// Whoever can hears of the latest topology.
    Sync,
    /// Something goes wrong by chance.
    Fault,
    /// Something goes wrong.
    Begin(Fault),
    Heal(u64),
    Quiet,
}

/// A run.
pub(super) struct World {
    pub(super) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    pub(super) random: Random,
    pub(super) nodes: Vec<Process>,
    pub(super) faults: Faults,
    pub(super) truth: Rc<Topology>,
    pub(super) checks: Checks,
    pub(super) plant: Option<Plant>,
    timings: Timings,
    favourite: Favourite,
    is_told: bool,
    /// Nothing goes wrong by itself, and Raft is never slow.
    pub(super) is_calm: bool,
    pub(super) writes: WriteId,
}

impl World {
    /// A world in which much goes wrong.
    pub(super) fn new(seed: u64, plant: Option<Plant>, is_told: bool) -> World {
        let mut world = World::calm(seed, plant, is_told);
        world.after(FAULTS_FROM, Event::Fault);
        world.is_calm = false;
        world
    }

    /// A world in which nothing goes wrong by itself.
    pub(super) fn calm(seed: u64, plant: Option<Plant>, is_told: bool) -> World {
        let mut random = Random::new(seed);
        let truth = setup::topology(&mut random);
        let timings = setup::timings(plant);
        let mut world = World {
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            nodes: Vec::new(),
            faults: Faults::default(),
            checks: Checks::new(&truth, timings.lease),
            truth: Rc::new(truth),
            random,
            plant,
            timings,
            favourite: Favourite::of(seed),
            is_told,
            is_calm: true,
            writes: 0,
        };
        for index in 0..world.truth.nodes.len() {
            let process = world.process(index, 1);
            world.nodes.push(process);
        }
        for shard in world.truth.shards.keys().copied().collect::<Vec<_>>() {
            world.after(WRITE_EVERY, Event::Write(shard));
        }
        world.after(0, Event::Sync);
        world.after(COPY_EVERY, Event::Copies);
        world.after(FAULTS_UNTIL, Event::Quiet);
        world
    }

    fn process(&mut self, index: usize, incarnation: u64) -> Process {
        let id = setup::id(index);
        let mut core = ShardCore::new(id, incarnation, self.timings);
        core.planted = match self.plant {
            Some(Plant::Core(bug)) => Some(bug),
            _ => None,
        };
        let local = self.random.range(0, 1 << 40);
        let clock = Clock::new(self.now, local, self.random.range(950, 1050));
        Process::new(id, core, clock, incarnation)
    }

    /// Lives to the end.
    pub(super) fn run(&mut self) -> Result<(), Violation> {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > END {
                break;
            }
            self.now = at;
            self.happen(event)?;
        }
        self.checks.end(self)
    }

    pub(super) fn after(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), event);
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>10.3} ms  {}", self.now as f64 / MS as f64, what());
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        // A process that stands still finds what came when it goes on.
        if let Some(index) = event.victim()
            && let Some(stopped) = self.nodes[index].stopped.as_mut()
        {
            stopped.push(event);
            return Ok(());
        }
        match event {
            Event::Tick(index, tick) if tick == self.nodes[index].tick => {
                self.drive(index, |node, now| node.core.tick(now, node.offset()))
            }
            Event::Receive { to, from, message, sent_at } => {
                let sender = setup::id(from);
                if let (Message::Beacon(_), true) = (&message, self.nodes[to].is_up) {
                    let heard = self.nodes[to].heard.entry(from).or_default();
                    *heard = sent_at.max(*heard);
                }
                self.drive(to, |node, now| node.core.receive(now, node.offset(), sender, &message))
            }
            Event::Take { to, from, copy } => self.take(to, from, &copy),
            Event::Applied { to, from, epoch, incarnation, count } => {
                self.applied(to, from, epoch, incarnation, count)
            }
            Event::Write(shard) => self.write(shard),
            Event::Copies => self.copies(),
            Event::Propose { by, entry, tries } => self.find_majority(by, entry, tries),
            Event::Commit(entry) => return self.commit(&entry),
            Event::Learn(index, topology) => {
                let view = ShardView::of(&topology, setup::id(index));
                self.drive(index, |node, now| node.core.topology(now, view))
            }
            Event::Sync => self.sync(),
            Event::Fault => self.fault(),
            Event::Begin(fault) => self.begin(fault),
            Event::Heal(fault) => self.heal(fault),
            Event::Quiet => self.quiet(),
            Event::Tick(..) => {}
        }
        self.checks.leases(self)
    }

    /// Gives a core something, and does what it wants.
    fn drive(&mut self, index: usize, input: impl FnOnce(&mut Process, u64) -> Vec<Action>) {
        let now = self.now;
        let node = &mut self.nodes[index];
        if !node.is_up {
            return;
        }
        let local = node.clock.local(now);
        let actions = input(node, local);
        node.settle();
        node.tick += 1;
        let (tick, wake) = (node.tick, node.core.next_wake());
        for action in actions {
            match action {
                Action::Send { to, message } => self.send(index, to, message),
                Action::Propose(change) => self.propose(index, change, "the core"),
            }
        }
        if let Some(wake) = wake {
            // Now and then the machine is busy.
            let late = if self.random.chance(10) { 30 * MS } else { MS };
            let late = self.random.range(0, late);
            let at = self.nodes[index].clock.real(wake).max(now) + late;
            self.after(at - now, Event::Tick(index, tick));
        }
    }

    fn send(&mut self, from: usize, to: skep_keyspace::NodeId, message: Message) {
        let to = setup::index(to);
        let copies = if self.random.chance(20) { 2 } else { 1 };
        for copy in 0..copies {
            if self.faults.is_cut(from, to) || self.faults.is_lost(&mut self.random) {
                continue;
            }
            // What the network repeats may come very late.
            let late = if copy > 0 { self.random.range(0, 700 * MS) } else { 0 };
            let after = delay(&mut self.random) + late;
            let event = Event::Receive { to, from, message: message.clone(), sent_at: self.now };
            self.after(after, event);
        }
    }

    pub(super) fn propose(&mut self, by: usize, change: Change, asked_by: &str) {
        self.tell(|| format!("node {by} proposes {change:?}"));
        let entry = Entry { proposer: setup::id(by), asked_by: asked_by.to_owned(), change };
        let after = delay(&mut self.random);
        self.after(after, Event::Propose { by, entry, tries: 0 });
    }

    fn fault(&mut self) {
        let pause = self.random.range(100 * MS, 900 * MS);
        if self.now + pause < FAULTS_UNTIL {
            self.after(pause, Event::Fault);
        }
        let fault = Fault::any(self.nodes.len(), self.favourite, &mut self.random);
        self.begin(fault);
    }

    /// Something goes wrong from now on.
    pub(super) fn begin(&mut self, fault: Fault) {
        if self.now >= FAULTS_UNTIL {
            return;
        }
        self.tell(|| format!("fault: {fault:?}"));
        match fault {
            Fault::Stop(index) if self.nodes[index].is_running() => {
                self.nodes[index].stopped = Some(Vec::new());
            }
            Fault::Crash(index) if self.nodes[index].is_running() => {
                let node = &mut self.nodes[index];
                node.is_up = false;
                node.settle();
            }
            Fault::HandOver(index) => return self.hand_over(index),
            Fault::Stop(_) | Fault::Crash(_) => return,
            _ => {}
        }
        self.sequence += 1;
        let name = self.sequence;
        self.faults.active.insert(name, fault);
        let by_chance = fault.duration(&mut self.random);
        let lasts = if self.is_calm { 1_500 * MS } else { by_chance };
        self.after(lasts, Event::Heal(name));
    }

    fn hand_over(&mut self, index: usize) {
        let Some(view) = self.nodes[index].core.view() else { return };
        let heirs: Vec<_> = view.in_sync.iter().copied().collect();
        if heirs.is_empty() || !self.nodes[index].is_running() {
            return;
        }
        let to = heirs[self.random.index(heirs.len())];
        self.drive(index, |node, now| node.core.hand_over(now, to).unwrap_or_default());
    }

    fn heal(&mut self, name: u64) {
        let Some(fault) = self.faults.active.remove(&name) else { return };
        self.tell(|| format!("over: {fault:?}"));
        match fault {
            Fault::Stop(index) => {
                for event in self.nodes[index].stopped.take().unwrap_or_default() {
                    self.after(0, event);
                }
            }
            Fault::Crash(index) => {
                let incarnation = self.nodes[index].incarnation + 1;
                let tick = self.nodes[index].tick;
                self.nodes[index] = self.process(index, incarnation);
                self.nodes[index].tick = tick + 1;
            }
            _ => {}
        }
    }

    fn quiet(&mut self) {
        for name in self.faults.active.keys().copied().collect::<Vec<_>>() {
            self.heal(name);
        }
    }

    /// Changes what Raft will apply, where a bug of the topology is planted.
    pub(super) fn sabotage(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        raft::sabotage(self.plant, &self.truth, &mut entry.change);
        entry
    }
}

impl Event {
    /// The process that it happens to.
    fn victim(&self) -> Option<usize> {
        match *self {
            Event::Tick(to, _) | Event::Learn(to, _) => Some(to),
            Event::Receive { to, .. } | Event::Take { to, .. } | Event::Applied { to, .. } => {
                Some(to)
            }
            _ => None,
        }
    }
}
