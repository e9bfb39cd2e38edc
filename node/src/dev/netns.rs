//! A network of hosts inside this machine: a network namespace for each node, joined by a bridge,
//! whose packets can be dropped in each direction between any two.
//!
//! ```text
//! this machine  10.99.x.254 ── bridge skep<pid> ─┬─ skep<pid>n1 ═ eth0 10.99.x.1 in skep<pid>-1
//!                                                └─ skep<pid>n2 ═ eth0 10.99.x.2 in skep<pid>-2
//! ```
//!
//! A *cut* makes one host deaf to another: packets from there are dropped when they arrive, in
//! silence, as a network loses them. It is a routing rule (`from <sender> blackhole`), so that it
//! needs nothing but `ip`; rules are only asked before the table of local addresses if that one's
//! own rule is moved behind them. This machine hears all hosts, always.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use super::DevError;

/// The last part of the machine's own address.
const MACHINE: u8 = 254;
/// Where rules stand: cuts before local addresses.
const CUT_PREFERENCE: u32 = 10;
const LOCAL_PREFERENCE: u32 = 100;
const NAME: &str = "skep";

/// `to` does not hear `from`. Hosts are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cut {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The network; taken down when this is dropped.
#[derive(Debug)]
pub(super) struct Network {
    /// What its parts are named by.
    name: String,
    subnet: u8,
    hosts: usize,
    cuts: BTreeSet<Cut>,
}

impl Network {
    /// Makes the network. What supervisors have left behind that were killed is removed first.
    ///
    /// # Errors
    /// Without root's rights or the program `ip`, or when this machine cannot have such a network.
    pub(super) fn set_up(hosts: usize) -> Result<Network, DevError> {
        if !rustix::process::geteuid().is_root() {
            let text = "--netns makes network namespaces, which only root may; run it with sudo, or \
                        without --netns";
            return Err(DevError::Usage(text.to_owned()));
        }
        sweep(&ip("netns list")?);
        let pid = std::process::id();
        let subnet = free_subnet(&ip("-o -4 addr show")?, pid)
            .ok_or_else(|| DevError::Usage("--netns: no 10.99.x.0/24 is free".to_owned()))?;
        let network =
            Network { name: format!("{NAME}{pid}"), subnet, hosts, cuts: BTreeSet::new() };
        let bridge = &network.name;
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add 10.99.{subnet}.{MACHINE}/24 dev {bridge}"))?;
        ip(&format!("link set {bridge} up"))?;
        for host in 1..=hosts {
            network.add_host(host)?;
        }
        Ok(network)
    }

    fn add_host(&self, host: usize) -> Result<(), DevError> {
        let (bridge, space, cable) = (&self.name, self.space(host), self.cable(host));
        ip(&format!("netns add {space}"))?;
        ip(&format!("link add {cable} type veth peer name eth0 netns {space}"))?;
        ip(&format!("link set {cable} master {bridge} up"))?;
        batch(
            &space,
            &format!(
                "addr add {}/24 dev eth0\n\
                 link set eth0 up\n\
                 link set lo up\n\
                 rule add pref {LOCAL_PREFERENCE} lookup local\n\
                 rule del pref 0\n",
                self.address(host)
            ),
        )
    }

    /// Where the hosts are, by their numbers.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        (1..=self.hosts).map(|host| self.address(host))
    }

    fn address(&self, host: usize) -> IpAddr {
        Ipv4Addr::new(10, 99, self.subnet, host as u8).into()
    }

    /// What goes before a program to run it on a host.
    pub(super) fn prefix(&self, host: usize) -> Vec<String> {
        ["ip", "netns", "exec", &self.space(host)].map(str::to_owned).to_vec()
    }

    /// What is cut now.
    pub(super) fn cuts(&self) -> &BTreeSet<Cut> {
        &self.cuts
    }

    /// Makes these the only cuts there are.
    pub(super) fn cut(&mut self, wanted: BTreeSet<Cut>) -> Result<(), DevError> {
        for host in 1..=self.hosts {
            let mut lines = String::new();
            let changed = self.cuts.symmetric_difference(&wanted).filter(|cut| cut.to == host);
            for cut in changed {
                let verb = if wanted.contains(cut) { "add" } else { "del" };
                let from = self.address(cut.from);
                // Writing to a text cannot fail.
                let _ = writeln!(lines, "rule {verb} pref {CUT_PREFERENCE} from {from} blackhole");
            }
            if !lines.is_empty() {
                batch(&self.space(host), &lines)?;
                self.cuts.retain(|cut| cut.to != host);
                self.cuts.extend(wanted.iter().filter(|cut| cut.to == host));
            }
        }
        Ok(())
    }

    fn space(&self, host: usize) -> String {
        format!("{}-{host}", self.name)
    }

    fn cable(&self, host: usize) -> String {
        format!("{}n{host}", self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What was not made yet cannot be removed.
        for host in 1..=self.hosts {
            let _ = ip(&format!("link del {}", self.cable(host)));
            let _ = ip(&format!("netns del {}", self.space(host)));
        }
        let _ = ip(&format!("link del {}", self.name));
    }
}

