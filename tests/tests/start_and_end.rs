//! How a node starts and ends: exit codes, ports, files, signals, limits of the system.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use skep_tests::{
    Client, PATIENCE, Program, Scratch, Server, TestResult, command, finish, spawn, wait_until,
};

const EXIT_FAILED: i32 = 1;
const EXIT_USAGE: i32 = 2;
const EXIT_CANNOT_LISTEN: i32 = 3;

/// Runs the program to its end.
fn run(arguments: &[&str]) -> TestResult<Output> {
    let path = Program::Skep.path()?;
    Ok(Command::new(path).args(arguments).stdin(Stdio::null()).output()?)
}

fn free_port() -> TestResult<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port().to_string())
}

/// A node started through a shell, with a file of its own for what it prints.
struct Node {
    child: Child,
    port: String,
    directory: Scratch,
}

impl Node {
    /// Runs `before; exec skep <arguments>` in a fresh directory that holds `files`, and waits for
    /// the banner. `PORT` in the arguments stands for a free port.
    fn start(before: &str, arguments: &str, files: &[(&str, &str)]) -> TestResult<Node> {
        let directory = Scratch::new("node")?;
        for (name, text) in files {
            directory.write(name, text)?;
        }
        let port = free_port()?;
        let arguments = arguments.replace("PORT", &port);
        let program = Program::Skep.path()?;
        let script = format!("{before}\nexec {} {arguments} >out 2>err", program.display());
        let child = spawn("sh".as_ref(), ["-c", &script], |command| {
            command.current_dir(directory.path()).stdin(Stdio::null());
        })?;
        let mut node = Node { child, port, directory };
        wait_until(PATIENCE, "the banner", || {
            node.printed("out").contains("try:") || !node.is_running()
        });
        if node.is_running() { Ok(node) } else { Err(node.printed("err").into()) }
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    fn connect(&self) -> TestResult<Client> {
        Client::connect(format!("127.0.0.1:{}", self.port).parse()?)
    }

    fn signal(&self, name: &str) -> TestResult {
        let line = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &line]).status()?;
        status.success().then_some(()).ok_or_else(|| format!("{line}: {status}").into())
    }

    /// The exit code.
    fn end(&mut self) -> TestResult<Option<i32>> {
        Ok(finish(&mut self.child, PATIENCE)?.code())
    }

    fn wait_for_log(&self, text: &str) {
        wait_until(PATIENCE, &format!("'{text}' in the log"), || {
            self.printed("err").contains(text)
        });
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        println!("out:\n{}err:\n{}", self.printed("out"), self.printed("err"));
    }
}

#[test]
fn what_is_wrong_with_the_command_line_is_told_in_one_line_with_exit_code_2() -> TestResult {
    let cases: [(&[&str], &str); 6] = [
        (&["--prot", "1"], "did you mean 'port'?"),
        (&["--maxmemory", "much"], "'maxmemory much': argument must be a memory value"),
        (&["--port"], "--port: needs a value"),
        (&["--port", "1", "--port", "2"], "--port: is given twice"),
        (&["/no/such/file.conf"], "cannot read /no/such/file.conf: there is no such file"),
        (&["config", "check"], "which file?"),
    ];
    for (arguments, told) in cases {
        let output = run(arguments)?;
        let errors = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(EXIT_USAGE), "{arguments:?}: {errors}");
        assert!(errors.starts_with("skep: ") && errors.contains(told), "{arguments:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
    }
    Ok(())
}

#[test]
fn help_and_version_are_printed_with_exit_code_0() -> TestResult {
    for (arguments, told) in [("--help", "--maxmemory-policy"), ("--version", "skep 0.")] {
        let output = run(&[arguments])?;
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout)?;
        assert!(text.contains(told), "{text}");
    }
    Ok(())
}

