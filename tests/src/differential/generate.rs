//! Scripts: random commands from the templates, some of them spoilt, that are safe to send and
//! whose replies do not depend on the moment.

use super::grammar::Template;
use super::random::Random;
use super::step::{Action, CONNECTIONS, SUBSCRIBER, Step};
use super::vocabulary::{FAR_SECONDS, fill};

/// Commands whose arguments are left as the template has made them, because a wrong one would
/// stop or reconfigure a server.
const NOT_SPOILT: [&str; 6] = ["config", "wait", "client", "debug", "slowlog", "latency"];

/// Makes scripts.
pub struct Generator {
    templates: Vec<Template>,
    /// Indexes into `templates`, each as often as its weight says.
    lots: Vec<usize>,
}

impl Generator {
    /// A generator of these templates with their weights.
    pub fn new(templates: &[(usize, &str)]) -> Generator {
        let lots = templates.iter().enumerate();
        let lots = lots.flat_map(|(at, (weight, _))| vec![at; *weight]).collect();
        let templates = templates.iter().map(|(_, text)| Template::parse(text)).collect();
        Generator { templates, lots }
    }

    /// A command, however dangerous, for tests that send it to nobody but a handler.
    pub fn words(&self, random: &mut Random) -> Vec<Vec<u8>> {
        let template = &self.templates[*random.pick(&self.lots)];
        let mut words = template.expand(random, &mut fill);
        if random.chance(30) {
            spoil(&mut words, random);
        }
        words
    }

    /// A command all of whose keys have this hash tag, so that they are of one slot.
    pub fn words_of(&self, random: &mut Random, tag: &str) -> Vec<Vec<u8>> {
        let template = &self.templates[*random.pick(&self.lots)];
        template.expand(random, &mut |random, slot| match slot {
            "key" | "hll" => [b"{", tag.as_bytes(), b"}", &*fill(random, slot)].concat(),
            _ => fill(random, slot),
        })
    }

    /// The names of the commands it sends.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| template.name.as_str())
    }

    /// A script of `len` steps.
    pub(super) fn script(&self, random: &mut Random, len: usize) -> Vec<Step> {
        (0..len).map(|_| self.step(random)).collect()
    }

    fn step(&self, random: &mut Random) -> Step {
        match random.below(60) {
            0 => {
                let options = scan_options(random);
                on(random, Action::ScanAll(options))
            }
            1 => {
                let key = fill(random, "key");
                on(random, Action::AwaitGone(key))
            }
            2 => self.silent(random),
            _ => self.command(random),
        }
    }

    fn command(&self, random: &mut Random) -> Step {
        loop {
            let template = &self.templates[*random.pick(&self.lots)];
            let mut words = template.expand(random, &mut fill);
            if random.chance(6) && !NOT_SPOILT.contains(&template.name.as_str()) {
                spoil(&mut words, random);
            }
            if is_playable(&words) {
                let connection = connection_for(&template.name, random);
                return Step { connection, action: Action::Command(words) };
            }
        }
    }

    /// Commands without replies.
    fn silent(&self, random: &mut Random) -> Step {
        let key = fill(random, "key");
        let words = |text: &str| -> Vec<Vec<u8>> {
            text.split(' ')
                .map(|word| if word == "%" { key.clone() } else { word.as_bytes().to_vec() })
                .collect()
        };
        const SCRIPTS: [&[&str]; 6] = [
            &["CLIENT REPLY SKIP", "SET % 1", "GET %"],
            &["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "GET %", "INCR %"],
            &["CLIENT REPLY OFF", "SET % 5", "NOPE", "CLIENT REPLY ON", "GET %"],
            &["CLIENT REPLY OFF", "CLIENT REPLY SKIP", "GET %", "CLIENT REPLY ON"],
            &["CLIENT REPLY ON", "GET %"],
            &["CLIENT REPLY SKIP", "MULTI", "INCR %", "EXEC"],
        ];
        let script = *random.pick(&SCRIPTS);
        on(random, Action::Pipeline(script.iter().map(|text| words(text)).collect()))
    }
}

