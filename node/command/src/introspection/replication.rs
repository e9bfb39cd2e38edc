//! ROLE, REPLICAOF, WAIT and WAITAOF. A node on its own is a primary without replicas; in a cluster
//! the topology says what a node is, and its replicas how far they are.

use skep_cluster::topology::Role;
use skep_keyspace::NodeId;
use skep_resp::{Args, parse_i64};

use crate::cluster::{ClusterRequest, Routes, change, nodes};
use crate::cx::Cx;
use crate::error::CommandError;

/// `ROLE`: a primary, the offset of its log in bytes, and its replicas with theirs; or a replica,
/// its primary, and how far it is.
pub(crate) fn role(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let offset = cx.view.store().offset_bytes() as i64;
    let routes = cx.server.routes();
    if let Some(routes) = &routes
        && let Some(Role::Replica { is_in_sync }) = routes.role
        && let Some((_, shard)) = routes.my_shard()
    {
        let primary = nodes::address(&routes.topology, shard.primary);
        cx.reply.array(5);
        cx.reply.bulk(b"slave");
        cx.reply.bulk(primary.host.as_bytes());
        cx.reply.integer(i64::from(primary.client_port));
        cx.reply.bulk(if is_in_sync { b"connected" } else { b"connect" });
        cx.reply.integer(offset);
        return Ok(());
    }
    let replicas = routes.as_deref().map(reachable_replicas).unwrap_or_default();
    let offsets = cx.server.replica_offsets();
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.integer(offset);
    cx.reply.array(replicas.len());
    for (id, host, port) in replicas {
        let known = offsets.iter().find(|(replica, _)| *replica == id);
        cx.reply.array(3);
        cx.reply.bulk(host.as_bytes());
        cx.reply.bulk_integer(i64::from(port));
        cx.reply.bulk_integer(known.map_or(0, |(_, offset)| *offset as i64));
    }
    Ok(())
}

/// The replicas of this node's shard that are not out of reach, and where clients find them.
fn reachable_replicas(routes: &Routes) -> Vec<(NodeId, String, u16)> {
    let replicas = routes.my_shard().map(|(_, shard)| &shard.replicas).into_iter().flatten();
    let reachable = replicas.filter(|id| !nodes::is_failed(&routes.topology, **id));
    let describe = |id: &NodeId| {
        let address = nodes::address(&routes.topology, *id);
        (*id, address.host.clone(), address.client_port)
    };
    reachable.map(describe).collect()
}

/// `REPLICAOF NO ONE`, which changes nothing, and `REPLICAOF host port`, which is refused.
pub(crate) fn replicaof(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if cx.server.routes().is_some() {
        return Err(CommandError::text("ERR REPLICAOF not allowed in cluster mode."));
    }
    if args[1].eq_ignore_ascii_case(b"NO") && args[2].eq_ignore_ascii_case(b"ONE") {
        cx.reply.ok();
        return Ok(());
    }
    match parse_i64(&args[2]) {
        Some(0..=65535) => Err(CommandError::text(
            "ERR This node cannot follow another server; only REPLICAOF NO ONE is understood",
        )),
        _ => Err(CommandError::text("ERR Invalid master port")),
    }
}

/// `WAIT numreplicas timeout`: how many replicas have what this client wrote. Where there is none,
/// none can appear while the client waits, so the answer is given at once instead of at the end of
/// the timeout (which, when 0, would never come); and EXEC waits for nobody.
pub(crate) fn wait(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = cx.server.routes();
    if routes.as_ref().is_some_and(|routes| routes.is_replica()) {
        return Err(CommandError::text(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 \
             if a replica is configured to be writable (which is not the default) writes to \
             replicas are just local and are not propagated.",
        ));
    }
    let replicas = parse_i64(&args[1]).ok_or(CommandError::NOT_INTEGER)?;
    let timeout_ms = check_timeout(cx, &args[2])?;
    let shard = routes.as_ref().and_then(|routes| routes.my_shard());
    let has_replicas = shard.is_some_and(|(_, shard)| !shard.replicas.is_empty());
    if (has_replicas || !cx.client.detours.written.is_empty()) && !cx.client.in_exec {
        let replicas = u64::try_from(replicas).unwrap_or(0);
        let elsewhere = std::mem::take(&mut cx.client.detours.written).into_iter().collect();
        return change::ask(cx, ClusterRequest::Wait { replicas, timeout_ms, elsewhere });
    }
    let offset = cx.view.store().offset_bytes();
    let offsets = cx.server.replica_offsets();
    let count = offsets.iter().filter(|(_, acknowledged)| *acknowledged >= offset).count();
    cx.reply.integer(count as i64);
    Ok(())
}

