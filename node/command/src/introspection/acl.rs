//! ACL: who may do what. There is one user, `default`.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;
use crate::row::Categories;
use crate::table;

const HELP: &[&str] = &[
    "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CAT [<category>]",
    "    List the categories of commands, or the commands of a category.",
    "WHOAMI",
    "    Tell which user this connection has authenticated as.",
];

/// `ACL WHOAMI`.
pub(crate) fn whoami(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.bulk(b"default");
    Ok(())
}

/// `ACL CAT [category]`.
pub(crate) fn cat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(super::unknown_or_wrong_count("ACL", &args[1]));
    }
    let Some(name) = args.get(2) else {
        cx.reply.array(Categories::WORDS.len());
        Categories::WORDS.iter().for_each(|(_, word)| cx.reply.bulk(&word.as_bytes()[1..]));
        return Ok(());
    };
    let category = Categories::from_name(name).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        CommandError::new(format!("ERR Unknown category '{name}'"))
    })?;
    let members =
        table::commands().iter().filter(|command| command.row.acl_categories().has(category));
    cx.reply.array(members.clone().count());
    members.for_each(|command| cx.reply.bulk(command.full_name.as_bytes()));
    Ok(())
}

/// `ACL HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn categories_are_listed_and_their_commands() {
        let mut bench = Bench::new();
        let all = bench.ask("ACL CAT");
        assert!(all.starts_with("*21 $8 keyspace $4 read $5 write $3 set "), "{all}");
        bench.expect(&[
            ("ACL CAT TRANSACTION", "*5 $5 multi $4 exec $7 discard $5 watch $7 unwatch"),
            ("ACL CAT nosuch", "-ERR Unknown category 'nosuch'"),
            (
                "ACL CAT transaction x",
                "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.",
            ),
            ("ACL WHOAMI", "$7 default"),
        ]);
    }
}
