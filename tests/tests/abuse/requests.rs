//! Requests that are broken, huge, or come in crumbs.

use skep_tests::differential::random::Random;
use skep_tests::{Server, TestResult, command};

use crate::support::{SLACK_BYTES, assert_bounded, assert_serves, last_words, resident_bytes};

#[test]
fn a_command_that_arrives_byte_by_byte_is_one_command() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    let mut bytes = command(&["SET", "key", "a\r\nb"]);
    bytes.extend_from_slice(b"get 'key'\r\n");
    for byte in bytes {
        client.send(&[byte])?;
    }
    assert_eq!(client.reply()?, b"+OK\r\n");
    assert_eq!(client.reply()?, b"$4\r\na\r\nb\r\n");
    Ok(())
}

#[test]
fn empty_lines_between_commands_are_passed_over_however_they_arrive() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    for _ in 0..20 {
        for byte in b"\r\n*1\r\n$4\r\nPING\r\n\n\r\n*0\r\nPING\r\n" {
            client.send(&[*byte])?;
        }
        assert_eq!(client.reply()?, b"+PONG\r\n");
        assert_eq!(client.reply()?, b"+PONG\r\n");
    }
    Ok(())
}

#[test]
fn a_pipeline_of_ten_thousand_is_answered_in_order() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    let bytes: Vec<u8> = (0..10_000).flat_map(|_| command(&["INCR", "count"])).collect();
    client.send(&bytes)?;
    for number in 1..=10_000 {
        assert_eq!(client.reply()?, format!(":{number}\r\n").as_bytes());
    }
    Ok(())
}

#[test]
fn lengths_that_are_only_announced_cost_no_memory() -> TestResult {
    let server = Server::skep(&[])?;
    let mut neighbour = server.connect()?;
    assert_serves(&mut neighbour)?;
    let before = resident_bytes(&server)?;
    let mut announcing = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect()?;
        client.send(b"*2\r\n$3\r\nGET\r\n$536870912\r\nabc")?;
        announcing.push(client);
        let mut client = server.connect()?;
        client.send(b"*1048576\r\n$3\r\nDEL\r\n$1\r\nk\r\n")?;
        announcing.push(client);
    }
    // They were read before this is answered, by the worker that is asked at least.
    for _ in 0..10 {
        assert_serves(&mut server.connect()?)?;
    }
    assert_bounded(&server, before, SLACK_BYTES)?;
    assert_serves(&mut neighbour)
}

#[test]
fn counts_and_lengths_out_of_range_are_told_apart_and_end_the_connection() -> TestResult {
    let server = Server::skep(&[])?;
    let multibulk = "-ERR Protocol error: invalid multibulk length\\r\\n";
    let bulk = "-ERR Protocol error: invalid bulk length\\r\\n";
    let told = [
        ("*2147483648\r\n", multibulk),
        ("*9223372036854775808\r\n", multibulk),
        ("*-9223372036854775809\r\n", multibulk),
        ("*1x\r\n", multibulk),
        ("*+1\r\n", multibulk),
        ("*1048577\r\n", multibulk),
        ("*1\r\n$-1\r\n", bulk),
        ("*1\r\n$-2147483649\r\n", bulk),
        ("*1\r\n$536870913\r\n", bulk),
        ("*1\r\n$99999999999999999999\r\n", bulk),
        ("*1\r\n$1a\r\n", bulk),
        ("*1\r\n:1\r\n", "-ERR Protocol error: expected \\'$\\', got \\':\\'\\r\\n"),
        ("GET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\\r\\n"),
        ("GET 'a'b\r\n", "-ERR Protocol error: unbalanced quotes in request\\r\\n"),
    ];
    for (bytes, text) in told {
        assert_eq!(last_words(&server, bytes.as_bytes())?, text, "{bytes:?}");
    }
    Ok(())
}

#[test]
fn commands_before_a_broken_one_are_answered_and_those_behind_it_are_not() -> TestResult {
    let server = Server::skep(&[])?;
    let bytes = b"PING\r\n*-1\r\n*0\r\n\r\nPING\r\n*1\r\n$x\r\nPING\r\n";
    let heard = last_words(&server, bytes)?;
    assert_eq!(heard, r"+PONG\r\n+PONG\r\n-ERR Protocol error: invalid bulk length\r\n");
    Ok(())
}

#[test]
fn lines_without_an_end_are_cut_off() -> TestResult {
    let server = Server::skep(&[])?;
    let told = [
        ("", "-ERR Protocol error: too big inline request\\r\\n"),
        ("*", "-ERR Protocol error: too big mbulk count string\\r\\n"),
        ("*1\r\n$", "-ERR Protocol error: too big bulk count string\\r\\n"),
    ];
    for (begin, text) in told {
        let bytes = [begin.as_bytes(), &[b'1'; 80_000]].concat();
        assert_eq!(last_words(&server, &bytes)?, text, "{begin:?}");
    }
    Ok(())
}

#[test]
fn keys_and_values_may_be_any_bytes_and_long() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    let every_byte: Vec<u8> = (0..=255).collect();
    let long_key = every_byte.repeat(4096);
    let long_value = every_byte.repeat(8192);
    assert_eq!(long_key.len(), 1 << 20);
    for (key, value) in [(&long_key, &long_value), (&every_byte, &Vec::new()), (&vec![0], &vec![0])]
    {
        assert_eq!(client.ask(&[&b"SET"[..], key, value])?, b"+OK\r\n");
        let expected = [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat();
        assert!(client.ask(&[&b"GET"[..], key])? == expected, "a key of {} bytes", key.len());
    }
    assert_eq!(client.ask(&[&b"DEL"[..], &long_key, &every_byte, &[0]])?, b":3\r\n");
    Ok(())
}

#[test]
fn inline_commands_are_unquoted_as_redis_cli_quotes() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    client.send(b"set 'a key' \"\\x00\\xff\\n\\\"\"\r\n  \t\r\nGET \"a key\"\nECHO ''\n")?;
    assert_eq!(client.reply()?, b"+OK\r\n");
    assert_eq!(client.reply()?, b"$4\r\n\0\xff\n\"\r\n");
    assert_eq!(client.reply()?, b"$0\r\n\r\n");
    Ok(())
}

#[test]
fn quit_is_answered_and_nothing_behind_it_is() -> TestResult {
    let server = Server::skep(&[])?;
    assert_eq!(last_words(&server, b"PING\r\nQUIT\r\nPING\r\n*1\r\n$4")?, r"+PONG\r\n+OK\r\n");
    Ok(())
}

#[test]
fn garbage_harms_nobody_but_its_sender() -> TestResult {
    let server = Server::skep(&[])?;
    let mut neighbour = server.connect()?;
    assert_serves(&mut neighbour)?;
    let before = resident_bytes(&server)?;
    let seed = std::env::var("SKEP_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut random = Random::new(seed);
    for _ in 0..300 {
        let mut client = server.connect()?;
        let heads: [&[u8]; 5] = [b"", b"*3\r\n", b"*1\r\n$", b"\0", b"\x16\x03\x01\x02\x00"];
        let mut bytes = random.pick(&heads).to_vec();
        bytes.extend((0..random.below(5000)).map(|_| random.bits() as u8));
        // The node may have closed it already: that is an answer as well.
        let _ = client.send(&bytes);
    }
    assert_serves(&mut neighbour)?;
    assert_serves(&mut server.connect()?)?;
    assert_bounded(&server, before, SLACK_BYTES)
}
