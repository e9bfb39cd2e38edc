//! How far replicas are behind.

use super::{Findings, Status};
use crate::model::profile::{NodeProfile, Profile};
use crate::quantity::{ByteUnit, Units, decimals, spoken_seconds};

/// The article's alert: 10 MB.
const LAG_BYTES_MAX: u64 = 10_485_760;
/// The article's threshold: 100 ms.
const LAG_SECONDS_MAX: f64 = 0.1;
/// Less is what a heartbeat leaves, which no rate makes a time of.
const LAG_JUDGED_MIN_BYTES: u64 = 64 << 10;
/// A replica that has not confirmed for so long is not there; servers ping every 10 s.
const SILENT_SECONDS_MAX: f64 = 10.0;

pub(super) fn check(profile: &Profile, findings: &mut Findings) {
    let from = findings.mark();
    for node in profile.replicas() {
        link(node, findings);
    }
    let followed = profile.primaries().any(|node| !node.replication.replicas.is_empty());
    if profile.replicas().next().is_none() && !followed {
        return;
    }
    for primary in profile.primaries() {
        for replica in &primary.replication.replicas {
            if replica.state != "online" {
                findings.add(
                    "replica_link",
                    Status::Warning,
                    &replica.address,
                    "it is being filled and cannot take over yet",
                    format!("state={} at {}", replica.state, primary.address),
                    "wait; if it begins anew again and again, raise repl-backlog-size and \
                     client-output-buffer-limit replica",
                );
            }
            lag(profile, primary, &replica.address, findings);
        }
    }
    let replicas = profile.replicas().count();
    let evidence = format!("{replicas} replicas were read");
    findings.close("replica_link", from, "replicas have their primaries", evidence.clone());
    findings.close("lag_bytes", from, "replicas are less than 10 MB behind", evidence.clone());
    findings.close("lag_time", from, "replicas are less than 100 ms behind", evidence);
}

fn link(node: &NodeProfile, findings: &mut Findings) {
    if node.replication.is_linked == Some(false) {
        let primary = node.replication.primary.as_deref().unwrap_or("its primary");
        findings.add(
            "replica_link",
            Status::Critical,
            &node.address,
            "it has lost its primary, and serves what it last knew",
            format!("master_link_status:down, primary {primary}"),
            format!("is {primary} up and reachable from there? check masterauth and the network"),
        );
    }
}

/// What the primary wrote and the replica has not applied: from the replica's own offset where it
/// was read (after its primary), else from what it last confirmed, which is up to a second old.
fn lag(profile: &Profile, primary: &NodeProfile, address: &str, findings: &mut Findings) {
    let seen = primary.replication.replicas.iter().find(|one| one.address == address);
    let own = profile.node(address);
    let applied = own.and_then(|node| node.replication.offset_bytes);
    let confirmed = seen.map(|one| one.offset_bytes);
    let Some((written, applied)) = primary.replication.offset_bytes.zip(applied.or(confirmed))
    else {
        findings.unchecked("lag_bytes", address, "its lag", "no offsets of replication were told");
        return;
    };
    let lag_bytes = written.saturating_sub(applied);
    let shown = ByteUnit::of(lag_bytes, Units::Binary).brief(lag_bytes);
    let evidence = format!("master_repl_offset {written} - {applied} = {lag_bytes} bytes");
    if lag_bytes > LAG_BYTES_MAX {
        findings.add(
            "lag_bytes",
            Status::Warning,
            address,
            format!("it is {shown} behind {}", primary.address),
            evidence.clone(),
            "is it slower, or the network full? raise repl-backlog-size above the lag meanwhile",
        );
    }
    let silent = seen.and_then(|one| one.acknowledged_seconds_ago).unwrap_or(0.0);
    if silent > SILENT_SECONDS_MAX {
        findings.add(
            "lag_time",
            Status::Warning,
            address,
            format!("it has not confirmed for {}", spoken_seconds(silent)),
            format!("lag={} at {}", decimals(silent, 0), primary.address),
            "is it overloaded, or paused by a save or a slow command? SLOWLOG GET there",
        );
        return;
    }
    let rate = own
        .and_then(|node| node.replication.input_bytes_per_second)
        .filter(|rate| *rate > 0.0)
        .or(primary.replication.output_bytes_per_second)
        .unwrap_or(0.0);
    if lag_bytes < LAG_JUDGED_MIN_BYTES {
        return;
    }
    if rate <= 0.0 {
        let why = format!("{lag_bytes} bytes behind, and no rate of replication was told");
        findings.unchecked("lag_time", address, "its lag in time", why);
        return;
    }
    // The article's 1 MB = 1 s is a guess; the server's own rate is not.
    let seconds = lag_bytes as f64 / rate;
    if seconds > LAG_SECONDS_MAX {
        findings.add(
            "lag_time",
            Status::Warning,
            address,
            format!("it is about {} behind {}", spoken_seconds(seconds), primary.address),
            format!("{evidence}, at {} bytes/s", decimals(rate, 0)),
            "read from the primary what must be fresh, until it has caught up",
        );
    }
}
