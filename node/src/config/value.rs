//! Kinds of options: how each is read, checked, shown, written, and brought into [`Settings`].
//!
//! The texts of errors are Redis's, since CONFIG SET gives them to clients.

use std::time::Duration;

use skep_keyspace::bytesize;
use skep_resp::number::{parse_i64, parse_u64};

use super::machine::Machine;
use super::{users, words};
use crate::listen;
use crate::settings::{OutputLimit, Settings};

/// How an option is read, and what it does with a value.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `yes` or `no`.
    Switch(fn(&mut Settings, bool)),
    /// A whole number in a range.
    Integer(i64, i64, fn(&mut Settings, i64)),
    /// A whole number that is brought into a range instead of being refused.
    Clamped(i64, i64, fn(&mut Settings, i64)),
    /// A whole number in a range, or `auto`.
    Automatic(i64, i64, fn(&mut Settings, Option<i64>)),
    /// A size of at least so many bytes.
    Bytes(u64, fn(&mut Settings, u64)),
    /// A size, a share of the memory in percent, or `auto`.
    Memory(fn(&mut Settings, MemoryLimit)),
    /// One of these names.
    Choice(&'static [&'static str], fn(&mut Settings, &'static str)),
    /// Anything.
    Text(fn(&mut Settings, &str)),
    /// One or more words.
    Words(fn(&mut Settings, &[String])),
    /// Addresses to listen on.
    Addresses(fn(&mut Settings, &[String])),
    /// Pairs of whole numbers, or nothing (`save`).
    Pairs,
    /// Classes of clients with their limits.
    OutputLimits(fn(&mut Settings, &[OutputLimit; CLASSES])),
    /// Users, which are no settings.
    Users,
}

/// A value that its option's kind has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Switch(bool),
    Integer(i64),
    Automatic,
    Bytes(u64),
    Memory(MemoryLimit),
    Choice(&'static str),
    Text(String),
    Words(Vec<String>),
    OutputLimits([OutputLimit; CLASSES]),
    /// The words of each, name first.
    Users(Vec<Vec<String>>),
}

/// What `maxmemory` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryLimit {
    /// [`AUTOMATIC_PERCENT`] of what there is.
    Automatic,
    Percent(u64),
    /// 0: no limit.
    Bytes(u64),
}

/// The share of the memory that the data may have unless told otherwise. The rest is for buffers
/// of clients, the system's own, and what a burst needs before eviction catches up.
const AUTOMATIC_PERCENT: u64 = 75;

impl MemoryLimit {
    pub(crate) fn bytes(self, machine: &Machine) -> u64 {
        match self {
            MemoryLimit::Automatic => machine.memory_bytes / 100 * AUTOMATIC_PERCENT,
            MemoryLimit::Percent(percent) => machine.memory_bytes / 100 * percent,
            MemoryLimit::Bytes(bytes) => bytes,
        }
    }

    /// Where the limit comes from, for the banner.
    pub(crate) fn source(self, machine: &Machine) -> String {
        match self {
            MemoryLimit::Automatic => format!("{AUTOMATIC_PERCENT}% of {}", machine.memory_source),
            MemoryLimit::Percent(percent) => format!("{percent}% of {}", machine.memory_source),
            MemoryLimit::Bytes(_) => "as configured".to_owned(),
        }
    }
}

/// Classes of `client-output-buffer-limit`.
pub(crate) const CLASSES: usize = 3;
/// Their names: Redis still answers with the old one for replicas, and reads both.
const CLASS_NAMES: [&[&str]; CLASSES] = [&["normal"], &["slave", "replica"], &["pubsub"]];
/// The most words an option may have.
const MAX_WORDS: usize = 64;

impl Kind {
    /// Whether an option takes several words.
    pub(crate) fn takes_many(&self) -> bool {
        use Kind::*;
        matches!(self, Words(_) | Addresses(_) | Pairs | OutputLimits(_) | Users)
    }

    /// Whether a second line of a file adds to the first instead of contradicting it.
    pub(crate) fn adds_up(&self) -> bool {
        use Kind::*;
        matches!(self, Pairs | OutputLimits(_) | Users)
    }

    pub(crate) fn is_users(&self) -> bool {
        matches!(self, Kind::Users)
    }

    /// Reads a value. `current` is what the option says so far.
    pub(crate) fn read<S: AsRef<str>>(
        &self,
        given: &[S],
        current: &Value,
    ) -> Result<Value, String> {
        if self.is_users() {
            return users::read(given, current);
        }
        if given.len() > MAX_WORDS {
            return Err("wrong number of arguments".to_owned());
        }
        match (self, given) {
            (Kind::Words(_), _) => {
                let words = given.iter().map(|word| word.as_ref().to_owned());
                Ok(Value::Words(words.filter(|word| !word.is_empty()).collect()))
            }
            (Kind::Addresses(_), _) => read_addresses(given),
            (Kind::Pairs, _) => read_pairs(given),
            (Kind::OutputLimits(_), _) => read_output_limits(given, current),
            (_, [word]) => self.read_word(word.as_ref()),
            _ => Err("wrong number of arguments".to_owned()),
        }
    }

