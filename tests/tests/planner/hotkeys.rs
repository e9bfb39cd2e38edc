//! `planner hotkeys --from` against servers that there are: none of them answers `HOTKEYS` yet, all of
//! them can be listened to.

use std::thread;

use skep_tests::{Finished, Program, Server, TestResult, skip};

use crate::support::{code, figure, plan};

/// Those that are installed; ours always is.
fn servers() -> TestResult<Vec<(Program, Server)>> {
    let mut servers = Vec::new();
    for program in [Program::Skep, Program::Redis70, Program::Redis82, Program::Valkey91] {
        if program != Program::Skep && program.path().is_err() {
            skip(&format!("planner hotkeys of {}: it is not installed", program.name()))?;
            continue;
        }
        servers.push((program, Server::start(program, &[])?));
    }
    Ok(servers)
}

/// Asks for one key three times as often as for another until the planner has heard enough.
fn heard(server: &Server) -> TestResult<Finished> {
    let mut client = server.connect()?;
    let line = format!(
        "hotkeys --nodes 2 --trials 100 --seconds 1 --format json --from redis://{}",
        server.address()
    );
    thread::scope(|scope| {
        let planner = scope.spawn(|| plan(&line).map_err(|error| error.to_string()));
        while !planner.is_finished() {
            for line in ["SET hot:{1} x", "GET hot:{1}", "GET hot:{1}", "GET cold:{2}"] {
                client.say(line)?;
            }
        }
        Ok(planner.join().map_err(|_| "the planner's thread is gone")??)
    })
}

#[test]
fn a_server_that_does_not_know_hotkeys_is_listened_to() -> TestResult {
    for (program, server) in servers()? {
        let done = heard(&server)?;
        assert_eq!(code(&done), 0, "{program:?}: {done:?}");
        for part in ["\"hot:{1}\"", "\"cold:{2}\"", "\"by\": \"monitor\"", "\"id\": \"monitor\""] {
            assert!(done.output.contains(part), "{program:?}, {part}: {}", done.output);
        }
        // Three of four on two nodes; the sample may begin and end in the middle.
        let index = figure(&done.output, "key_index")?;
        assert!((index - 1.5).abs() < 0.1, "{program:?}: {index}");
    }
    Ok(())
}

#[test]
fn a_refusal_says_which_servers_answer_and_what_to_do_instead() -> TestResult {
    for (program, server) in servers()? {
        let from = format!("hotkeys --nodes 2 --from redis://{} --by cpu", server.address());
        let done = plan(&from)?;
        assert_eq!(code(&done), 3, "{program:?}: {done:?}");
        for part in ["HOTKEYS: ERR unknown command", "Redis from 8.6 on", "--by monitor", "--trace"]
        {
            assert!(done.errors.contains(part), "{program:?}, {part}: {done:?}");
        }
    }
    Ok(())
}
