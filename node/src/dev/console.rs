//! What can be typed while the nodes are hosts of a network: cutting, stopping, killing, starting.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Read as _};

use tokio::sync::mpsc;

use super::netns::Cut;

/// Lines that wait to be carried out.
const LINES_MAX: usize = 16;
/// The longest line that is read as one.
const LINE_BYTES_MAX: u64 = 4 << 10;

pub(super) const HELP: &str = "\
partition 1,2 | 3,4   packets between the parts are lost; nodes not named are a part of their own
isolate 3             packets from and to node 3 are lost
cut 1>3               packets from node 1 to node 3 are lost, those back are not
heal                  no packets are lost any more
stop 3 | cont 3       node 3 stands still (SIGSTOP) | goes on
kill 3 | start 3      node 3 is killed | started again
help                  this";

/// What is to be done. Nodes are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Only these cuts.
    Partition(BTreeSet<Cut>),
    /// These cuts besides those there are.
    Cut(BTreeSet<Cut>),
    Heal,
    Stop(usize),
    Continue(usize),
    Kill(usize),
    Start(usize),
    Help,
}

/// Reads a line; an empty one asks for nothing.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn order(line: &str, nodes: usize) -> Result<Option<Order>, String> {
    let line = line.trim();
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let order = match verb {
        "" => return Ok(None),
        "partition" => Order::Partition(between(&parts(rest, nodes)?)),
        "isolate" => {
            let alone = node(rest, nodes)?;
            let others = (1..=nodes).filter(|other| *other != alone).collect();
            Order::Cut(between(&[vec![alone], others]))
        }
        "cut" => {
            let (from, to) =
                rest.split_once('>').ok_or_else(|| format!("'{rest}' is no cut, such as 1>3"))?;
            let cut = Cut { from: node(from, nodes)?, to: node(to, nodes)? };
            if cut.from == cut.to {
                return Err("a node hears itself without a network".to_owned());
            }
            Order::Cut(BTreeSet::from([cut]))
        }
        "stop" => Order::Stop(node(rest, nodes)?),
        "cont" => Order::Continue(node(rest, nodes)?),
        "kill" => Order::Kill(node(rest, nodes)?),
        "start" => Order::Start(node(rest, nodes)?),
        "heal" if rest.is_empty() => Order::Heal,
        "help" => Order::Help,
        _ => return Err(format!("'{line}' is unknown; try 'help'")),
    };
    Ok(Some(order))
}

fn node(text: &str, nodes: usize) -> Result<usize, String> {
    let text = text.trim();
    let number = text.parse().ok().filter(|number| (1..=nodes).contains(number));
    number.ok_or_else(|| format!("'{text}' is no node; they are 1 to {nodes}"))
}

/// The parts of a network, from `1,2 | 3,4`.
fn parts(text: &str, nodes: usize) -> Result<Vec<Vec<usize>>, String> {
    let mut left: BTreeSet<usize> = (1..=nodes).collect();
    let mut parts = Vec::new();
    for part in text.split('|') {
        let mut members = Vec::new();
        for word in part.split(',') {
            let member = node(word, nodes)?;
            if !left.remove(&member) {
                return Err(format!("node {member} is named twice"));
            }
            members.push(member);
        }
        parts.push(members);
    }
    if !left.is_empty() {
        parts.push(left.into_iter().collect());
    }
    Ok(parts)
}

/// All cuts between different parts, both ways.
fn between(parts: &[Vec<usize>]) -> BTreeSet<Cut> {
    let mut cuts = BTreeSet::new();
    for (at, part) in parts.iter().enumerate() {
        for other in parts.iter().enumerate().filter(|(other, _)| *other != at) {
            cuts.extend(
                part.iter().flat_map(|&from| other.1.iter().map(move |&to| Cut { from, to })),
            );
        }
    }
    cuts
}

/// The lines of standard input, read by a thread of their own. It is not waited for: it may wait for
/// a line that never comes.
pub(super) fn lines() -> io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    let read = move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = String::new();
            match (&mut input).take(LINE_BYTES_MAX).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.blocking_send(line).is_err() => return,
                Ok(_) => {}
            }
        }
    };
    std::thread::Builder::new().name("console".to_owned()).spawn(read)?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(pairs: &[(usize, usize)]) -> BTreeSet<Cut> {
        pairs.iter().map(|&(from, to)| Cut { from, to }).collect()
    }

    fn read(line: &str) -> Order {
        order(line, 3).unwrap().unwrap()
    }

    #[test]
    fn a_partition_cuts_both_ways_between_its_parts_only() {
        let apart = cuts(&[(1, 3), (3, 1), (2, 3), (3, 2)]);
        assert_eq!(read("partition 1,2 | 3"), Order::Partition(apart.clone()));
        assert_eq!(read(" partition 3"), Order::Partition(apart));
        let all = cuts(&[(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]);
        assert_eq!(read("partition 1|2|3"), Order::Partition(all));
    }

    #[test]
    fn single_cuts_and_lone_nodes_are_read() {
        assert_eq!(read("cut 1>3"), Order::Cut(cuts(&[(1, 3)])));
        assert_eq!(read("cut 1 > 3\n"), Order::Cut(cuts(&[(1, 3)])));
        assert_eq!(read("isolate 2"), Order::Cut(cuts(&[(2, 1), (2, 3), (1, 2), (3, 2)])));
    }

    #[test]
    fn words_for_processes_are_read() {
        assert_eq!(read("heal"), Order::Heal);
        assert_eq!(read("stop 3"), Order::Stop(3));
        assert_eq!(read("cont 3"), Order::Continue(3));
        assert_eq!(read("kill 1"), Order::Kill(1));
        assert_eq!(read("start 1"), Order::Start(1));
        assert_eq!(read("help"), Order::Help);
        assert_eq!(order("  \n", 3), Ok(None));
    }

    #[test]
    fn a_line_that_cannot_be_followed_says_why() {
        for (line, told) in [
            ("stop 4", "'4' is no node; they are 1 to 3"),
            ("stop", "'' is no node; they are 1 to 3"),
            ("cut 1", "'1' is no cut, such as 1>3"),
            ("cut 1>1", "a node hears itself without a network"),
            ("partition 1,2 | 2", "node 2 is named twice"),
            ("partition 1 | ", "'' is no node; they are 1 to 3"),
            ("explode", "'explode' is unknown; try 'help'"),
        ] {
            assert_eq!(order(line, 3), Err(told.to_owned()), "{line}");
        }
    }
}
