//! What one client's work costs another.

use skep_tests::{Server, TestResult, command};

use crate::support::assert_serves;

#[test]
fn a_long_pipeline_of_one_client_lets_others_through() -> TestResult {
    let server = Server::skep(&["--workers", "1"])?;
    let mut neighbour = server.connect()?;
    let mut busy = server.connect()?;
    let pipeline = command(&["INCR", "count"]).repeat(50_000);
    let mut writer = busy.stream().try_clone()?;
    let sent = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &pipeline));
    assert_serves(&mut neighbour)?;
    for number in 1..=50_000 {
        assert_eq!(busy.reply()?, format!(":{number}\r\n").as_bytes());
    }
    sent.join().map_err(|_| "the writer panicked")??;
    Ok(())
}

#[test]
fn half_a_command_waits_for_its_rest_while_others_go_on() -> TestResult {
    let server = Server::skep(&["--workers", "1"])?;
    let mut halves = Vec::new();
    for number in 0..50 {
        let bytes = command(&["SET", &format!("key:{number}"), "value"]);
        let mut client = server.connect()?;
        client.send(&bytes[..number % bytes.len()])?;
        halves.push((client, bytes, number));
    }
    assert_serves(&mut server.connect()?)?;
    for (client, bytes, number) in &mut halves {
        client.send(&bytes[*number % bytes.len()..])?;
        assert_eq!(client.reply()?, b"+OK\r\n", "cut at {number}");
    }
    Ok(())
}