fn on(random: &mut Random, action: Action) -> Step {
    Step { connection: random.below(SUBSCRIBER), action }
}

fn connection_for(name: &str, random: &mut Random) -> usize {
    match name {
        "subscribe" | "psubscribe" | "ssubscribe" | "unsubscribe" | "punsubscribe"
        | "sunsubscribe" => SUBSCRIBER,
        "multi" | "exec" | "discard" | "watch" => {
            if random.chance(75) {
                0
            } else {
                1
            }
        }
        _ => *random.pick(&[0, 0, 0, 0, 0, 0, 1, 1, CONNECTIONS - 1]),
    }
}

fn scan_options(random: &mut Random) -> Vec<Vec<u8>> {
    let template =
        random.pick(&["X", "X MATCH %pattern", "X COUNT 1", "X TYPE string", "X TYPE hash"]);
    Template::parse(template).expand(random, &mut fill).split_off(1)
}

/// Makes arguments wrong in some way.
fn spoil(words: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = random.below(words.len());
    match random.below(6) {
        0 if words.len() > 1 => drop(words.remove(at)),
        1 => words.truncate(1 + at),
        2 => words.push(fill(random, "value")),
        3 if at > 0 => words[at] = fill(random, "value"),
        4 if at > 0 => words[at] = fill(random, "int"),
        _ => words.insert(at + 1, words[at].clone()),
    }
}

/// Whether a command can be sent: it answers alike at any moment, and neither ends, blocks nor
/// fills a server.
pub(super) fn is_playable(words: &[Vec<u8>]) -> bool {
    let lower: Vec<String> =
        words.iter().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    let number = |at: usize| lower.get(at).and_then(|word| word.parse::<i64>().ok());
    let soon = |at: usize, until: i64| number(at).is_some_and(|value| (1..until).contains(&value));
    let behind = |word: &str, until: i64| {
        (1..lower.len()).any(|at| lower[at - 1] == word && soon(at, until))
    };
    let is_large =
        |at: usize| number(at).is_some_and(|len| (100_000..536_870_912 - 70_000).contains(&len));
    let is_far_bit = |at: usize| {
        let digits = lower.get(at).map_or("", |word| word.trim_start_matches('#'));
        digits.parse().is_ok_and(|bit: i64| (2_000_000..4_294_967_296).contains(&bit))
    };
    match lower[0].as_str() {
        // They have no arguments to choose what is told, and tell of the server.
        "info" | "help" => false,
        // What is left of FLUSHALL SYNC makes the connection a replica's.
        "sync" => false,
        "command" => {
            !["", "info", "docs", "list", "count"]
                .contains(&lower.get(1).map_or("", String::as_str))
                || lower.len() > 2 && lower[1] != "docs"
        }
        "expire" | "setex" => !soon(2, 101),
        "pexpire" | "psetex" => !soon(2, 100_001),
        // What SET lets expire in the past is gone at some moment of the server's choice.
        "set" if behind("exat", FAR_SECONDS) || behind("pxat", FAR_SECONDS * 1000) => false,
        "set" | "getex" => !behind("ex", 101) && !behind("px", 100_001),
        "setrange" => !is_large(2),
        "setbit" => !is_far_bit(2),
        "bitfield" => (2..lower.len()).all(|at| !is_far_bit(at)),
        "wait" => number(1).is_none_or(|count| count <= 0) || number(2).is_none_or(|ms| ms < 0),
        "client" => match lower.get(1).map_or("", String::as_str) {
            "pause" => number(2).is_none_or(|ms| ms < 0),
            "kill" => number(3).is_none_or(|id| !(0..1_000_000).contains(&id)),
            "list" => lower.len() > 2 && number(3).is_none(),
            _ => true,
        },
        _ => true,
    }
}