#[test]
fn config_check_names_every_problem_with_its_line() -> TestResult {
    let directory = Scratch::new("check")?;
    let good = directory.write("good.conf", "port 7000\nmaxmemory 1gb\nsave 900 1\n")?;
    let output = run(&["config", "check", &good.display().to_string()])?;
    assert!(output.status.success(), "{output:?}");
    let bad = directory.write("bad.toml", "port = 0\n\nmaxmemmory = \"1gb\"\n")?;
    let bad = bad.display().to_string();
    let output = run(&["config", "check", &bad])?;
    assert_eq!(output.status.code(), Some(EXIT_USAGE));
    let errors = String::from_utf8(output.stderr)?;
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].starts_with(&format!("skep: {bad}:1: ")), "{errors}");
    assert!(lines[1].starts_with(&format!("skep: {bad}:3: ")), "{errors}");
    Ok(())
}

#[test]
fn a_port_in_use_is_refused_with_exit_code_3() -> TestResult {
    let first = Server::skep(&[])?;
    let port = first.port().to_string();
    for bind in ["127.0.0.1", "*"] {
        let output = run(&["--port", &port, "--bind", bind])?;
        let errors = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(EXIT_CANNOT_LISTEN), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains(&port) && errors.contains("in use"), "{errors}");
    }
    assert_eq!(first.connect()?.say("DBSIZE")?, r":0\r\n");
    Ok(())
}

#[test]
fn of_nodes_started_at_the_same_moment_on_one_port_one_wins() -> TestResult {
    const NODES: usize = 6;
    let (program, port) = (Program::Skep.path()?, free_port()?);
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        let arguments = ["--port", &port, "--bind", "127.0.0.1", "--workers", "2"];
        nodes.push(spawn(program.as_os_str(), arguments, |command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        })?);
    }
    let mut running = NODES;
    wait_until(PATIENCE, "all nodes but one to end", || {
        let ended = nodes
            .iter_mut()
            .map(|node| usize::from(node.try_wait().is_ok_and(|end| end.is_some())));
        running = NODES - ended.sum::<usize>();
        running <= 1
    });
    assert_eq!(running, 1);
    for node in &mut nodes {
        match node.try_wait()? {
            Some(status) => assert_eq!(status.code(), Some(EXIT_CANNOT_LISTEN)),
            None => {
                let address = format!("127.0.0.1:{port}").parse()?;
                wait_until(PATIENCE, "the winner to listen", || Client::connect(address).is_ok());
                node.kill()?;
                node.wait()?;
            }
        }
    }
    Ok(())
}

#[test]
fn the_banner_is_short_and_says_what_to_type_next() -> TestResult {
    let node = Node::start("", "--port PORT --maxmemory 100mb --requirepass s3cret", &[])?;
    let banner = node.printed("out");
    assert!(banner.lines().count() <= 6, "{banner}");
    for told in ["Skep 0.", &node.port, "100 MiB", "allkeys-adaptive", "redis-cli -p "] {
        assert!(banner.contains(told), "{told} is not in:\n{banner}");
    }
    assert!(!banner.contains("s3cret") && !node.printed("err").contains("s3cret"));
    Ok(())
}

#[test]
fn a_terminated_node_answers_what_was_asked_and_exits_0() -> TestResult {
    const VALUE_BYTES: usize = 4 << 20;
    const READS: usize = 12;
    let mut node = Node::start("", "--port PORT --workers 2", &[])?;
    let mut client = node.connect()?;
    let value = "x".repeat(VALUE_BYTES);
    client.ask(&["SET", "key", &value])?;
    // More than the socket's buffers hold, so most replies are still to be sent.
    client.send(&command(&["GET", "key"]).repeat(READS))?;
    let idle = node.connect()?;
    let first = client.reply()?;
    node.signal("TERM")?;
    node.wait_for_log("SIGTERM");
    assert_eq!(first.len(), VALUE_BYTES + "$4194304\r\n\r\n".len());
    for _ in 1..READS {
        assert_eq!(client.reply()?.len(), first.len());
    }
    assert_eq!(client.rest()?, b"");
    assert_eq!(node.end()?, Some(0));
    drop(idle);
    Ok(())
}

