//! A plan as a file, and how far it has come.
//!
//! A file is checked before it is believed: its digests, and that its batches lead from its start to
//! its target. The state of a cluster fits a plan if every slot is where the plan starts or where one
//! of its own moves puts it; which of the moves were done, and in which order, does not matter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skep_keyspace::moves::{Move, applied};
use skep_keyspace::order::Step;
use skep_keyspace::{Layout, Slot, SlotRange, SlotSet};

use super::owners::{LayoutFile, Owners};
use super::{Goal, Plan};

/// The shape of the file.
pub const SCHEMA: &str = "planner/reshard-plan/1";
/// Groups of slots that a difference names.
const GROUPS_SHOWN: usize = 8;

/// A plan as a file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it was made for.
    pub start: State,
    /// What it makes of that.
    pub target: State,
    /// Moves, one batch after the other.
    pub batches: Vec<Vec<SavedMove>>,
}

/// A layout and its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`Owners::digest`].
    pub digest: String,
    /// Who owns what.
    pub layout: LayoutFile,
}

/// Slots that go from one shard to another in a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedMove {
    /// Who has them.
    pub from: String,
    /// Who gets them.
    pub to: String,
    /// Which: `0-5,9`.
    pub slots: String,
    /// Whether they go on from there in a later batch.
    #[serde(default)]
    pub detour: bool,
}

/// The file of a plan whose order is `batches`.
pub fn file(plan: &Plan, batches: &[Vec<Step>]) -> PlanFile {
    let Goal { start, target, .. } = &plan.goal;
    let state = |layout| State { digest: start.digest(layout), layout: start.file(layout) };
    PlanFile {
        schema: SCHEMA.to_owned(),
        start: state(&start.layout),
        target: state(target),
        batches: batches.iter().map(|batch| saved(&start.names, batch)).collect(),
    }
}

/// Slots that go the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Who has them.
    pub source: usize,
    /// Who gets them.
    pub target: usize,
    /// Whether they go on from there later.
    pub is_detour: bool,
    /// Which.
    pub slots: SlotSet,
}

/// Steps by who gives to whom, in the order of the shards.
pub fn gathered<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<Part> {
    let mut parts: BTreeMap<(u16, u16, bool), SlotSet> = BTreeMap::new();
    for step in steps {
        let Move { slot, source, target } = step.step;
        let part = parts.entry((source, target, step.is_detour)).or_default();
        part.insert_range(SlotRange { first: slot, last: slot });
    }
    let part = |((source, target, is_detour), slots): ((u16, u16, bool), SlotSet)| Part {
        source: source.into(),
        target: target.into(),
        is_detour,
        slots,
    };
    parts.into_iter().map(part).collect()
}

/// A batch as a file has it.
pub fn saved(names: &[String], batch: &[Step]) -> Vec<SavedMove> {
    let saved = |part: Part| SavedMove {
        from: names[part.source].clone(),
        to: names[part.target].clone(),
        slots: part.slots.to_string(),
        detour: part.is_detour,
    };
    gathered(batch).into_iter().map(saved).collect()
}

/// A plan that was read and checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it was made for, its shards numbered.
    pub start: Owners,
    /// The layout it makes.
    pub target: Layout,
    /// Its moves.
    pub batches: Vec<Vec<Step>>,
}

impl PlanFile {
    /// Believes the file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn checked(&self) -> Result<Checked, String> {
        if self.schema != SCHEMA {
            return Err(format!("is no {SCHEMA}, but \"{}\"", self.schema));
        }
        let words = |error: skep_keyspace::LayoutError| error.to_string();
        let start = Owners::of(&self.start.layout.shards).map_err(words)?;
        let target = Owners::of(&self.target.layout.shards).map_err(words)?;
        if start.names != target.names {
            return Err("has other shards at its end than at its start".to_owned());
        }
        let target = target.layout;
        for (what, state, layout) in
            [("start", &self.start, &start.layout), ("target", &self.target, &target)]
        {
            if state.digest != start.digest(layout) {
                return Err(format!("was changed: the digest of its {what} is another"));
            }
        }
        let mut batches = Vec::with_capacity(self.batches.len());
        let mut layout = start.layout.clone();
        for batch in &self.batches {
            let mut steps = Vec::new();
            for saved in batch {
                steps.extend(saved.steps(&start)?);
            }
            let moves: Vec<Move> = steps.iter().map(|step| step.step).collect();
            let is_there = |step: &Move| layout.owners()[usize::from(step.slot)] == step.source;
            if let Some(lost) = moves.iter().find(|step| !is_there(step)) {
                let name = &start.names[usize::from(lost.source)];
                return Err(format!("moves slot {} from {name}, which has it not", lost.slot));
            }
            layout = applied(&layout, &moves);
            batches.push(steps);
        }
        match layout == target {
            true => Ok(Checked { start, target, batches }),
            false => Err("does not lead to its own target".to_owned()),
        }
    }
}

