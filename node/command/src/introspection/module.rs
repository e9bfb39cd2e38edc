//! MODULE: there are no modules in Redis's sense.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

const HELP: &[&str] = &[
    "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "LIST",
    "    List the loaded modules; there are none.",
];

/// `MODULE LIST`.
pub(crate) fn list(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.array(0);
    Ok(())
}

/// `MODULE HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn there_are_no_modules() {
        Bench::new().expect(&[
            ("MODULE LIST", "*0"),
            ("MODULE LOAD x", "-ERR unknown subcommand 'LOAD'. Try MODULE HELP."),
        ]);
    }
}
