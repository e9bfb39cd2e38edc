//! Some hosts and the network between them, and the time that both take.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_cluster::topology::Shard;
use skep_cluster::{Change, Entry, ShardId};
use skep_command::cluster::{ClusterRequest, DeferredReply, Routes};
use skep_keyspace::{NodeId, Slot, SlotSet};
use skep_mesh::authority;
use skep_store::STRIPE_COUNT;
use skep_tests::Scratch;
use turmoil::Sim;

use super::clients::{command, value};
use super::history::History;
use super::host::Host;
use crate::cluster::Cluster;
use crate::simulated;

/// How fast virtual time goes on.
pub(super) const TICK: Duration = Duration::from_millis(1);
/// For everything that must happen some time.
const DEADLINE: Duration = Duration::from_secs(20);
/// Of one way, at most, when nothing is wrong.
const LATENCY_MAX: Duration = Duration::from_millis(2);
/// Packets that a host's socket holds.
const PACKETS_MAX: usize = 4_096;

/// See the module.
pub(super) struct World {
    pub(super) sim: Sim<'static>,
    pub(super) hosts: Vec<Arc<Host>>,
    pub(super) history: Arc<Mutex<History>>,
    /// Versions that each life has shown.
    shown: Vec<(u64, Vec<(ShardId, u64)>)>,
    _scratch: Scratch,
}

impl World {
    /// Of `count` hosts, each a cluster of its own.
    pub(super) fn new(seed: u64, count: usize) -> World {
        simulated::begin(seed);
        let mut builder = turmoil::Builder::new();
        builder.rng_seed(seed).tick_duration(TICK).simulation_duration(Duration::from_secs(3_600));
        builder.min_message_latency(TICK).max_message_latency(LATENCY_MAX);
        builder.udp_capacity(PACKETS_MAX);
        let mut sim = builder.build();
        let scratch = Scratch::new("turmoil").expect("a directory for the hosts");
        let keys = scratch.path().join("authority");
        let name = "storms".parse().expect("a name");
        authority::init(&keys, &name).expect("an authority");
        let history = Arc::new(Mutex::new(History::default()));
        let hosts = (0..count).map(|number| {
            let directory = scratch.path().join(number.to_string());
            std::fs::create_dir(&directory).expect("a directory");
            let id = id(number);
            let files = authority::issue(&keys, id, &[]).expect("a certificate");
            std::fs::copy(files.certificate, directory.join("node.pem")).expect("its copy");
            std::fs::copy(files.roots, directory.join("roots.pem")).expect("its copy");
            let ip = sim.lookup(name_of(number));
            let (life, history) = (Mutex::default(), Arc::clone(&history));
            Arc::new(Host { number, ip, directory, life, history })
        });
        let hosts: Vec<Arc<Host>> = hosts.collect();
        for host in &hosts {
            let software = Arc::clone(host);
            sim.host(name_of(host.number), move || Arc::clone(&software).live());
        }
        let shown = vec![Default::default(); count];
        World { sim, hosts, history, shown, _scratch: scratch }
    }

    /// A cluster of shards with so many members each.
    pub(super) fn formed(seed: u64, shards: &[usize]) -> World {
        let mut world = World::new(seed, shards.iter().sum());
        let all: Vec<usize> = (0..world.hosts.len()).collect();
        world.until("all hosts live", |world| world.hosts.iter().all(|host| host.lives()));
        for &host in &all[1..] {
            let first = &world.hosts[0];
            let (address, mesh_port) = (first.ip.to_string(), Some(first.mesh_port()));
            world.ask(host, ClusterRequest::Meet { host: address, port: 7_000, mesh_port });
        }
        let mut primary = 0;
        let share = 16_384 / shards.len();
        for (at, &members) in shards.iter().enumerate() {
            let end = if at + 1 == shards.len() { 16_384 } else { (at + 1) * share };
            let mut slots = SlotSet::new();
            for slot in at * share..end {
                slots.insert(Slot::new(slot as u16).expect("a slot"));
            }
            world.ask(primary, ClusterRequest::AddSlots(slots));
            for replica in primary + 1..primary + members {
                let target = id(primary);
                world.until("a replica sees its primary", |world| {
                    world.life(replica).routes().topology.nodes.contains_key(&target)
                });
                world.ask(replica, ClusterRequest::Replicate(target));
            }
            primary += members;
        }
        world.settle();
        world.history.lock().is_open = true;
        world
    }

