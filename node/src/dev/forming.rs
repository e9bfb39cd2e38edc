//! How nodes become a cluster: by the commands that anybody would use, over their clients' ports.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use skep_keyspace::SLOT_COUNT;
use tokio::time::{Instant, sleep};

use super::client::{Client, field};
use super::plan::{Plan, Role};
use crate::consensus::voters_wanted;

/// How long all of it may take before what is refused or missing is given up: this, and for each node.
const PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE_PER_NODE: Duration = Duration::from_secs(1);
/// Between two looks at something that takes its time.
const STEP: Duration = Duration::from_millis(20);

/// Makes one cluster of nodes that have just been started. Answers when every node says that the
/// cluster is well, and every replica that it follows its primary.
///
/// # Errors
/// Which node did not do or say what, for people.
pub(super) async fn form(plan: &Plan) -> Result<(), String> {
    let patience = PATIENCE + PATIENCE_PER_NODE * plan.nodes.len() as u32;
    let mut forming = Forming::connect(plan, Instant::now() + patience).await?;
    forming.meet().await?;
    forming.wait("CLUSTER INFO", "cluster_known_nodes", &plan.nodes.len().to_string()).await?;
    forming.assign().await?;
    forming.wait("CLUSTER INFO", "cluster_slots_assigned", &SLOT_COUNT.to_string()).await?;
    forming.replicate().await?;
    forming.wait("CLUSTER INFO", "cluster_state", "ok").await?;
    forming.wait_for_replicas().await?;
    // Until then a single death could cost the majority.
    let voters = voters_wanted(plan.nodes.len()).to_string();
    forming.wait("INFO cluster", "cluster_voters", &voters).await
}

struct Forming<'p> {
    plan: &'p Plan,
    deadline: Instant,
    /// In the order of the plan.
    nodes: Vec<Member>,
}

/// A node that answers.
struct Member {
    name: String,
    address: SocketAddr,
    client: Client,
    id: String,
}

impl Forming<'_> {
    async fn connect(plan: &Plan, deadline: Instant) -> Result<Forming<'_>, String> {
        let mut nodes = Vec::with_capacity(plan.nodes.len());
        for node in &plan.nodes {
            nodes.push(Member::greet(&node.name, node.address, deadline).await?);
        }
        Ok(Forming { plan, deadline, nodes })
    }

    /// The first node invites all others.
    async fn meet(&mut self) -> Result<(), String> {
        let Some((first, _)) = self.nodes.split_first_mut() else { return Ok(()) };
        for node in self.plan.nodes.iter().skip(1) {
            let (host, port) = (node.address.ip().to_string(), node.address.port().to_string());
            first.insist(&["CLUSTER", "MEET", &host, &port], self.deadline).await?;
        }
        Ok(())
    }

    /// Primaries take their slots.
    async fn assign(&mut self) -> Result<(), String> {
        for (node, member) in self.plan.nodes.iter().zip(&mut self.nodes) {
            let Role::Primary { slots } = &node.role else { continue };
            let bounds: Vec<String> = slots
                .iter()
                .flat_map(|range| [range.first, range.last].map(|slot| slot.to_string()))
                .collect();
            let mut words = vec!["CLUSTER", "ADDSLOTSRANGE"];
            words.extend(bounds.iter().map(String::as_str));
            member.say(&words).await?;
        }
        Ok(())
    }

    /// Replicas follow their primaries.
    async fn replicate(&mut self) -> Result<(), String> {
        for (at, node) in self.plan.nodes.iter().enumerate() {
            let Role::Replica { of } = node.role else { continue };
            let primary = self.nodes[of].id.clone();
            let words = ["CLUSTER", "REPLICATE", &primary];
            self.nodes[at].insist(&words, self.deadline).await?;
        }
        Ok(())
    }

    /// Waits until every node answers `wanted` for a field.
    async fn wait(&mut self, command: &str, name: &str, wanted: &str) -> Result<(), String> {
        for member in &mut self.nodes {
            member.wait(command, name, wanted, self.deadline).await?;
        }
        Ok(())
    }

    async fn wait_for_replicas(&mut self) -> Result<(), String> {
        for (node, member) in self.plan.nodes.iter().zip(&mut self.nodes) {
            if let Role::Replica { .. } = node.role {
                let name = "master_link_status";
                member.wait("INFO replication", name, "up", self.deadline).await?;
                // Clients see it among the replicas only then.
                let name = "master_sync_in_progress";
                member.wait("INFO replication", name, "0", self.deadline).await?;
            }
        }
        Ok(())
    }
}

impl Member {
    /// Waits until a node that is being started answers.
    async fn greet(name: &str, address: SocketAddr, deadline: Instant) -> Result<Member, String> {
        let told = |error: io::Error| format!("node {name} at {address} does not answer: {error}");
        let client = loop {
            match Client::connect(address).await {
                Ok(client) => break client,
                Err(error) if Instant::now() > deadline => return Err(told(error)),
                Err(_) => sleep(STEP).await,
            }
        };
        let mut member = Member { name: name.to_owned(), address, client, id: String::new() };
        member.id = member.say(&["CLUSTER", "MYID"]).await?;
        Ok(member)
    }

    /// Says a command once.
    async fn say(&mut self, words: &[&str]) -> Result<String, String> {
        let answer = self.client.ask(words).await;
        answer.map_err(|error| self.complaint(words, &error.to_string()))
    }

    /// Says a command until it is done: what it needs may have to spread among the nodes first.
    async fn insist(&mut self, words: &[&str], deadline: Instant) -> Result<String, String> {
        loop {
            match self.client.ask(words).await {
                Ok(answer) => return Ok(answer),
                Err(error) if Instant::now() > deadline => {
                    return Err(self.complaint(words, &error.to_string()));
                }
                Err(error) => {
                    sleep(STEP).await;
                    // One that has just become a replica asks those who were silent to leave.
                    if error.kind() != io::ErrorKind::Other
                        && let Ok(client) = Client::connect(self.address).await
                    {
                        self.client = client;
                    }
                }
            }
        }
    }

    /// Asks until a field has the wanted value.
    async fn wait(
        &mut self,
        command: &str,
        name: &str,
        wanted: &str,
        deadline: Instant,
    ) -> Result<(), String> {
        let words: Vec<&str> = command.split(' ').collect();
        loop {
            let text = self.insist(&words, deadline).await?;
            let seen = field(&text, name);
            if seen == Some(wanted) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let seen = seen.unwrap_or("nothing");
                let told = format!("{name} stays {seen} instead of {wanted}");
                return Err(self.complaint(&words, &told));
            }
            sleep(STEP).await;
        }
    }

    fn complaint(&self, words: &[&str], text: &str) -> String {
        format!("node {} to '{}': {text}", self.name, words.join(" "))
    }
}