    fn read_word(&self, word: &str) -> Result<Value, String> {
        match *self {
            Kind::Switch(_) if word.eq_ignore_ascii_case("yes") => Ok(Value::Switch(true)),
            Kind::Switch(_) if word.eq_ignore_ascii_case("no") => Ok(Value::Switch(false)),
            Kind::Switch(_) => Err("argument must be 'yes' or 'no'".to_owned()),
            Kind::Automatic(..) if word.eq_ignore_ascii_case("auto") => Ok(Value::Automatic),
            Kind::Integer(min, max, _) | Kind::Automatic(min, max, _) => {
                read_integer(word, min, max).map(Value::Integer)
            }
            Kind::Clamped(min, max, _) => {
                let number = read_integer(word, i64::from(i32::MIN), i64::from(i32::MAX))?;
                Ok(Value::Integer(number.clamp(min, max)))
            }
            Kind::Bytes(min, _) => {
                let bytes = bytesize::parse(word).ok_or("argument must be a memory value")?;
                match i64::try_from(bytes) {
                    Ok(_) if bytes >= min => Ok(Value::Bytes(bytes)),
                    _ => Err(outside(min, i64::MAX)),
                }
            }
            Kind::Memory(_) => read_memory(word).map(Value::Memory),
            Kind::Choice(names, _) => {
                let name = names.iter().find(|name| name.eq_ignore_ascii_case(word));
                let list = || names.join(", ");
                name.map(|name| Value::Choice(name))
                    .ok_or_else(|| format!("argument(s) must be one of the following: {}", list()))
            }
            // The last five take many words; they do not come here.
            Kind::Text(_)
            | Kind::Words(_)
            | Kind::Addresses(_)
            | Kind::Pairs
            | Kind::OutputLimits(_)
            | Kind::Users => Ok(Value::Text(word.to_owned())),
        }
    }

    /// What would be accepted, for people who wrote something else.
    pub(crate) fn example(&self) -> Option<&'static str> {
        match self {
            Kind::Memory(_) => Some("for example 100mb, 4gb, 50% or auto"),
            Kind::Bytes(..) => Some("for example 64kb, 100mb or 4gb"),
            Kind::OutputLimits(_) => {
                Some("for example 'pubsub 32mb 8mb 60': class, hard limit, soft limit, seconds")
            }
            Kind::Pairs => Some("for example '' or '900 1'"),
            _ => None,
        }
    }

    /// Brings a value into the settings.
    pub(crate) fn land(&self, settings: &mut Settings, value: &Value) {
        match (self, value) {
            (Kind::Switch(land), Value::Switch(on)) => land(settings, *on),
            (Kind::Integer(_, _, land) | Kind::Clamped(_, _, land), Value::Integer(number)) => {
                land(settings, *number);
            }
            (Kind::Automatic(_, _, land), Value::Automatic) => land(settings, None),
            (Kind::Automatic(_, _, land), Value::Integer(number)) => land(settings, Some(*number)),
            (Kind::Bytes(_, land), Value::Bytes(bytes)) => land(settings, *bytes),
            (Kind::Memory(land), Value::Memory(limit)) => land(settings, *limit),
            (Kind::Choice(_, land), Value::Choice(name)) => land(settings, name),
            (Kind::Text(land), Value::Text(text)) => land(settings, text),
            (Kind::Words(land) | Kind::Addresses(land), Value::Words(words)) => {
                land(settings, words)
            }
            (Kind::OutputLimits(land), Value::OutputLimits(limits)) => land(settings, limits),
            (Kind::Pairs | Kind::Users, _) => {}
            // `read` gives each kind its own values only.
            _ => debug_assert!(false, "a value of another kind: {value:?}"),
        }
    }
}

impl Value {
    /// What CONFIG GET answers: sizes in bytes, `auto` as what it amounts to.
    pub(crate) fn shown(&self, machine: &Machine) -> String {
        match self {
            Value::Automatic => machine.cores.to_string(),
            Value::Bytes(bytes) => bytes.to_string(),
            Value::Memory(limit) => limit.bytes(machine).to_string(),
            Value::Text(text) => text.clone(),
            Value::Words(words) => words.join(" "),
            Value::Users(lines) => {
                lines.iter().map(|words| words::join(words)).collect::<Vec<_>>().join(" ")
            }
            Value::OutputLimits(_) | Value::Switch(_) | Value::Integer(_) | Value::Choice(_) => {
                self.words().join(" ")
            }
        }
    }

    /// The words that a configuration file says it with.
    pub(crate) fn written(&self) -> Vec<String> {
        match self {
            Value::Bytes(bytes) | Value::Memory(MemoryLimit::Bytes(bytes)) => {
                vec![bytesize::print(*bytes)]
            }
            Value::Memory(MemoryLimit::Percent(percent)) => vec![format!("{percent}%")],
            Value::Automatic | Value::Memory(MemoryLimit::Automatic) => vec!["auto".to_owned()],
            Value::Words(words) if words.is_empty() => vec![String::new()],
            Value::OutputLimits(limits) => classes(limits, |bytes| bytesize::print(bytes as u64)),
            Value::Words(_)
            | Value::Users(_)
            | Value::Switch(_)
            | Value::Integer(_)
            | Value::Choice(_)
            | Value::Text(_) => self.words(),
        }
    }