#[test]
fn shutdown_ends_the_node_as_a_signal_does() -> TestResult {
    let mut node = Node::start("", "--port PORT", &[])?;
    let mut client = node.connect()?;
    client.send(&command(&["SHUTDOWN", "NOSAVE"]))?;
    assert_eq!(node.end()?, Some(0));
    Ok(())
}

/// A client with 48 MB of replies that it does not read.
fn client_that_never_reads(node: &Node) -> TestResult<TcpStream> {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", node.port))?;
    let value = "x".repeat(4 << 20);
    stream.write_all(&command(&["SET", "key", &value]))?;
    stream.read_exact(&mut [0; 5])?;
    stream.write_all(&command(&["GET", "key"]).repeat(12))?;
    stream.read_exact(&mut [0; 1])?;
    Ok(stream)
}

#[test]
fn a_client_that_never_reads_delays_the_end_by_the_shutdown_timeout_only() -> TestResult {
    let mut node = Node::start("", "--port PORT --shutdown-timeout 1", &[])?;
    let stream = client_that_never_reads(&node)?;
    node.signal("INT")?;
    assert_eq!(node.end()?, Some(0));
    assert!(node.printed("err").contains("leaving 1 clients"), "{}", node.printed("err"));
    drop(stream);
    Ok(())
}

#[test]
fn a_second_signal_ends_the_node_at_once() -> TestResult {
    let mut node = Node::start("", "--port PORT --shutdown-timeout 1000", &[])?;
    let stream = client_that_never_reads(&node)?;
    node.signal("TERM")?;
    node.wait_for_log("SIGTERM");
    node.signal("TERM")?;
    assert_eq!(node.end()?, Some(EXIT_FAILED));
    drop(stream);
    Ok(())
}

#[test]
fn a_file_is_read_rewritten_and_read_again() -> TestResult {
    let file = ("skep.conf", "# ours\nmaxmemory 100mb\ntimeout 0\n");
    let arguments = "skep.conf --port PORT --workers 1";
    let node = Node::start("", arguments, &[file])?;
    let mut client = node.connect()?;
    let limit = r"*2\r\n$9\r\nmaxmemory\r\n$9\r\n104857600\r\n";
    assert_eq!(client.say("CONFIG GET maxmemory")?, limit);
    assert_eq!(client.say("CONFIG SET maxmemory 50mb slowlog-max-len 9")?, r"+OK\r\n");
    assert_eq!(client.say("CONFIG REWRITE")?, r"+OK\r\n");
    let text = node.printed("skep.conf");
    assert!(text.starts_with("# ours\nmaxmemory 50mb\ntimeout 0\n"), "{text}");
    assert!(text.contains("\nslowlog-max-len 9\n"), "{text}");

    node.directory.write("skep.conf", "maxmemory 70mb\ndatabases 3\n")?;
    node.signal("HUP")?;
    node.wait_for_log("only a restart changes databases");
    let limit = r"*2\r\n$9\r\nmaxmemory\r\n$8\r\n73400320\r\n";
    assert_eq!(client.say("CONFIG GET maxmemory")?, limit);

    node.directory.write("skep.conf", "maxmemory lots\n")?;
    node.signal("HUP")?;
    node.wait_for_log("nothing is changed");
    assert_eq!(client.say("CONFIG GET maxmemory")?, limit);
    Ok(())
}

#[test]
fn a_password_and_a_limit_on_clients_count_at_once() -> TestResult {
    let node = Node::start("", "--port PORT", &[])?;
    let mut client = node.connect()?;
    assert_eq!(client.say("CONFIG SET requirepass s3cret maxclients 2")?, r"+OK\r\n");
    let mut second = node.connect()?;
    assert_eq!(second.say("GET x")?, r"-NOAUTH Authentication required.\r\n");
    let mut third = node.connect()?;
    assert_eq!(third.rest()?, b"-ERR max number of clients reached\r\n");
    assert_eq!(second.say("AUTH s3cret")?, r"+OK\r\n");
    Ok(())
}

