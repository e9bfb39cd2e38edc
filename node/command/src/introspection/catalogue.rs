//! COMMAND, COMMAND COUNT, INFO and LIST: the command table as clients ask for it.

use skep_keyspace::glob;
use skep_resp::{Args, Reply};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::row::{Categories, Flags, KeyBegin, KeyFind, KeySpec, Row};
use crate::table::{self, Command};

/// Elements that describe a command in COMMAND INFO.
const INFO_FIELDS: usize = 10;

const HELP: &[&str] = &[
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Describe all commands.",
    "COUNT",
    "    Count the commands.",
    "DOCS [<command-name> ...]",
    "    Document some commands, or all.",
    "GETKEYS <full-command>",
    "    Tell which arguments of a full command are keys.",
    "GETKEYSANDFLAGS <full-command>",
    "    Tell which arguments of a full command are keys, and what happens to them.",
    "INFO [<command-name> ...]",
    "    Describe some commands, or all.",
    "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
    "    List the names of all commands, or of those that fit.",
];

/// `COMMAND`.
pub(crate) fn command(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    everything(cx.reply);
    Ok(())
}

/// `COMMAND COUNT`.
pub(crate) fn count(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.integer(table::all().count() as i64);
    Ok(())
}

/// `COMMAND INFO [name ...]`.
pub(crate) fn info(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let names = args.from(2);
    if names.is_empty() {
        everything(cx.reply);
        return Ok(());
    }
    cx.reply.array(names.len());
    for name in names.iter() {
        match table::by_full_name(name) {
            Some(command) => describe(cx.reply, command),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// `COMMAND HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

fn everything(reply: &mut Reply) {
    reply.array(table::all().count());
    table::top_level().for_each(|command| describe(reply, command));
}

/// The ten fields of a command.
fn describe(reply: &mut Reply, command: &'static Command) {
    let row = command.row;
    let (first, last, step) = legacy_range(row.keys);
    reply.array(INFO_FIELDS);
    reply.bulk(command.full_name.as_bytes());
    reply.integer(i64::from(row.arity));
    let flags = Flags::WORDS.iter().filter(|(flag, word)| !word.is_empty() && row.flags.has(*flag));
    words(reply, flags.map(|(_, word)| *word));
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    let all = row.acl_categories();
    let categories = Categories::WORDS.iter().filter(|(category, _)| all.has(*category));
    words(reply, categories.map(|(_, word)| *word));
    reply.set(row.tips.len());
    row.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(row.keys.len());
    row.keys.iter().for_each(|spec| describe_keys(reply, spec));
    // A set when there is none, an array otherwise: so it is in Redis.
    match command.subcommands().len() {
        0 => reply.set(0),
        count => reply.array(count),
    }
    command.subcommands().for_each(|subcommand| describe(reply, subcommand));
}

/// A set of status words.
pub(super) fn words<'w>(reply: &mut Reply, words: impl Iterator<Item = &'w str> + Clone) {
    reply.set(words.clone().count());
    words.for_each(|word| reply.simple(word));
}

fn field(reply: &mut Reply, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}

fn describe_keys(reply: &mut Reply, spec: &KeySpec) {
    reply.map(if spec.notes.is_empty() { 3 } else { 4 });
    if !spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    words(reply, spec.flags.iter().copied());
    let kind = |reply: &mut Reply, step: &str, kind: &str, fields: usize| {
        reply.bulk(step.as_bytes());
        reply.map(2);
        reply.bulk(b"type");
        reply.bulk(kind.as_bytes());
        reply.bulk(b"spec");
        reply.map(fields);
    };
    match spec.begin {
        KeyBegin::Index(index) => {
            kind(reply, "begin_search", "index", 1);
            field(reply, "index", i64::from(index));
        }
        KeyBegin::Keyword(keyword, from) => {
            kind(reply, "begin_search", "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(keyword.as_bytes());
            field(reply, "startfrom", i64::from(from));
        }
    }
    match spec.find {
        KeyFind::Range { last, step, limit } => {
            kind(reply, "find_keys", "range", 3);
            field(reply, "lastkey", i64::from(last));
            field(reply, "keystep", i64::from(step));
            field(reply, "limit", i64::from(limit));
        }
        KeyFind::Count { count_at, first, step } => {
            kind(reply, "find_keys", "keynum", 3);
            field(reply, "keynumidx", i64::from(count_at));
            field(reply, "firstkey", i64::from(first));
            field(reply, "keystep", i64::from(step));
        }
    }
}

/// First key, last key and step as clients older than key specifications want them: those of the
/// only range, or of ranges that follow each other; zeros where there is none.
fn legacy_range(keys: &[KeySpec]) -> (i64, i64, i64) {
    let range = |spec: &KeySpec| match (spec.begin, spec.find) {
        (KeyBegin::Index(index), KeyFind::Range { last, step, .. }) => {
            let first = i64::from(index);
            let last = i64::from(last);
            Some((first, if last >= 0 { first + last } else { last }, i64::from(step)))
        }
        _ => None,
    };
    if let [only] = keys {
        return range(only).unwrap_or((0, 0, 0));
    }
    let mut joined: Option<(i64, i64, i64)> = None;
    for (first, last, step) in keys.iter().filter_map(range) {
        joined = match joined {
            None if step == 1 => Some((first, last, 1)),
            Some((begin, end, _)) if step == 1 && end == first - 1 => Some((begin, last, 1)),
            other => other,
        };
    }
    joined.unwrap_or((0, 0, 0))
}

/// Which commands COMMAND LIST shows.
enum Filter<'a> {
    All,
    Module,
    Category(Option<Categories>),
    Pattern(&'a [u8]),
}

/// `COMMAND LIST [FILTERBY MODULE | ACLCAT | PATTERN what]`.
pub(crate) fn list(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let filter = filter(args)?;
    let wanted = |command: &&Command| match filter {
        Filter::All => true,
        // No command comes from a module.
        Filter::Module => false,
        Filter::Category(category) => {
            category.is_some_and(|category| command.row.acl_categories().has(category))
        }
        Filter::Pattern(pattern) => {
            glob::matches_ignoring_case(pattern, command.full_name.as_bytes())
        }
    };
    let names = table::commands().iter().filter(wanted);
    cx.reply.array(names.clone().count());
    names.for_each(|command| cx.reply.bulk(command.full_name.as_bytes()));
    Ok(())
}

fn filter(args: Args<'_>) -> Result<Filter<'_>, CommandError> {
    let is = |at: usize, word: &str| {
        args.get(at).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    };
    match args.get(4) {
        None if args.len() == 2 => Ok(Filter::All),
        Some(what) if args.len() == 5 && is(2, "filterby") => {
            if is(3, "module") {
                Ok(Filter::Module)
            } else if is(3, "aclcat") {
                Ok(Filter::Category(Categories::from_name(what)))
            } else if is(3, "pattern") {
                Ok(Filter::Pattern(what))
            } else {
                Err(CommandError::SYNTAX)
            }
        }
        _ => Err(CommandError::SYNTAX),
    }
}

impl Categories {
    /// The category of a name without its `@`, in any case.
    pub(crate) fn from_name(name: &[u8]) -> Option<Categories> {
        let is_it =
            |(_, word): &&(Categories, &str)| word.as_bytes()[1..].eq_ignore_ascii_case(name);
        Categories::WORDS.iter().find(is_it).map(|(category, _)| *category)
    }
}

impl Row {
    /// All ACL categories of the command: its own and those that follow from its flags.
    pub(crate) fn acl_categories(&self) -> Categories {
        let implied = [
            (Flags::WRITE, Categories::WRITE),
            (Flags::READONLY, Categories::READ),
            (Flags::ADMIN, Categories::ADMIN.and(Categories::DANGEROUS)),
            (Flags::PUBSUB, Categories::PUBSUB),
            (Flags::FAST, Categories::FAST),
            (Flags::BLOCKING, Categories::BLOCKING),
        ];
        let is_slow = !self.flags.has(Flags::FAST);
        let speed = if is_slow { Categories::SLOW } else { Categories::NONE };
        let follows = implied.iter().filter(|(flag, _)| self.flags.has(*flag));
        follows.fold(self.categories.and(speed), |all, (_, category)| all.and(*category))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn a_command_is_described_by_ten_fields() {
        Bench::resp3().expect(&[
            (
                "COMMAND INFO memory|usage nosuch config|nosuch",
                "*3 *10 $12 memory|usage :-3 ~1 +readonly :2 :2 :1 ~2 +@read +@slow ~0 ~1 %3 \
                 $5 flags ~1 +RO $12 begin_search %2 $4 type $5 index $4 spec %1 $5 index :2 \
                 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 \
                 $5 limit :0 ~0 _ _",
            ),
            (
                "COMMAND INFO debug",
                "*1 *10 $5 debug :-2 ~4 +admin +noscript +loading +stale :0 :0 :0 ~3 +@admin \
                 +@slow +@dangerous ~0 ~0 ~0",
            ),
        ]);
        Bench::new().expect(&[(
            "COMMAND INFO TIME nosuch",
            "*2 *10 $4 time :1 *3 +loading +stale +fast :0 :0 :0 *1 +@fast *1 \
             $23 nondeterministic_output *0 *0 $-1",
        )]);
    }

    #[test]
    fn a_container_lists_its_subcommands_and_command_alone_lists_everything() {
        let mut bench = Bench::new();
        let module = bench.ask("COMMAND INFO module");
        assert!(module.contains(" *2 *10 $11 module|list "), "{module}");
        assert!(module.contains(" *10 $11 module|help "), "{module}");
        let all = bench.ask("COMMAND");
        assert_eq!(all, bench.ask("COMMAND INFO"));
        assert!(all.starts_with(&format!("*{} *10 ", table::all().count())), "{}", &all[..40]);
        assert_eq!(bench.ask("COMMAND COUNT"), format!(":{}", table::all().count()));
    }

    #[test]
    fn names_are_listed_by_pattern_category_or_module() {
        Bench::resp3().expect(&[
            ("COMMAND LIST FILTERBY PATTERN MEMORY|[us]*", "*2 $12 memory|stats $12 memory|usage"),
            (
                "COMMAND LIST FILTERBY ACLCAT transaction",
                "*5 $5 multi $4 exec $7 discard $5 watch $7 unwatch",
            ),
            ("COMMAND LIST FILTERBY ACLCAT nosuch", "*0"),
            ("COMMAND LIST FILTERBY MODULE any", "*0"),
            ("COMMAND LIST FILTERBY", "-ERR syntax error"),
            ("COMMAND LIST FILTERBY x y", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn old_clients_get_the_span_of_neighbouring_keys() {
        let one = |first, last, step| KeySpec::range(&["RO"], first, last, step);
        let counted = KeySpec {
            begin: KeyBegin::Index(2),
            find: KeyFind::Count { count_at: 0, first: 1, step: 1 },
            ..one(0, 0, 1)
        };
        assert_eq!(legacy_range(&[]), (0, 0, 0));
        assert_eq!(legacy_range(&[one(1, -1, 2)]), (1, -1, 2));
        assert_eq!(legacy_range(&[one(1, 0, 1), one(2, 0, 1)]), (1, 2, 1));
        assert_eq!(legacy_range(&[one(1, 0, 1), one(3, 0, 1)]), (1, 1, 1));
        assert_eq!(legacy_range(&[counted]), (0, 0, 0));
        assert_eq!(legacy_range(&[one(1, 0, 1), counted]), (1, 1, 1));
    }
}
