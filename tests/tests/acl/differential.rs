//! Words of ACL SETUSER in random order mean what they mean to Redis and Valkey: the same errors,
//! the same canonical forms, the same permissions.

use skep_tests::differential::frame::{self, Frame};
use skep_tests::differential::random::Random;
use skep_tests::{Client, Program, Server, TestResult};

const STEPS: usize = 1_500;
const WORDS_MAX: usize = 6;

/// Words with an equal meaning on all servers; commands are named one by one, or by categories in
/// which those asked about below are everywhere.
const WORDS: &[&str] = &[
    "on",
    "off",
    "nopass",
    "resetpass",
    ">one",
    ">two",
    "<one",
    "<three",
    "reset",
    "#6f6115c972bf4b6e742ac51d4a2329d0d2c2e4d6269400191d88007c48be798b",
    "!6f6115c972bf4b6e742ac51d4a2329d0d2c2e4d6269400191d88007c48be798b",
    "#6F",
    "!12",
    "sanitize-payload",
    "SANITIZE-payload",
    "allkeys",
    "resetkeys",
    "~*",
    "~a*",
    "~b",
    "~?[12]",
    "%R~a*",
    "%W~a*",
    "%RW~c",
    "%r~C",
    "%~c",
    "%RR~c",
    "%R",
    "%",
    "~",
    "allchannels",
    "resetchannels",
    "&*",
    "&news.*",
    "&x",
    "&",
    "+@all",
    "-@all",
    "allcommands",
    "nocommands",
    "+get",
    "-get",
    "+SET",
    "-set",
    "+get|x",
    "+get|Y",
    "+del",
    "+config",
    "-config",
    "+config|get",
    "-config|get",
    "+config|nosuch",
    "+config|",
    "+config|get|x",
    "-get|x",
    "+nosuch",
    "+@nosuch",
    "+@string",
    "-@string",
    "+@write",
    "-@READ",
    "+publish",
    "+subscribe",
    "+psubscribe",
    "+mget",
    "+rename",
    "+bitfield",
    "+@hash",
    "+@list",
    "-lmove",
    "+bitop",
    "+pfmerge",
    "(+get",
    "~a*)",
    "(%W~b +set)",
    "(+@all ~c &x)",
    "()",
    "(",
    ")",
    "(+nosuch)",
    "clearselectors",
    "",
    "foo",
    "+",
    "-",
    "+@",
    "(~b -@all +mset)",
];

/// What users are asked to be able to do.
const REQUESTS: &[&str] = &[
    "get a1",
    "get b",
    "get c",
    "get x",
    "get",
    "set a1 1",
    "set b 1 get",
    "del a1 c",
    "mget a1 b",
    "mset b 1 c 2",
    "rename a1 b",
    "config get x",
    "config set x y",
    "config",
    "ping",
    "publish x 1",
    "publish news.1 1",
    "subscribe x news.2",
    "psubscribe news.*",
    "psubscribe news.1*",
    "unsubscribe x",
    "spublish x 1",
    "nosuch",
    "auth x",
    "exists a1",
    "append c 1",
    "bitfield a1 get u8 0",
    "bitfield b set u8 0 1",
    "hset a1 f v",
    "hgetall b",
    "rpush b x",
    "lmove a1 b left right",
    "pfmerge b a1 c",
    "bitop or a1 b c",
    "strlen c",
    "getdel a1",
    "getex a1",
];

struct Peer {
    program: Program,
    /// Kept so that it runs.
    _server: Server,
    client: Client,
}

impl Peer {
    fn start(program: Program) -> TestResult<Peer> {
        let server = Server::start(program, &[])?;
        let mut client = server.connect()?;
        client.ask(&["HELLO", "3"])?;
        Ok(Peer { program, _server: server, client })
    }

    fn ask(&mut self, words: &[&str]) -> TestResult<Frame> {
        let bytes = self.client.ask(words)?;
        let (frame, _) = frame::read(&bytes)?.ok_or("half a reply")?;
        Ok(if self.program == Program::Valkey91 { frame } else { as_valkey(frame) })
    }
}

/// Takes out what only Redis says, and puts in what only Valkey does.
fn as_valkey(frame: Frame) -> Frame {
    match frame {
        Frame::Bulk(kind, Some(bytes)) => {
            let text = String::from_utf8_lossy(&bytes).replace(" sanitize-payload", "");
            Frame::Bulk(kind, Some(text.into_bytes()))
        }
        Frame::List(kind, Some(items)) => {
            let is = |item: &Frame, word: &str| item.bytes() == Some(word.as_bytes());
            let bulk = |word: &str| Frame::Bulk(b'$', Some(word.into()));
            let mut kept = Vec::new();
            let mut items = items.into_iter().filter(|item| !is(item, "sanitize-payload"));
            while let Some(item) = items.next() {
                let is_channels = kind == b'%' && is(&item, "channels");
                kept.push(as_valkey(item));
                if is_channels {
                    kept.extend(items.next());
                    kept.extend([bulk("databases"), bulk("alldbs")]);
                }
            }
            Frame::List(kind, Some(kept))
        }
        other => other,
    }
}