    pub(super) fn now(&self) -> Duration {
        self.sim.elapsed()
    }

    pub(super) fn life(&self, host: usize) -> Arc<Cluster> {
        self.hosts[host].life.lock().clone().expect("the host lives")
    }

    /// Lets time pass.
    pub(super) fn go(&mut self, duration: Duration) {
        let end = self.now() + duration;
        while self.now() < end {
            self.step();
        }
    }

    /// Lets time pass until something is so.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, is_so: impl Fn(&World) -> bool) {
        let end = self.now() + DEADLINE;
        while !is_so(self) {
            let is_late = self.now() >= end;
            assert!(!is_late, "at {:?}, waited in vain: {what}\n{}", self.now(), self.shown());
            self.step();
        }
    }

    /// What each host thinks, for whoever must find out what went wrong.
    fn shown(&self) -> String {
        let shown = self.hosts.iter().map(|host| {
            let Some(life) = host.life.lock().clone() else { return format!("{}: dead", host.number) };
            let (routes, agreement) = (life.routes(), life.agreement());
            let replication = &life.replication;
            let leader = agreement.leader.map(|leader| leader.0[0] - 1);
            let voters: Vec<u8> = agreement.voters.iter().map(|voter| voter.0[0] - 1).collect();
            let mut text = format!(
                "{}: version {}, leader {leader:?} voters {voters:?} attached {}, linked {} common {} \
                 offset {} replicas {:?}\n",
                host.number,
                routes.topology.version,
                agreement.is_attached,
                replication.is_linked(),
                replication.is_common(),
                life.node.store.offset_bytes(),
                life.replica_offsets().iter().map(|(id, at)| (id.0[0] - 1, *at)).collect::<Vec<_>>(),
            );
            for (id, shard) in routes.topology.shards.iter().filter(|(_, shard)| !shard.slots.is_empty()) {
                text += &format!("   {id:?} {:?}\n", (shard.primary, &shard.in_sync, shard.epoch));
            }
            for (id, node) in &routes.topology.nodes {
                text += &format!("   {} {} {}", id.0[0] - 1, node.incarnation, node.is_failed);
            }
            text + "\n"
        });
        shown.collect()
    }

    fn step(&mut self) {
        self.sim.step().expect("the hosts' software does not end");
        for host in 0..self.hosts.len() {
            self.look(host);
        }
        let wrongs = &self.history.lock().wrongs;
        assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    }

    /// What a host shows of the topology never goes back.
    fn look(&mut self, host: usize) {
        let Some(life) = self.hosts[host].life.lock().clone() else {
            self.shown[host] = Default::default();
            return;
        };
        let routes = life.routes();
        let version = routes.topology.version;
        let (before, epochs) = &self.shown[host];
        if version == *before {
            return;
        }
        let now: Vec<(ShardId, u64)> =
            routes.topology.shards.iter().map(|(id, shard)| (*id, shard.epoch)).collect();
        if super::is_told() {
            for shard in routes.topology.shards.values().filter(|shard| !shard.slots.is_empty()) {
                let short = |node: &NodeId| node.0[0] - 1;
                let in_sync: Vec<u8> = shard.in_sync.iter().map(short).collect();
                let (primary, epoch) = (short(&shard.primary), shard.epoch);
                self.note(&format!("host {host} sees {primary} reign in {epoch} with {in_sync:?}"));
            }
        }
        if self.history.lock().is_open {
            assert!(version > *before, "host {host} goes back from {before} to {version}");
            for (shard, epoch) in epochs {
                let goes_back = now.iter().any(|(id, now)| id == shard && now < epoch);
                assert!(!goes_back, "host {host} goes back before epoch {epoch}");
            }
        }
        self.shown[host] = (version, now);
    }

    /// Runs something on a host and lets time pass until it is done.
    #[track_caller]
    pub(super) fn on<F>(&mut self, host: usize, work: impl FnOnce(Arc<Cluster>) -> F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let life = self.life(host);
        let (done, result) = std::sync::mpsc::sync_channel(1);
        let work = work(Arc::clone(&life));
        life.control.spawn(async move { done.send(work.await) });
        let end = self.now() + DEADLINE;
        loop {
            if let Ok(result) = result.try_recv() {
                return result;
            }
            assert!(self.now() < end, "at {:?}, waited in vain for host {host}", self.now());
            self.step();
        }
    }

    /// Asks a host for a change, which must succeed.
    #[track_caller]
    pub(super) fn ask(&mut self, host: usize, request: ClusterRequest) {
        let shown = format!("{request:?}");
        let answer = self.on(host, |life| life.request("the test".to_owned(), request));
        match answer {
            DeferredReply::Error(error) => panic!("host {host}, {shown}: {error:?}"),
            _ => self.note(&format!("host {host}: {shown}")),
        }
    }

    /// Has a host say that another has failed, which changes the topology and is put right soon.
    pub(super) fn mark(&mut self, by: usize, node: usize) {
        let change = Change::Mark { node: id(node), is_failed: true };
        let entry = Entry { proposer: id(by), asked_by: "the test".to_owned(), change };
        let marked = self.on(by, |life| async move { life.consensus().propose(entry).await });
        self.note(&format!("host {node} is marked: {marked:?}"));
    }

    /// Tells whoever follows a run.
    pub(super) fn note(&self, text: &str) {
        if super::is_told() {
            eprintln!("{:?} {text}", self.now());
        }
    }

    pub(super) fn crash(&mut self, host: usize) {
        self.note(&format!("host {host} crashes"));
        self.expect_loss(host);
        self.sim.crash(name_of(host));
        self.hosts[host].bury();
    }

    /// Nothing is promised of what only a primary without in-sync replicas has, when it crashes: its
    /// replicas may have been left behind by the network.
    fn expect_loss(&self, host: usize) {
        let routes = self.newest();
        let lost = |shard: &Shard| shard.primary == id(host) && shard.in_sync.is_empty();
        for (shard, _) in routes.topology.shards.iter().filter(|(_, shard)| lost(shard)) {
            let is_of = |key: &str| {
                let owner = routes.map.owner(Slot::of(key.as_bytes()));
                owner.is_some_and(|owner| owner.shard == *shard)
            };
            let count = self.history.lock().promise_nothing(is_of);
            self.note(&format!("it had no in-sync replica: {count} confirmed keys may be lost"));
        }
    }

    pub(super) fn restart(&mut self, host: usize) {
        self.note(&format!("host {host} starts again"));
        self.sim.bounce(name_of(host));
    }

    /// Lets nothing through from some hosts to others.
    pub(super) fn cut(&mut self, from: &[usize], to: &[usize]) {
        self.note(&format!("nothing gets from {from:?} to {to:?}"));
        for (one, other) in pairs(from, to) {
            self.sim.partition_oneway(self.hosts[one].ip, self.hosts[other].ip);
        }
    }

    fn others(&self, host: usize) -> Vec<usize> {
        (0..self.hosts.len()).filter(|other| *other != host).collect()
    }

    /// Lets nothing through to a host.
    pub(super) fn deafen(&mut self, host: usize) {
        self.cut(&self.others(host), &[host]);
    }

    /// Lets nothing through to or from a host.
    pub(super) fn isolate(&mut self, host: usize) {
        self.cut(&[host], &self.others(host));
        self.deafen(host);
    }

    /// Makes the network what it was at the beginning.
    pub(super) fn heal(&mut self) {
        self.note("the network is as it should be");
        let all: Vec<usize> = (0..self.hosts.len()).collect();
        for (one, other) in pairs(&all, &all) {
            self.sim.repair_oneway(self.hosts[one].ip, self.hosts[other].ip);
        }
        self.lose(0);
        self.delay(LATENCY_MAX);
    }

    /// Loses so many of a thousand packets, each with all that is on its way between the same hosts.
    pub(super) fn lose(&mut self, of_a_thousand: u64) {
        self.note(&format!("{of_a_thousand}/1000 packets are lost"));
        self.sim.set_fail_rate(of_a_thousand as f64 / 1_000.0);
    }

    pub(super) fn delay(&mut self, latency_max: Duration) {
        self.note(&format!("packets take {latency_max:?}"));
        self.sim.set_max_message_latency(latency_max);
    }

    /// Has a host's clock jump ahead, and run at so many thousandths of the true rate.
    pub(super) fn set_clock(&mut self, host: usize, jump: Duration, rate: u64) {
        self.note(&format!("the clock of host {host} jumps by {jump:?} and runs at {rate}/1000"));
        simulated::set_clock(host, self.now(), jump, rate);
    }

    /// The reign of a slot's shard as the newest topology says.
    pub(super) fn reign(&self, slot: Slot) -> (ShardId, u64) {
        let owner = self.newest().map.owner(slot).cloned().expect("all slots are placed");
        (owner.shard, owner.epoch)
    }

    /// Who leads the agreement, by its host.
    pub(super) fn leader(&self) -> Option<usize> {
        let leader = self.life(0).agreement().leader?;
        self.hosts.iter().position(|host| id(host.number) == leader)
    }

    fn newest(&self) -> Arc<Routes> {
        let lives = self.hosts.iter().filter_map(|host| host.life.lock().clone());
        let newest = lives.map(|life| life.routes()).max_by_key(|routes| routes.topology.version);
        newest.expect("a host lives")
    }

    /// The primary of a slot as the newest topology says, by its host.
    pub(super) fn primary(&self, slot: Slot) -> usize {
        let primary = self.newest().map.owner(slot).expect("all slots are placed").primary;
        self.hosts.iter().position(|host| id(host.number) == primary).expect("it is a host")
    }

    /// Lets time pass until all hosts agree on who is where, all replicas are in sync and equal to
    /// their primaries, which hold their leases.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        self.until("all replicas are in sync", |world| {
            world.hosts.iter().all(|host| host.lives()) && world.is_settled()
        });
    }

    fn is_settled(&self) -> bool {
        let first = self.life(0).routes();
        let is_same = |host: usize| {
            let routes = self.life(host).routes();
            routes.topology.version == first.topology.version
        };
        let is_in_sync = first
            .topology
            .shards
            .values()
            .all(|shard| shard.in_sync.len() + 1 == shard.members().count());
        (0..self.hosts.len()).all(is_same)
            && is_in_sync
            && first.topology.nodes.values().all(|node| !node.is_failed)
    }

    /// Stops the clients, and checks what must be so when all is calm.
    #[track_caller]
    pub(super) fn check_calm(&mut self) {
        self.settle();
        self.history.lock().is_open = false;
        self.until("all replicas have the same data", World::is_equal);
        let durable = self.history.lock().durable();
        for (key, least) in durable {
            let primary = self.primary(Slot::of(key.as_bytes()));
            let get = command(&["GET", &key]);
            let reply = self.on(primary, |life| async move { life.run(&get).await });
            let found = reply.ok().and_then(|reply| value(&reply)).flatten();
            assert!(found >= Some(least), "{key} is {found:?}, after {least} was confirmed");
        }
    }

    fn is_equal(&self) -> bool {
        let topology = self.life(0).routes().topology.clone();
        topology.shards.values().all(|shard| {
            let mut digests = shard.members().map(|node| {
                let host = self.hosts.iter().find(|host| id(host.number) == node);
                let life = self.life(host.expect("a host").number);
                (0..STRIPE_COUNT as u16)
                    .map(|lane| life.node.store.lane_digest(lane as u8))
                    .collect::<Vec<u64>>()
            });
            let first = digests.next();
            digests.all(|other| Some(&other) == first.as_ref())
        })
    }
}

impl Host {
    fn lives(&self) -> bool {
        self.life.lock().is_some()
    }
}

/// Each of some hosts with each of others.
fn pairs(some: &[usize], others: &[usize]) -> Vec<(usize, usize)> {
    let pairs = some.iter().flat_map(|one| others.iter().map(|other| (*one, *other)));
    pairs.filter(|(one, other)| one != other).collect()
}

pub(super) fn name_of(host: usize) -> String {
    format!("host{host}")
}

pub(super) fn id(host: usize) -> NodeId {
    NodeId([host as u8 + 1; 20])
}
