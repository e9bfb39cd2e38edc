//! LATENCY: events that took long, and how long commands take. The monitor is the server's.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

const HELP: &[&str] = &[
    "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Report what took long, and what to look at.",
    "GRAPH <event>",
    "    Draw the samples of an event.",
    "HISTOGRAM [<command> ...]",
    "    Show how many calls of each command took at most so many microseconds.",
    "HISTORY <event>",
    "    Show the samples of an event: Unix time and milliseconds.",
    "LATEST",
    "    Show of every event its name, the latest sample's time and milliseconds, and the",
    "    longest one's milliseconds.",
    "RESET [<event> ...]",
    "    Forget the samples of some events, or of all.",
];

/// Every subcommand but HELP.
pub(crate) fn ask(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    super::publish_figures(cx);
    cx.server.latency(args.from(1), cx.reply)
}

/// `LATENCY HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn subcommands_are_the_servers_business() {
        Bench::new().expect(&[
            ("LATENCY LATEST", "$6 LATEST"),
            ("LATENCY HISTORY", "-ERR wrong number of arguments for 'latency|history' command"),
            ("LATENCY nosuch", "-ERR unknown subcommand 'nosuch'. Try LATENCY HELP."),
        ]);
    }
}
