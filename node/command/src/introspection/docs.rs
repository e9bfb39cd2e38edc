//! COMMAND DOCS: summaries and grammars, in Redis's structure with sentences of our own.

use skep_resp::{Args, Reply};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::row::{Argument, ArgumentKind, Group};
use crate::table::{self, Command};

/// `COMMAND DOCS [name ...]`: unknown names are left out.
pub(crate) fn docs(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let names = args.from(2);
    if names.is_empty() {
        cx.reply.map(table::all().count());
        table::top_level().for_each(|command| document(cx.reply, command));
        return Ok(());
    }
    let known = || names.iter().filter_map(table::by_full_name);
    cx.reply.map(known().count());
    known().for_each(|command| document(cx.reply, command));
    Ok(())
}

fn text(reply: &mut Reply, name: &str, value: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}

/// Writes the pairs whose value is there.
fn texts(reply: &mut Reply, pairs: &[(&str, &str)]) {
    let present = pairs.iter().filter(|(_, value)| !value.is_empty());
    present.for_each(|(name, value)| text(reply, name, value));
}

/// A command's name and its documentation.
fn document(reply: &mut Reply, command: &'static Command) {
    let row = command.row;
    let before = [
        ("summary", row.summary),
        ("since", row.since),
        ("group", row.group.name()),
        ("complexity", row.complexity),
    ];
    let deprecation =
        [("deprecated_since", row.deprecated_since), ("replaced_by", row.replaced_by)];
    let subcommands = command.subcommands();
    let fields = before.iter().chain(&deprecation).filter(|(_, value)| !value.is_empty()).count()
        + [row.doc_flags.len(), row.history.len(), row.arguments.len(), subcommands.len()]
            .iter()
            .filter(|&&len| len > 0)
            .count();
    reply.bulk(command.full_name.as_bytes());
    reply.map(fields);
    texts(reply, &before);
    if !row.doc_flags.is_empty() {
        reply.bulk(b"doc_flags");
        super::catalogue::words(reply, row.doc_flags.iter().copied());
    }
    texts(reply, &deprecation);
    if !row.history.is_empty() {
        reply.bulk(b"history");
        reply.set(row.history.len());
        for (version, change) in row.history {
            reply.array(2);
            reply.bulk(version.as_bytes());
            reply.bulk(change.as_bytes());
        }
    }
    if !row.arguments.is_empty() {
        reply.bulk(b"arguments");
        arguments(reply, row.arguments);
    }
    if subcommands.len() > 0 {
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        subcommands.for_each(|subcommand| document(reply, subcommand));
    }
}

fn arguments(reply: &mut Reply, arguments: &'static [Argument]) {
    reply.array(arguments.len());
    arguments.iter().for_each(|one| argument(reply, one));
}

fn argument(reply: &mut Reply, one: &'static Argument) {
    let shown = match one.kind {
        ArgumentKind::OneOf | ArgumentKind::Block => "",
        _ if one.display.is_empty() => one.name,
        _ => one.display,
    };
    let before = [("name", one.name), ("type", one.kind.name()), ("display_text", shown)];
    let behind =
        [("token", one.token), ("since", one.since), ("deprecated_since", one.deprecated_since)];
    let flags = [
        (one.optional, "optional"),
        (one.multiple, "multiple"),
        (one.multiple_token, "multiple_token"),
    ];
    let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word);
    let has_flags = flags.clone().next().is_some();
    let fields = before.iter().chain(&behind).filter(|(_, value)| !value.is_empty()).count();
    let more = [one.key_spec_index.is_some(), has_flags, !one.arguments.is_empty()];
    reply.map(fields + more.iter().filter(|&&there| there).count());
    texts(reply, &before);
    if let Some(index) = one.key_spec_index {
        reply.bulk(b"key_spec_index");
        reply.integer(i64::from(index));
    }
    texts(reply, &behind);
    if has_flags {
        reply.bulk(b"flags");
        super::catalogue::words(reply, flags);
    }
    if !one.arguments.is_empty() {
        reply.bulk(b"arguments");
        arguments(reply, one.arguments);
    }
}

impl Group {
    /// The group's name as COMMAND DOCS shows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Hash => "hash",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::List => "list",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::Pubsub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Cluster => "cluster",
        }
    }
}

impl ArgumentKind {
    /// The type's name as COMMAND DOCS shows it.
    fn name(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table;
    use crate::testing::Bench;

    #[test]
    fn a_command_is_documented_with_its_grammar() {
        Bench::resp3().expect(&[
            (
                "COMMAND DOCS lolwut nosuch",
                "%1 $6 lolwut %4 $7 summary $38 Draws a beehive and tells the version. $5 since \
                 $5 5.0.0 $5 group $6 server $9 arguments *1 %5 $4 name $7 version $4 type \
                 $7 integer $12 display_text $7 version $5 token $7 VERSION $5 flags ~1 +optional",
            ),
            (
                "COMMAND DOCS memory|usage",
                "%1 $12 memory|usage %5 $7 summary $33 Tells how many bytes a key takes. $5 since \
                 $5 4.0.0 $5 group $6 server $10 complexity $16 O(1) for strings $9 arguments *2 \
                 %4 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0 \
                 %5 $4 name $5 count $4 type $7 integer $12 display_text $5 count $5 token \
                 $7 SAMPLES $5 flags ~1 +optional",
            ),
        ]);
    }

    #[test]
    fn deprecation_history_and_alternatives_are_shown() {
        let mut bench = Bench::resp3();
        let slaveof = bench.ask("COMMAND DOCS SLAVEOF");
        let deprecation = "$9 doc_flags ~1 +deprecated $16 deprecated_since $5 5.0.0 \
                           $11 replaced_by $11 `REPLICAOF` $9 arguments *1 %3 $4 name $4 args \
                           $4 type $5 oneof $9 arguments *2 %3 $4 name $9 host-port $4 type \
                           $5 block $9 arguments *2 ";
        assert!(slaveof.contains(deprecation), "{slaveof}");
        let info = bench.ask("COMMAND DOCS info");
        assert!(info.contains("$7 history ~1 *2 $5 7.0.0 $23 Takes several sections. "), "{info}");
    }

    #[test]
    fn without_names_everything_is_documented() {
        let mut bench = Bench::resp3();
        let all = bench.ask("COMMAND DOCS");
        assert!(all.starts_with(&format!("%{} $", table::all().count())), "{}", &all[..20]);
        assert!(all.contains("$11 subcommands %2 $11 module|list %"), "MODULE's are missing");
        assert_eq!(bench.ask("COMMAND DOCS nosuch"), "%0");
    }
}
