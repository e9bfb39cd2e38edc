//! The harness keeps its own promises: what it says about servers must be true of real ones.

use std::path::Path;

use skep_tests::{Client, PATIENCE, Program, Server, TestResult, spawn, wait_until};

#[test]
fn every_oracle_is_the_version_it_is_called() -> TestResult {
    let versions = [
        (Program::Redis70, "redis_version:7.0.15"),
        (Program::Redis82, "redis_version:8.2."),
        (Program::Valkey91, "valkey_version:9.1."),
    ];
    assert_eq!(versions.len(), Program::ORACLES.len());
    for (program, version) in versions {
        let server = Server::start(program, &[])?;
        let info = server.connect()?.ask(&["INFO", "server"])?;
        let info = String::from_utf8_lossy(&info);
        assert!(info.contains(version), "{program:?} is not {version}:\n{info}");
    }
    Ok(())
}

#[test]
fn the_node_answers_when_its_start_returns() -> TestResult {
    for workers in ["1", "2"] {
        let server = Server::skep(&["--workers", workers])?;
        assert_eq!(server.connect()?.say("DBSIZE")?, r":0\r\n");
    }
    Ok(())
}

#[test]
fn a_dropped_server_is_gone_with_its_directory() -> TestResult {
    let server = Server::skep(&[])?;
    let (pid, address, directory) = (server.pid(), server.address(), server.directory().to_owned());
    assert!(directory.join("log").is_file());
    drop(server);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(!directory.exists());
    assert!(Client::connect(address).is_err());
    Ok(())
}

#[test]
fn a_server_outlives_the_thread_that_asked_for_it() -> TestResult {
    let begun = std::thread::spawn(|| Server::skep(&[]).map_err(|error| error.to_string()));
    let server = begun.join().map_err(|_| "the thread panicked")??;
    assert_eq!(server.connect()?.say("DBSIZE")?, r":0\r\n");
    Ok(())
}

/// A shell stands for the test process: it is killed and so cannot clean up.
#[test]
fn a_process_ends_when_the_one_that_started_it_is_killed() -> TestResult {
    let scratch = skep_tests::Scratch::new("orphan")?;
    let script = "setpriv --pdeathsig KILL sleep 1000 & echo $! > pid.new; mv pid.new pid; wait";
    let mut parent = spawn("sh".as_ref(), ["-c", script], |command| {
        command.current_dir(scratch.path());
    })?;
    let written = scratch.path().join("pid");
    wait_until(PATIENCE, "the child's number", || written.is_file());
    let pid = std::fs::read_to_string(&written)?;
    let status = format!("/proc/{}/stat", pid.trim());
    let child_runs = || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        status.contains("(sleep)") && !status.contains(") Z ")
    };
    wait_until(PATIENCE, "the child to run", child_runs);
    parent.kill()?;
    parent.wait()?;
    wait_until(PATIENCE, "the child's end", || !child_runs());
    Ok(())
}

#[test]
fn a_program_that_refuses_to_start_is_an_error_with_its_log() {
    let started = Server::start(Program::Redis70, &["--no-such-option", "1"]);
    let text = started.map(|_| "started").unwrap_err().to_string();
    assert!(text.contains("no-such-option"), "{text}");
}

#[test]
fn what_arrives_in_pieces_is_given_back_whole() -> TestResult {
    let server = Server::start(Program::Redis70, &[])?;
    let mut client = server.connect()?;
    for byte in skep_tests::command(&["ECHO", "a\r\nb"]) {
        client.send(&[byte])?;
    }
    client.send(b"PING\r\nQUIT\r\n")?;
    assert_eq!(client.reply()?, b"$4\r\na\r\nb\r\n");
    assert_eq!(client.reply()?, b"+PONG\r\n");
    assert_eq!(client.rest()?, b"+OK\r\n");
    assert!(client.reply().is_err());
    Ok(())
}