/// Compares what all servers say.
fn ask_all(peers: &mut [Peer], words: &[&str], before: &[String]) -> TestResult<Frame> {
    let answers: Vec<(Program, Frame)> = peers
        .iter_mut()
        .map(|peer| Ok((peer.program, peer.ask(words)?)))
        .collect::<TestResult<_>>()?;
    let (_, ours) = &answers[0];
    for (program, theirs) in &answers[1..] {
        if theirs != ours {
            let story = before[before.len().saturating_sub(8)..].join("\n");
            let text =
                format!("{story}\n{}\nskep: {ours}\n{}: {theirs}", words.join(" "), program.name());
            return Err(text.into());
        }
    }
    Ok(ours.clone())
}

#[test]
fn users_are_described_as_to_redis_and_may_do_the_same() -> TestResult {
    let programs = [Program::Skep, Program::Valkey91, Program::Redis82];
    let mut peers = programs.into_iter().map(Peer::start).collect::<TestResult<Vec<_>>>()?;
    let mut random = Random::new(7);
    let mut story = Vec::new();
    let mut accepted = 0;
    for _ in 0..STEPS {
        let user = *random.pick(&["ada", "bob", "default-x"]);
        let count = 1 + random.below(WORDS_MAX);
        let words: Vec<&str> = (0..count).map(|_| *random.pick(WORDS)).collect();
        let request = [&["ACL", "SETUSER", user][..], &words].concat();
        story.push(request.join(" "));
        let answer = ask_all(&mut peers, &request, &story)?;
        accepted += usize::from(!answer.is_error());
        ask_all(&mut peers, &["ACL", "LIST"], &story)?;
        ask_all(&mut peers, &["ACL", "GETUSER", user], &story)?;
        for _ in 0..4 {
            let asked = random.pick(REQUESTS).split(' ').collect::<Vec<_>>();
            ask_all(&mut peers, &[&["ACL", "DRYRUN", user], &*asked].concat(), &story)?;
        }
        if random.chance(10) {
            ask_all(&mut peers, &["ACL", "DELUSER", user, "nosuch"], &story)?;
        }
        if random.chance(20) {
            ask_all(&mut peers, &["ACL", "USERS"], &story)?;
        }
    }
    assert!(accepted * 5 > STEPS, "only {accepted} of {STEPS} changes were accepted");
    Ok(())
}

#[test]
fn refusals_are_answered_and_logged_as_by_redis() -> TestResult {
    let programs = [Program::Skep, Program::Valkey91, Program::Redis82];
    let mut peers = programs.into_iter().map(Peer::start).collect::<TestResult<Vec<_>>>()?;
    let script = [
        "ACL SETUSER ada on >one +@all -del -acl +acl|whoami ~a* %R~r &x",
        "AUTH ada two",
        "AUTH nosuch one",
        "AUTH one",
        "AUTH ada one two",
        "AUTH ada one",
        "ACL WHOAMI",
        "GET a",
        "GET b",
        "GET b",
        "SET r 1",
        "SET a 1",
        "DEL a",
        "CONFIG GET nosuch",
        "ACL LIST",
        "PUBLISH x 1",
        "PUBLISH y 1",
        "SPUBLISH y 1",
        "MULTI",
        "GET b",
        "EXEC",
        "MULTI",
        "GET a",
        "EXEC",
        "RESET",
        "HELLO 3 AUTH default whatever",
        "ACL LOG",
        "ACL LOG 2",
        "ACL LOG RESET",
        "ACL LOG",
        "ACL DELUSER ada",
        "AUTH ada one",
        "ACL GENPASS 0",
        "ACL GENPASS x",
        "ACL LOG x",
        "ACL DELUSER",
        "ACL DRYRUN ada",
        "ACL SETUSER",
        "ACL NOSUCH",
    ];
    let mut story = Vec::new();
    for line in script {
        let words: Vec<&str> = line.split(' ').collect();
        story.push(line.to_owned());
        if line.starts_with("ACL LOG") || line.starts_with("HELLO") {
            compare_logs(&mut peers, &words)?;
        } else {
            ask_all(&mut peers, &words, &story)?;
        }
    }
    Ok(())
}

/// Compares entries but for times, addresses and numbers.
fn compare_logs(peers: &mut [Peer], words: &[&str]) -> TestResult {
    let mut seen: Vec<Vec<String>> = Vec::new();
    for peer in peers {
        let answer = peer.ask(words)?;
        let field = |entry: &Frame, name: &str| {
            let pair =
                entry.items().chunks(2).find(|pair| pair[0].bytes() == Some(name.as_bytes()));
            pair.map_or_else(String::new, |pair| format!("{name}={} ", pair[1]))
        };
        let shown = |entry: &Frame| {
            ["count", "reason", "context", "object", "username"]
                .map(|name| field(entry, name))
                .concat()
        };
        seen.push(answer.items().iter().map(shown).collect());
    }
    for other in &seen[1..] {
        assert_eq!(&seen[0], other, "{}", words.join(" "));
    }
    Ok(())
}
