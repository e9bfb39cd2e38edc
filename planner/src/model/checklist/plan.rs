//! What runs against what was planned: the JSON of `planner size`.

use serde_json::Value;

use super::{Findings, Status};
use crate::error::{PlanError, Result};
use crate::model::profile::Profile;
use crate::quantity::{ByteUnit, Units, decimals};

/// Measured fragmentation may exceed the planned by this factor before it is named.
const FRAGMENTATION_TOLERANCE: f64 = 1.1;
/// Smaller servers have ratios that say nothing.
const FRAGMENTATION_JUDGED_MIN_BYTES: u64 = 64 << 20;

/// A plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    primaries: Option<u64>,
    replicas: Option<u64>,
    node_bytes: Option<u64>,
    usable_bytes: Option<u64>,
    fragmentation: Option<f64>,
}

impl Plan {
    /// Reads the JSON of `planner size`.
    ///
    /// # Errors
    /// Something else.
    pub fn parse(name: &str, text: &str) -> Result<Plan> {
        let refused = |why: String| {
            PlanError::source(name, format!("{why}; give what planner size --out FILE.json wrote"))
        };
        let value: Value =
            serde_json::from_str(text).map_err(|error| refused(format!("is no JSON: {error}")))?;
        let schema = value.get("schema").and_then(Value::as_str).unwrap_or_default();
        if !schema.starts_with("planner/size/") {
            return Err(refused(format!("is no planner/size, but \"{schema}\"")));
        }
        let whole = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
        let plan = Plan {
            primaries: whole("/inputs/primaries").or_else(|| whole("/result/primaries")),
            replicas: whole("/inputs/replicas"),
            node_bytes: whole("/inputs/mem_bytes"),
            usable_bytes: whole("/result/usable_bytes"),
            fragmentation: value.pointer("/inputs/fragmentation").and_then(Value::as_f64),
        };
        match plan == Plan::default() {
            true => Err(refused("plans nothing that can be compared".to_owned())),
            false => Ok(plan),
        }
    }

    pub(super) fn check(&self, profile: &Profile, findings: &mut Findings) {
        self.nodes(profile, findings);
        self.memory(profile, findings);
        if let Some((planned, found)) = self.fragmentation.zip(profile.fragmentation())
            && profile.used_bytes() >= FRAGMENTATION_JUDGED_MIN_BYTES
        {
            let evidence =
                format!("planned {}, measured {}", decimals(planned, 2), decimals(found, 2));
            let is_worse = found > planned * FRAGMENTATION_TOLERANCE;
            judge(
                findings,
                "plan_fragmentation",
                is_worse,
                ["fragmentation is worse than planned", "fragmentation is as planned"],
                evidence,
                format!("planner size ... --fragmentation {}", decimals(found, 2)),
            );
        }
    }

    fn nodes(&self, profile: &Profile, findings: &mut Findings) {
        let owners = profile.cluster.as_ref().map(|cluster| {
            let owners =
                cluster.nodes.iter().filter(|one| one.is_primary() && one.slot_count() > 0);
            let followers = cluster.nodes.iter().filter(|one| one.primary_id.is_some());
            (owners.count() as u64, followers.count() as u64)
        });
        let (primaries, replicas) = owners
            .unwrap_or((profile.primaries().count() as u64, profile.replicas().count() as u64));
        if let Some(planned) = self.primaries {
            judge(
                findings,
                "plan_primaries",
                primaries < planned,
                ["fewer primaries than planned", "as many primaries as planned, or more"],
                format!("planned {planned}, found {primaries}"),
                "redis-cli --cluster add-node NEW:PORT HOST:PORT, then planner reshard".to_owned(),
            );
        }
        if let Some(planned) = self.replicas.map(|each| each * primaries) {
            judge(
                findings,
                "plan_replicas",
                replicas < planned,
                ["fewer replicas than planned", "as many replicas as planned, or more"],
                format!("planned {planned} for {primaries} primaries, found {replicas}"),
                "redis-cli --cluster add-node NEW:PORT HOST:PORT --cluster-slave".to_owned(),
            );
        }
    }

    fn memory(&self, profile: &Profile, findings: &mut Findings) {
        let shown = |bytes: u64| ByteUnit::of(bytes, Units::Binary).brief(bytes);
        if let Some(planned) = self.node_bytes {
            let limits: Vec<u64> =
                profile.primaries().filter_map(|node| node.memory.limit_bytes).collect();
            let above = limits.iter().filter(|&&limit| limit == 0 || limit > planned).count();
            judge(
                findings,
                "plan_limits",
                above > 0,
                ["nodes may use more than was planned for one", "limits are within the plan"],
                format!("{above} of {} nodes may use more than {}", limits.len(), shown(planned)),
                format!("CONFIG SET maxmemory, at most {planned} less what else the node needs"),
            );
        }
        if let Some(planned) = self.usable_bytes {
            let used = profile.used_bytes();
            judge(
                findings,
                "plan_data",
                used > planned,
                ["more data than was planned", "data is within the plan"],
                format!("{} used of {} usable", shown(used), shown(planned)),
                format!("planner size --data {used} --mem SIZE"),
            );
        }
    }
}

fn judge(
    findings: &mut Findings,
    id: &'static str,
    is_bad: bool,
    [bad, good]: [&str; 2],
    evidence: String,
    fix: String,
) {
    match is_bad {
        true => findings.add(id, Status::Warning, "", bad, evidence, fix),
        false => findings.fine(id, good, evidence),
    }
}