/// `WAITAOF numlocal numreplicas timeout`: as WAIT, for logs on disk, of which there is none.
pub(crate) fn waitaof(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const LOCAL_RANGE: CommandError =
        CommandError::text("ERR value is out of range, value must between 0 and 1");
    const POSITIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    let local = match parse_i64(&args[1]) {
        Some(local @ 0..=1) => local,
        Some(_) => return Err(LOCAL_RANGE),
        None => return Err(CommandError::NOT_INTEGER),
    };
    match parse_i64(&args[2]) {
        Some(0..) => {}
        _ => return Err(POSITIVE),
    }
    check_timeout(cx, &args[3])?;
    if local > 0 {
        return Err(CommandError::text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    cx.reply.array(2);
    cx.reply.integer(0);
    cx.reply.integer(0);
    Ok(())
}

/// Reads a timeout in milliseconds from now.
fn check_timeout(cx: &Cx<'_>, argument: &[u8]) -> Result<u64, CommandError> {
    let latest = i64::MAX - cx.now_ms() as i64;
    match parse_i64(argument) {
        Some(timeout) if timeout > latest => Err(CommandError::text("ERR timeout is out of range")),
        Some(timeout @ 0..) => Ok(timeout as u64),
        Some(_) => Err(CommandError::text("ERR timeout is negative")),
        None => Err(CommandError::text("ERR timeout is not an integer or out of range")),
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::{ClusterRequest, fixture};
    use crate::testing::Bench;

    #[test]
    fn in_a_cluster_the_topology_says_who_follows_whom() {
        let mut primary = fixture::bench(1);
        primary.server.replica_offsets.push((fixture::id(4), 17));
        let replicas = "*2 *3 $8 10.0.0.4 $4 7000 $2 17 *3 $8 10.0.0.5 $4 7000 $1 0";
        let refused = "-ERR REPLICAOF not allowed in cluster mode.";
        primary.expect(&[
            ("ROLE", &format!("*3 $6 master :0 {replicas}")),
            ("REPLICAOF NO ONE", refused),
            ("SLAVEOF host x", refused),
        ]);
        fixture::bench(3).expect(&[("ROLE", "*3 $6 master :0 *0")]);
        let replica = |state: &str| format!("*5 $5 slave $8 10.0.0.1 :7000 {state} :0");
        fixture::bench(4).expect(&[("ROLE", &replica("$9 connected"))]);
        fixture::bench(5).expect(&[("ROLE", &replica("$7 connect"))]);
    }

    #[test]
    fn a_primary_with_replicas_waits_for_them_but_not_within_exec() {
        let mut bench = fixture::bench(1);
        let wait = |replicas, timeout_ms| ClusterRequest::Wait {
            replicas,
            timeout_ms,
            elsewhere: Vec::new(),
        };
        bench.expect_asked("WAIT 2 100", wait(2, 100));
        bench.expect_asked("WAIT -1 0", wait(0, 0));
        bench.server.replica_offsets = vec![(fixture::id(4), 1000), (fixture::id(5), 1000)];
        bench.expect(&[
            ("WAIT x 1", "-ERR value is not an integer or out of range"),
            ("WAIT 1 -1", "-ERR timeout is negative"),
            ("MULTI", "+OK"),
            ("WAIT 2 0", "+QUEUED"),
            ("EXEC", "*1 :2"),
        ]);
        fixture::bench(3).expect(&[("WAIT 1 0", ":0")]);
        let refused = fixture::bench(4).ask("WAIT 0 0");
        assert!(refused.starts_with("-ERR WAIT cannot be used with replica instances."));
    }

    #[test]
    fn a_node_on_its_own_is_a_primary_without_replicas() {
        Bench::new().expect(&[
            ("ROLE", "*3 $6 master :0 *0"),
            ("REPLICAOF NO ONE", "+OK"),
            ("SLAVEOF no one", "+OK"),
            ("REPLICAOF host port", "-ERR Invalid master port"),
            (
                "REPLICAOF host 6379",
                "-ERR This node cannot follow another server; only REPLICAOF NO ONE is understood",
            ),
        ]);
    }

    #[test]
    fn waiting_for_replicas_answers_at_once_and_checks_its_arguments_as_redis_does() {
        Bench::new().expect(&[
            ("WAIT 1 0", ":0"),
            ("WAIT -1 1", ":0"),
            ("WAIT x 1", "-ERR value is not an integer or out of range"),
            ("WAIT 0 x", "-ERR timeout is not an integer or out of range"),
            ("WAIT 0 -1", "-ERR timeout is negative"),
            ("WAIT 0 9223372036854775807", "-ERR timeout is out of range"),
            ("WAITAOF 0 1 0", "*2 :0 :0"),
            ("WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1"),
            ("WAITAOF 0 -1 0", "-ERR value is out of range, must be positive"),
            (
                "WAITAOF 1 0 0",
                "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
            ),
        ]);
    }
}
