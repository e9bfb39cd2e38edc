//! What ZUNION, ZINTER and ZDIFF make of several sets, sorted or not.

use std::collections::HashMap;

use skep_resp::{Args, parse_f64, parse_i64};
use skep_store::{Contents, Item, Kind, Value, score_in};

use super::Scored;
use crate::cx::Cx;
use crate::error::CommandError;

const NO_WEIGHT: CommandError = CommandError::text("ERR weight value is not a float");
const NO_LIMIT: CommandError = CommandError::text("ERR LIMIT can't be negative");

/// How sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What becomes of the result, which decides about the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Reply,
    Store,
    Count,
}

/// What becomes of the scores of a member that is in several sets.
#[derive(Clone, Copy, Debug)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(word: &[u8]) -> Result<Aggregate, CommandError> {
        match () {
            () if word.eq_ignore_ascii_case(b"SUM") => Ok(Aggregate::Sum),
            () if word.eq_ignore_ascii_case(b"MIN") => Ok(Aggregate::Min),
            () if word.eq_ignore_ascii_case(b"MAX") => Ok(Aggregate::Max),
            () => Err(CommandError::SYNTAX),
        }
    }

    /// As in Redis, opposite infinities add up to zero.
    fn combine(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => number_or_zero(one + other),
            Aggregate::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// A set that is combined.
#[derive(Clone, Copy)]
struct Input<'a> {
    name: &'a [u8],
    weight: f64,
    len: usize,
}

/// A request to combine sets.
pub(super) struct Combination<'a> {
    operation: Operation,
    inputs: Vec<Input<'a>>,
    aggregate: Aggregate,
    pub(super) has_scores: bool,
    /// Members to count at most; 0 for any number.
    pub(super) limit: usize,
}

impl<'a> Combination<'a> {
    /// Reads a request from its number of keys on, and looks at the keys.
    ///
    /// # Errors
    /// Numbers or options that are none, or a key that holds something else.
    pub(super) fn parse(
        cx: &mut Cx<'_>,
        args: Args<'a>,
        (operation, purpose): (Operation, Purpose),
        command: &str,
    ) -> Result<Combination<'a>, CommandError> {
        let count = parse_i64(&args[0]).ok_or(CommandError::NOT_INTEGER)?;
        let count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
            let text = format!("ERR at least 1 input key is needed for '{command}' command");
            CommandError::new(text)
        })?;
        if count >= args.len() {
            return Err(CommandError::SYNTAX);
        }
        let inputs = args.iter().skip(1).take(count).map(|name| {
            let len = len_of(cx, name)?;
            Ok(Input { name, weight: 1.0, len })
        });
        let inputs = inputs.collect::<Result<Vec<_>, CommandError>>()?;
        let mut combination = Combination {
            operation,
            inputs,
            aggregate: Aggregate::Sum,
            has_scores: false,
            limit: 0,
        };
        combination.take_options(args.from(1 + count), purpose)?;
        if operation != Operation::Difference {
            // As in Redis: the order decides how sums are rounded.
            combination.inputs.sort_by_key(|input| input.len);
        }
        Ok(combination)
    }

    fn take_options(&mut self, words: Args<'a>, purpose: Purpose) -> Result<(), CommandError> {
        let has_weights = self.operation != Operation::Difference && purpose != Purpose::Count;
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let left = words.len() - at - 1;
            if has_weights && left >= self.inputs.len() && is("WEIGHTS") {
                for input in &mut self.inputs {
                    at += 1;
                    input.weight = parse_f64(&words[at]).ok_or(NO_WEIGHT)?;
                }
            } else if has_weights && left >= 1 && is("AGGREGATE") {
                at += 1;
                self.aggregate = Aggregate::of(&words[at])?;
            } else if purpose == Purpose::Reply && is("WITHSCORES") {
                self.has_scores = true;
            } else if purpose == Purpose::Count && left >= 1 && is("LIMIT") {
                at += 1;
                let limit = parse_i64(&words[at]).and_then(|limit| usize::try_from(limit).ok());
                self.limit = limit.ok_or(NO_LIMIT)?;
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        Ok(())
    }

    /// The members of the result, in no order.
    ///
    /// # Errors
    /// A key holds something else.
    pub(super) fn members(&self, cx: &mut Cx<'_>) -> Result<Vec<Scored>, CommandError> {
        match self.operation {
            Operation::Union => self.union(cx),
            Operation::Intersection => self.intersection(cx),
            Operation::Difference => self.difference(cx),
        }
    }

    fn union(&self, cx: &mut Cx<'_>) -> Result<Vec<Scored>, CommandError> {
        let mut sums: HashMap<Vec<u8>, f64> = HashMap::new();
        for input in &self.inputs {
            read(cx, input.name, |set| {
                for (member, value) in set.iter() {
                    let score = number_or_zero(input.weight * score_of(set, value));
                    match sums.get_mut(member) {
                        Some(sum) => *sum = self.aggregate.combine(*sum, score),
                        None => drop(sums.insert(member.to_vec(), score)),
                    }
                }
            })?;
        }
        Ok(sums.into_iter().collect())
    }

    fn intersection(&self, cx: &mut Cx<'_>) -> Result<Vec<Scored>, CommandError> {
        let mut members = self.first(cx)?;
        for input in &self.inputs[1..] {
            let is_there = read(cx, input.name, |set| {
                members.retain_mut(|(member, sum)| {
                    let Some(value) = set.get(member) else { return false };
                    *sum = self.aggregate.combine(*sum, input.weight * score_of(set, value));
                    true
                });
            })?;
            if is_there.is_none() {
                return Ok(Vec::new());
            }
        }
        Ok(members)
    }

    fn difference(&self, cx: &mut Cx<'_>) -> Result<Vec<Scored>, CommandError> {
        let mut members = self.first(cx)?;
        for input in &self.inputs[1..] {
            read(cx, input.name, |set| members.retain(|(member, _)| set.get(member).is_none()))?;
        }
        Ok(members)
    }

    /// The members of the first set.
    fn first(&self, cx: &mut Cx<'_>) -> Result<Vec<Scored>, CommandError> {
        let Some(input) = self.inputs.first() else { return Ok(Vec::new()) };
        let members = read(cx, input.name, |set| {
            let scored = set.iter().map(|(member, value)| {
                (member.to_vec(), number_or_zero(input.weight * score_of(set, value)))
            });
            scored.collect()
        })?;
        Ok(members.unwrap_or_default())
    }
}

/// How many members a key has, looked up for reading.
fn len_of(cx: &mut Cx<'_>, name: &[u8]) -> Result<usize, CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let item = cx.view.read(database, &key);
    item.map_or(Ok(0), |item| Ok(set_in(&item)?.len()))
}

/// Calls `read` with the set of a key that has been looked up before, if it is there.
fn read<R>(
    cx: &mut Cx<'_>,
    name: &[u8],
    read: impl FnOnce(Contents<'_>) -> R,
) -> Result<Option<R>, CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let item = cx.view.peek(database, &key);
    item.map(|item| Ok(read(set_in(&item)?))).transpose()
}

/// A set, sorted or not.
fn set_in<'v>(item: &Item<'v>) -> Result<Contents<'v>, CommandError> {
    match item.value() {
        Value::Collection(set) if [Kind::Set, Kind::SortedSet].contains(&set.kind()) => Ok(set),
        _ => Err(CommandError::WRONG_TYPE),
    }
}

/// The score of an element; in a set without scores it is one.
fn score_of(set: Contents<'_>, value: &[u8]) -> f64 {
    if set.kind() == Kind::SortedSet { score_in(value) } else { 1.0 }
}