impl SavedMove {
    fn steps(&self, owners: &Owners) -> Result<Vec<Step>, String> {
        let number = |name: &str| {
            let number = owners.number(name).map(|number| number as u16);
            number.ok_or_else(|| format!("moves slots of {name}, which is none of its shards"))
        };
        let (source, target) = (number(&self.from)?, number(&self.to)?);
        let slots: SlotSet = self.slots.parse().map_err(|error| format!("{error}"))?;
        let step = |slot: Slot| Step {
            step: Move { slot: slot.number(), source, target },
            is_detour: self.detour,
        };
        Ok(slots.iter().map(step).collect())
    }
}

/// How far a plan has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Moves that were done.
    pub done: usize,
    /// What is left of each batch; batches of which nothing is left are not here.
    pub left: Vec<Vec<Step>>,
}

impl Checked {
    /// How far it has come where slots are owned like this.
    ///
    /// # Errors
    /// Slots that are where the plan puts none, in words.
    pub fn progress(&self, now: &Owners) -> Result<Progress, String> {
        let mut paths: Vec<Vec<u16>> =
            self.start.layout.owners().iter().map(|&owner| vec![owner]).collect();
        for step in self.batches.iter().flatten() {
            paths[usize::from(step.step.slot)].push(step.step.target);
        }
        let numbers: Vec<Option<u16>> = now
            .names
            .iter()
            .map(|name| self.start.number(name).map(|number| number as u16))
            .collect();
        let mut differing: BTreeMap<(u16, &[u16]), SlotSet> = BTreeMap::new();
        let mut hops_done = vec![0; paths.len()];
        for ((slot, path), &owner) in (0u16..).zip(&paths).zip(now.layout.owners()) {
            let number = numbers[usize::from(owner)];
            match path.iter().position(|&place| Some(place) == number) {
                Some(hops) => hops_done[usize::from(slot)] = hops,
                None => {
                    let group = differing.entry((owner, path)).or_default();
                    group.insert_range(SlotRange { first: slot, last: slot });
                }
            }
        }
        if !differing.is_empty() {
            return Err(self.difference(now, &differing));
        }
        let done = hops_done.iter().sum();
        let mut left = self.batches.clone();
        for batch in &mut left {
            batch.retain(|step| {
                let hops = &mut hops_done[usize::from(step.step.slot)];
                let is_done = *hops > 0;
                *hops = hops.saturating_sub(1);
                !is_done
            });
        }
        left.retain(|batch| !batch.is_empty());
        Ok(Progress { done, left })
    }

    fn difference(&self, now: &Owners, groups: &BTreeMap<(u16, &[u16]), SlotSet>) -> String {
        let named = |path: &[u16]| {
            let names: Vec<&str> =
                path.iter().map(|&place| self.start.names[usize::from(place)].as_str()).collect();
            names.join(" or ")
        };
        let shown = groups.iter().take(GROUPS_SHOWN).map(|((owner, path), slots)| {
            let owner = &now.names[usize::from(*owner)];
            format!("{slots} at {owner} instead of {}", named(path))
        });
        let shown: Vec<String> = shown.collect();
        let more = if groups.len() > GROUPS_SHOWN { "; ..." } else { "" };
        let count: usize = groups.values().map(SlotSet::len).sum();
        let word = if count == 1 { "slot is" } else { "slots are" };
        format!("{count} {word} where the plan puts none: {}{more}", shown.join("; "))
    }
}
