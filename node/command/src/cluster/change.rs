//! The commands that change the cluster. Each checks what this node knows and then asks the
//! server, which answers when all nodes will agree: the reply comes later.

use skep_resp::{Args, parse_i64};

use super::ownership::has_keys;
use super::show::{member, routes, unknown_node};
use super::{ClusterRequest, FailoverKind, nodes};
use crate::client::Client;
use crate::cx::Cx;
use crate::error::CommandError;

/// Most bytes of a host's name (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 255;

/// Asks for something whose reply comes later. Nothing that EXEC runs can wait.
pub(crate) fn ask(cx: &mut Cx<'_>, request: ClusterRequest) -> Result<(), CommandError> {
    if cx.client.in_exec {
        return Err(CommandError::text("ERR Command not allowed inside a transaction"));
    }
    cx.client.deferred = Some(cx.server.ask_cluster(asked_by(cx.client), request));
    Ok(())
}

/// Who asks, for the records.
fn asked_by(client: &Client) -> String {
    let name = match client.name.is_empty() {
        true => String::new(),
        false => format!(" ({})", String::from_utf8_lossy(&client.name)),
    };
    format!("default, client {}{name}", client.id)
}

/// `CLUSTER MEET host port [mesh-port]`.
pub(crate) fn meet(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    if args.len() > 5 {
        return Err(CommandError::subcommand_syntax("CLUSTER", &args[1]));
    }
    let number = |argument: &[u8], what: &str| {
        let error =
            || CommandError::quoting(&format!("ERR Invalid {what} specified: "), argument, "");
        parse_i64(argument).ok_or_else(error)
    };
    let port = number(&args[3], "base port")?;
    let mesh_port = args.get(4).map(|argument| number(argument, "bus port")).transpose()?;
    let as_port = |number: i64| u16::try_from(number).ok().filter(|port| *port > 0);
    let mesh_port = mesh_port.map(|number| as_port(number).ok_or(())).transpose();
    let (Some(host), Some(port), Ok(mesh_port)) = (host(&args[2]), as_port(port), mesh_port) else {
        let address = [&args[2], b":", &args[3]].concat();
        return Err(CommandError::quoting("ERR Invalid node address specified: ", &address, ""));
    };
    ask(cx, ClusterRequest::Meet { host, port, mesh_port })
}

/// An IP address or a name, as far as can be told without looking it up.
fn host(argument: &[u8]) -> Option<String> {
    let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".:-_%".contains(byte);
    let is_host =
        !argument.is_empty() && argument.len() <= MAX_HOST_BYTES && argument.iter().all(is_of_host);
    is_host.then(|| String::from_utf8_lossy(argument).into_owned())
}

/// `CLUSTER FORGET node-id`. A node that is no member (any more) is forgotten already, because
/// Redis' tools tell every node to forget it.
pub(crate) fn forget(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let text = std::str::from_utf8(&args[2]).ok();
    let id = text.and_then(|text| text.parse().ok()).ok_or_else(|| unknown_node(&args[2]))?;
    if id == routes.me {
        return Err(CommandError::text("ERR I tried hard but I can't forget myself..."));
    }
    if routes.my_shard().is_some_and(|(_, shard)| shard.primary == id) {
        return Err(CommandError::text("ERR Can't forget my master!"));
    }
    ask(cx, ClusterRequest::Forget(id))
}

/// `CLUSTER RESET [HARD | SOFT]`.
pub(crate) fn reset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let hard = match args.get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("CLUSTER", &args[1])),
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"HARD") => true,
        Some(word) if word.eq_ignore_ascii_case(b"SOFT") => false,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    if !routes.is_replica() && has_keys(cx) {
        return Err(CommandError::text(
            "ERR CLUSTER RESET can't be called with master nodes containing keys",
        ));
    }
    ask(cx, ClusterRequest::Reset { hard })
}

/// `CLUSTER REPLICATE node-id`.
pub(crate) fn replicate(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let (id, shard) = member(&routes.topology, &args[2])?;
    if id == routes.me {
        return Err(CommandError::text("ERR Can't replicate myself"));
    }
    if id != shard.primary {
        return Err(CommandError::text("ERR I can only replicate a master, not a replica."));
    }
    if routes.topology.is_proxy(routes.me) || routes.topology.is_proxy(id) {
        return Err(CommandError::text(
            "ERR A proxy (cluster-proxy yes) neither is nor has a replica",
        ));
    }
    let has_slots = routes.my_shard().is_some_and(|(_, shard)| !shard.slots.is_empty());
    if !routes.is_replica() && (has_slots || has_keys(cx)) {
        return Err(CommandError::text(
            "ERR To set a master the node must be empty and without assigned slots.",
        ));
    }
    ask(cx, ClusterRequest::Replicate(id))
}

