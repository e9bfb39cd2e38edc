//! MONITOR: a client that is told of every command that runs, whoever sent it.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `MONITOR`: from now on a line for each command, after it has run. Those that administer are
/// left out, and what is a password is never shown.
pub(crate) fn monitor(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.client.monitors = true;
    cx.server.watch_commands(cx.client, true);
    cx.server.client_changed(cx.client);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn watchers_are_told_of_what_ran_and_of_nothing_else() {
        let mut bench = Bench::new();
        bench.expect(&[("MONITOR", "+OK")]);
        bench.exact_times = true;
        bench.ask("SET a 1");
        for quiet in ["GET", "nosuch a", "CONFIG GET port", "SLOWLOG GET", "MONITOR"] {
            bench.ask(quiet);
        }
        bench.expect(&[("MULTI", "+OK"), ("GET a", "+QUEUED"), ("EXEC", "*1 $1 1")]);
        bench.expect(&[("MULTI", "+OK"), ("SET b 2", "+QUEUED"), ("DISCARD", "+OK")]);
        let requests = bench.server.requests.lock().join("; ");
        let ran = "ran SET a 1; client 1 watches: true; client 1 changed; ran MULTI; ran GET a; \
                   ran EXEC; ran MULTI; ran DISCARD";
        assert!(requests.ends_with(ran), "{requests}");
    }
}