    fn words(&self) -> Vec<String> {
        match self {
            Value::Switch(on) => vec![if *on { "yes" } else { "no" }.to_owned()],
            Value::Integer(number) => vec![number.to_string()],
            Value::Choice(name) => vec![(*name).to_owned()],
            Value::Text(text) => vec![text.clone()],
            Value::Words(words) => words.clone(),
            Value::Users(lines) => lines.iter().map(|words| words::join(words)).collect(),
            Value::OutputLimits(limits) => classes(limits, |bytes| bytes.to_string()),
            Value::Automatic | Value::Bytes(_) | Value::Memory(_) => Vec::new(),
        }
    }
}

fn classes(limits: &[OutputLimit; CLASSES], print: impl Fn(usize) -> String) -> Vec<String> {
    let class = |(names, limit): (&&[&str], &OutputLimit)| {
        let (hard, soft) = (print(limit.hard_bytes), print(limit.soft_bytes));
        [names[0].to_owned(), hard, soft, limit.soft_for.as_secs().to_string()]
    };
    CLASS_NAMES.iter().zip(limits).flat_map(class).collect()
}

fn outside(min: impl std::fmt::Display, max: impl std::fmt::Display) -> String {
    format!("argument must be between {min} and {max} inclusive")
}

fn read_integer(word: &str, min: i64, max: i64) -> Result<i64, String> {
    let number = parse_i64(word.as_bytes()).ok_or("argument couldn't be parsed into an integer")?;
    if (min..=max).contains(&number) { Ok(number) } else { Err(outside(min, max)) }
}

fn read_memory(word: &str) -> Result<MemoryLimit, String> {
    if word.eq_ignore_ascii_case("auto") {
        return Ok(MemoryLimit::Automatic);
    }
    let percent = word.strip_suffix('%').and_then(|digits| parse_u64(digits.as_bytes()));
    match (percent, bytesize::parse(word)) {
        (Some(percent @ 1..=100), _) => Ok(MemoryLimit::Percent(percent)),
        (_, Some(bytes)) if bytes <= i64::MAX as u64 => Ok(MemoryLimit::Bytes(bytes)),
        _ => Err("argument must be a memory value".to_owned()),
    }
}

fn read_addresses<S: AsRef<str>>(given: &[S]) -> Result<Value, String> {
    let given: Vec<String> = given.iter().map(|word| word.as_ref().to_owned()).collect();
    for address in &given {
        let (_, address) = listen::optional(address);
        listen::resolve(address, 0).map_err(|error| format!("'{address}' is {error}"))?;
    }
    Ok(Value::Words(given))
}

fn read_pairs<S: AsRef<str>>(given: &[S]) -> Result<Value, String> {
    let given: Vec<&str> =
        given.iter().map(AsRef::as_ref).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &&str| parse_u64(word.as_bytes()).is_some();
    if !given.len().is_multiple_of(2) || !given.iter().all(is_number) {
        return Err("Invalid save parameters".to_owned());
    }
    Ok(Value::Words(given.into_iter().map(str::to_owned).collect()))
}

fn read_output_limits<S: AsRef<str>>(given: &[S], current: &Value) -> Result<Value, String> {
    let mut limits = match current {
        Value::OutputLimits(limits) => *limits,
        _ => [OutputLimit::default(); CLASSES],
    };
    let given: Vec<&str> =
        given.iter().map(AsRef::as_ref).filter(|word| !word.is_empty()).collect();
    if given.is_empty() || !given.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    for class in given.chunks(4) {
        let is_it = |names: &&[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(class[0]));
        let number = CLASS_NAMES
            .iter()
            .position(is_it)
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let bytes = |word| bytesize::parse(word).and_then(|bytes| usize::try_from(bytes).ok());
        let seconds = parse_u64(class[3].as_bytes()).filter(|seconds| *seconds <= i32::MAX as u64);
        let (Some(hard_bytes), Some(soft_bytes), Some(seconds)) =
            (bytes(class[1]), bytes(class[2]), seconds)
        else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit \
                        configuration."
                .to_owned());
        };
        limits[number] =
            OutputLimit { hard_bytes, soft_bytes, soft_for: Duration::from_secs(seconds) };
    }
    Ok(Value::OutputLimits(limits))
}

/// The words that texts from anywhere stand for: where an option takes many, one text may hold
/// several (`--save "900 1"`, `bind = "127.0.0.1 ::1"`).
pub(crate) fn words_of<S: AsRef<str>>(kind: &Kind, given: &[S]) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    if kind.is_users() {
        return Ok(given.iter().map(|word| word.as_ref().to_owned()).collect());
    }
    for text in given.iter().map(AsRef::as_ref) {
        let holds_many = kind.takes_many() && (given.len() == 1 || kind.adds_up());
        if holds_many && !text.is_empty() {
            words.append(&mut words::split(text).ok_or("a quote is not closed")?);
        } else {
            words.push(text.to_owned());
        }
    }
    Ok(words)
}