#[test]
fn a_silent_client_is_disconnected_after_timeout() -> TestResult {
    let node = Node::start("", "--port PORT --timeout 1", &[])?;
    assert_eq!(node.connect()?.rest()?, b"");
    Ok(())
}

#[test]
fn the_environment_and_the_file_are_obeyed_and_flags_win() -> TestResult {
    let file = ("skep.toml", "timeout = 7\nhz = 20\n");
    let arguments = "skep.toml --port PORT --hz 30";
    let node = Node::start("export SKEP_TIMEOUT=8 SKEP_PORT=1", arguments, &[file])?;
    let mut client = node.connect()?;
    assert_eq!(client.say("CONFIG GET timeout")?, r"*2\r\n$7\r\ntimeout\r\n$1\r\n8\r\n");
    assert_eq!(client.say("CONFIG GET hz")?, r"*2\r\n$2\r\nhz\r\n$2\r\n30\r\n");
    Ok(())
}

#[test]
fn harmless_options_of_redis_are_accepted_with_one_warning() -> TestResult {
    let line =
        "--port PORT --save 900 1 --appendonly yes --io-threads 4 --lazyfree-lazy-expire yes";
    // Its automatic port might be taken, which is told.
    let line = format!("{line} --admin-port 0");
    let mut node = Node::start("", &line, &[])?;
    let errors = node.printed("err");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    for name in ["save", "appendonly", "io-threads", "lazyfree-lazy-expire"] {
        assert!(errors.contains(name), "{errors}");
    }
    node.signal("TERM")?;
    assert_eq!(node.end()?, Some(0));
    Ok(())
}

#[test]
fn a_small_address_space_is_lived_with() -> TestResult {
    let node = Node::start("ulimit -v 1500000", "--port PORT --workers 2", &[])?;
    let banner = node.printed("out");
    assert!(banner.contains("ulimit -v"), "{banner}");
    assert_eq!(node.connect()?.say("SET a b")?, r"+OK\r\n");
    Ok(())
}

#[test]
fn fewer_clients_than_asked_for_are_admitted_if_the_system_allows_no_more() -> TestResult {
    // Root may raise the hard limit, too; then there is nothing to lower.
    let node = Node::start("ulimit -n 200", "--port PORT --maxclients 5000", &[])?;
    let mut client = node.connect()?;
    let answer = client.say("CONFIG GET maxclients")?;
    let lowered = node.printed("err").contains("instead of 5000");
    assert_eq!(answer.contains("5000"), !lowered, "{answer}\n{}", node.printed("err"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", node.child.id()))?;
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or("");
    let soft: usize = files.split_whitespace().nth(3).unwrap_or("").parse()?;
    assert!(soft >= 5000 || lowered, "{files}");
    Ok(())
}

#[test]
fn a_log_file_gets_the_log_with_times() -> TestResult {
    let mut node = Node::start("", "--port PORT --logfile log.txt --save 1 1", &[])?;
    assert_eq!(node.printed("err"), "");
    node.signal("TERM")?;
    assert_eq!(node.end()?, Some(0));
    let log = node.printed("log.txt");
    assert!(log.contains("Z ") && log.contains("SIGTERM") && log.contains("save"), "{log}");
    let refused = run(&["--logfile", "/no/such/place/log"])?;
    assert_eq!(refused.status.code(), Some(EXIT_USAGE));
    assert!(!Path::new("/no/such/place").exists());
    Ok(())
}

#[test]
fn nobody_is_waited_for_when_nobody_is_connected() -> TestResult {
    let mut node = Node::start("", "--port PORT --shutdown-timeout 1000", &[])?;
    node.signal("TERM")?;
    assert!(finish(&mut node.child, Duration::from_secs(20))?.success());
    Ok(())
}