/// `CLUSTER BUMPEPOCH`: nothing to do when no other shard's epoch is as high.
pub(crate) fn bumpepoch(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let epoch = routes.my_shard().map_or(0, |(_, shard)| shard.epoch);
    if epoch > 0 && epoch == routes.topology.current_epoch {
        cx.reply.simple(&format!("STILL {epoch}"));
        return Ok(());
    }
    ask(cx, ClusterRequest::BumpEpoch)
}

/// `CLUSTER SET-CONFIG-EPOCH epoch`.
pub(crate) fn set_config_epoch(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const NOT_ALONE: CommandError = CommandError::text(
        "ERR The user can assign a config epoch only when the node does not know any other node.",
    );
    let routes = routes(cx)?;
    let number = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let epoch = u64::try_from(number)
        .map_err(|_| CommandError::new(format!("ERR Invalid config epoch specified: {number}")))?;
    if routes.topology.nodes.len() > 1 {
        return Err(NOT_ALONE);
    }
    if routes.my_shard().is_some_and(|(_, shard)| shard.epoch > 0) {
        return Err(CommandError::text("ERR Node config epoch is already non-zero"));
    }
    ask(cx, ClusterRequest::SetEpoch(epoch))
}

/// `CLUSTER FAILOVER [FORCE | TAKEOVER]`.
pub(crate) fn failover(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let kind = match args.get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("CLUSTER", &args[1])),
        None => FailoverKind::Planned,
        Some(word) if word.eq_ignore_ascii_case(b"FORCE") => FailoverKind::Force,
        Some(word) if word.eq_ignore_ascii_case(b"TAKEOVER") => FailoverKind::Takeover,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    let primary = match routes.my_shard() {
        Some((_, shard)) if routes.is_replica() => shard.primary,
        _ => {
            return Err(CommandError::text("ERR You should send CLUSTER FAILOVER to a replica"));
        }
    };
    if kind == FailoverKind::Planned && nodes::is_failed(&routes.topology, primary) {
        return Err(CommandError::text(
            "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE",
        ));
    }
    ask(cx, ClusterRequest::Failover(kind))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::{Routes, fixture};

    #[test]
    fn meeting_checks_the_address_and_asks() {
        let mut bench = fixture::bench(1);
        bench.expect(&[
            ("CLUSTER MEET 10.0.0.9 x", "-ERR Invalid base port specified: x"),
            ("CLUSTER MEET 10.0.0.9 1 x", "-ERR Invalid bus port specified: x"),
            ("CLUSTER MEET 10.0.0.9 0", "-ERR Invalid node address specified: 10.0.0.9:0"),
            ("CLUSTER MEET 10.0.0.9 1 65536", "-ERR Invalid node address specified: 10.0.0.9:1"),
            ("CLUSTER MEET \"a b\" 1", "-ERR Invalid node address specified: a b:1"),
        ]);
        let usage = bench.ask("CLUSTER MEET a 1 2 3");
        assert!(usage.starts_with("-ERR unknown subcommand or wrong number"), "{usage}");
        let meet = |host: &str, mesh_port| ClusterRequest::Meet {
            host: host.to_owned(),
            port: 7000,
            mesh_port,
        };
        bench.expect_asked("CLUSTER MEET 10.0.0.9 7000", meet("10.0.0.9", None));
        bench.expect_asked("CLUSTER MEET ::1 7000 17000", meet("::1", Some(17000)));
        bench.expect_asked("CLUSTER MEET node-9.example 7000", meet("node-9.example", None));
    }

    #[test]
    fn the_records_say_who_asked() {
        let mut bench = fixture::bench(1);
        bench.expect(&[("CLIENT SETNAME deploy", "+OK")]);
        bench.expect_asked("CLUSTER BUMPEPOCH", ClusterRequest::BumpEpoch);
        bench.expect(&[("CLIENT SETNAME \"\"", "+OK")]);
        bench.expect_asked("CLUSTER BUMPEPOCH", ClusterRequest::BumpEpoch);
        let asked = bench.server.asked.lock().clone();
        let by: Vec<&str> = asked.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(by, ["default, client 1 (deploy)", "default, client 1"]);
    }

    #[test]
    fn nothing_that_exec_runs_waits() {
        let mut bench = fixture::bench(1);
        bench.expect(&[
            ("MULTI", "+OK"),
            ("CLUSTER BUMPEPOCH", "+QUEUED"),
            ("EXEC", "*1 -ERR Command not allowed inside a transaction"),
        ]);
        assert_eq!(*bench.server.asked.lock(), []);
        bench.expect_asked("CLUSTER BUMPEPOCH", ClusterRequest::BumpEpoch);
    }

    #[test]
    fn a_node_forgets_neither_itself_nor_its_primary_and_a_stranger_is_forgotten_already() {
        let mut bench = fixture::bench(4);
        let ids: Vec<String> = (0..10).map(|number| fixture::id(number).to_string()).collect();
        let forget = |number: usize| format!("CLUSTER FORGET {}", ids[number]);
        bench.expect(&[
            (&forget(4), "-ERR I tried hard but I can't forget myself..."),
            (&forget(1), "-ERR Can't forget my master!"),
            ("CLUSTER FORGET x", "-ERR Unknown node x"),
        ]);
        bench.expect_asked(&forget(2), ClusterRequest::Forget(fixture::id(2)));
        bench.expect_asked(&forget(9), ClusterRequest::Forget(fixture::id(9)));
    }

    #[test]
    fn only_an_empty_primary_is_reset() {
        let mut bench = fixture::bench(1);
        bench.expect(&[
            ("SET b 1", "+OK"),
            (
                "CLUSTER RESET",
                "-ERR CLUSTER RESET can't be called with master nodes containing keys",
            ),
            ("CLUSTER RESET x", "-ERR syntax error"),
            ("DEL b", ":1"),
        ]);
        bench.expect_asked("CLUSTER RESET", ClusterRequest::Reset { hard: false });
        bench.expect_asked("CLUSTER RESET hard", ClusterRequest::Reset { hard: true });
    }

    #[test]
    fn a_node_without_slots_may_follow_a_primary() {
        let replicate = |number| format!("CLUSTER REPLICATE {}", fixture::id(number));
        fixture::bench(1).expect(&[
            (&replicate(1), "-ERR Can't replicate myself"),
            (&replicate(4), "-ERR I can only replicate a master, not a replica."),
            (
                &replicate(2),
                "-ERR To set a master the node must be empty and without assigned slots.",
            ),
            (&replicate(9), &format!("-ERR Unknown node {}", fixture::id(9))),
            ("CLUSTER REPLICATE x", "-ERR Unknown node x"),
        ]);
        let request = ClusterRequest::Replicate(fixture::id(2));
        // A replica of another shard, and a primary without slots.
        fixture::bench(4).expect_asked(&replicate(2), request.clone());
        fixture::bench(3).expect_asked(&replicate(2), request);
    }

    #[test]
    fn epochs_are_given_to_fresh_nodes_and_bumped_unless_they_are_the_highest() {
        let alone = "-ERR The user can assign a config epoch only when the node does not know any \
                     other node.";
        fixture::bench(2).expect(&[
            ("CLUSTER BUMPEPOCH", "+STILL 7"),
            ("CLUSTER SET-CONFIG-EPOCH 5", alone),
            ("CLUSTER SET-CONFIG-EPOCH -1", "-ERR Invalid config epoch specified: -1"),
            ("CLUSTER SET-CONFIG-EPOCH x", "-ERR value is not an integer or out of range"),
        ]);
        let mut fresh = fixture::bench(1);
        fresh.server.routes = Some(Arc::new(Routes::new(fixture::id(1), Arc::default())));
        fresh.expect_asked("CLUSTER SET-CONFIG-EPOCH 5", ClusterRequest::SetEpoch(5));
        fresh.expect_asked("CLUSTER BUMPEPOCH", ClusterRequest::BumpEpoch);
    }

    #[test]
    fn a_failover_is_asked_of_a_replica() {
        fixture::bench(1).expect(&[
            ("CLUSTER FAILOVER", "-ERR You should send CLUSTER FAILOVER to a replica"),
            ("CLUSTER FAILOVER x", "-ERR syntax error"),
        ]);
        let mut bench = fixture::bench(4);
        let kinds = [
            ("CLUSTER FAILOVER", FailoverKind::Planned),
            ("CLUSTER FAILOVER FORCE", FailoverKind::Force),
            ("CLUSTER FAILOVER takeover", FailoverKind::Takeover),
        ];
        for (request, kind) in kinds {
            bench.expect_asked(request, ClusterRequest::Failover(kind));
        }
        let mut topology = fixture::topology();
        topology.nodes.get_mut(&fixture::id(1)).unwrap().is_failed = true;
        bench.server.routes = Some(Arc::new(Routes::new(fixture::id(4), Arc::new(topology))));
        bench.expect(&[(
            "CLUSTER FAILOVER",
            "-ERR Master is down or failed, please use CLUSTER FAILOVER FORCE",
        )]);
        let force = ClusterRequest::Failover(FailoverKind::Force);
        bench.expect_asked("CLUSTER FAILOVER FORCE", force);
    }
}