/// Removes what is left of networks whose supervisors are gone. `spaces` is the list of namespaces.
fn sweep(spaces: &str) {
    let is_gone = |pid: u32| !Path::new(&format!("/proc/{pid}")).exists();
    for (space, pid) in orphans(spaces, is_gone) {
        // Another supervisor may be sweeping, too.
        let _ = ip(&format!("netns del {space}"));
        let _ = ip(&format!("link del {NAME}{pid}"));
    }
}

/// Namespaces whose supervisor is gone, with its process.
fn orphans(spaces: &str, is_gone: impl Fn(u32) -> bool) -> Vec<(&str, u32)> {
    let names = spaces.lines().filter_map(|line| line.split_whitespace().next());
    let ours = names.filter_map(|name| {
        let (pid, host) = name.strip_prefix(NAME)?.split_once('-')?;
        host.parse::<u8>().ok()?;
        Some((name, pid.parse().ok()?))
    });
    ours.filter(|(_, pid)| is_gone(*pid)).collect()
}

/// A subnet in which this machine has no address, given those that it has; supervisors begin to look
/// at different ones.
fn free_subnet(addresses: &str, pid: u32) -> Option<u8> {
    let candidates = (0..=u8::MAX).map(|step| step.wrapping_add(pid as u8));
    candidates.into_iter().find(|subnet| !addresses.contains(&format!(" 10.99.{subnet}.")))
}

/// Runs `ip` with the words of a line.
fn ip(line: &str) -> Result<String, DevError> {
    run(line, "")
}

/// Carries out lines of `ip` in a namespace.
fn batch(space: &str, lines: &str) -> Result<(), DevError> {
    run(&format!("-n {space} -batch -"), lines).map(drop)
}

fn run(line: &str, input: &str) -> Result<String, DevError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => {
            let text = "--netns needs the program 'ip' (package iproute2), which is not there";
            DevError::Usage(text.to_owned())
        }
        _ => DevError::System("run 'ip'", error),
    };
    let mut command = Command::new("ip");
    command.args(line.split_whitespace()).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.lines().next().unwrap_or("without a reason").to_owned();
    Err(DevError::Network { line: format!("ip {line}"), told })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_supervisors_that_are_gone_are_swept() {
        let spaces = "skep12-1 (id: 0)\nskep12-2\nskep13-1\nskep\nskep12\nskepx-1\nother12-1\n";
        let found = orphans(spaces, |pid| pid == 12);
        assert_eq!(found, [("skep12-1", 12), ("skep12-2", 12)]);
    }

    #[test]
    fn a_subnet_is_one_that_this_machine_is_not_in() {
        let addresses = "2: eth0    inet 10.99.7.1/24 brd\n3: skep1    inet 10.99.8.254/24";
        assert_eq!(free_subnet(addresses, 7), Some(9));
        assert_eq!(free_subnet(addresses, 255), Some(255));
        assert_eq!(free_subnet(addresses, 70), Some(70));
    }

    #[test]
    fn names_of_interfaces_are_short_enough_for_linux() {
        let network =
            Network { name: format!("{NAME}4194304"), subnet: 1, hosts: 0, cuts: BTreeSet::new() };
        assert!(network.cable(100).len() <= 15, "{}", network.cable(100));
    }
}
