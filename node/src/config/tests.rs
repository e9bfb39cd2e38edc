//! Promises of the configuration as a whole: precedence, problems, CONFIG GET, SET and REWRITE.

use std::collections::HashSet;
use std::path::PathBuf;

use skep_store::Policy;

use super::command_line::Given;
use super::machine::{Machine, MemorySource};
use super::options::rows;
use super::value::Kind;
use skep_command::acl::{Change, DEFAULT, Users};

use super::*;

fn machine() -> Machine {
    Machine {
        memory_bytes: 1000 << 20,
        memory_source: MemorySource::Ram,
        address_space_bytes: None,
        cores: 3,
    }
}

/// A directory with files, removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(files: &[(&str, &str)]) -> Directory {
        let unique =
            format!("skep-config-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        Directory(path)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn load(&self, file: &str, flags: &str, environment: &[(&str, &str)]) -> Loaded {
        let arguments = words::split(flags).unwrap();
        let flags = match request(&arguments) {
            Ok(Request::Run(given)) => given.flags,
            other => panic!("{other:?}"),
        };
        let file = (!file.is_empty()).then(|| self.0.join(file));
        let environment = environment.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let given = Given { file, flags };
        let prefix = format!("{}/", self.0.display());
        load(&Sources { given, environment, machine: machine() }).map_err(|problems| {
            problems.iter().map(|one| one.to_string().replace(&prefix, "")).collect()
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Loaded = Result<Configuration, Vec<String>>;

fn get(configuration: &Configuration, name: &str) -> String {
    let found = configuration.get(&[name.as_bytes()]);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].1.clone()
}

fn set(configuration: &Configuration, pairs: &[(&str, &str)]) -> Result<Configuration, String> {
    let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_bytes(), b.as_bytes())).collect();
    configuration.with(&pairs).map_err(|refused| refused.to_string())
}

#[test]
fn every_option_accepts_its_own_default_and_writes_it_so_that_it_reads_back() {
    for row in rows() {
        let nothing = Value::Text(String::new());
        let value = row.accept(&[row.default], &nothing).expect(row.name);
        assert_eq!(row.accept(&value.written(), &nothing).as_ref(), Ok(&value), "{}", row.name);
        let shown = value.shown(&machine());
        if !matches!(row.kind, Kind::Memory(_) | Kind::Automatic(..)) {
            assert_eq!(row.accept(&[shown], &nothing), Ok(value), "{}", row.name);
        }
        assert!(row.doc.ends_with('.') || !matches!(row.role, Role::Effective(_)), "{}", row.name);
    }
}

#[test]
fn no_name_means_two_options() {
    let mut seen = HashSet::new();
    for name in rows().flat_map(Row::names) {
        assert!(seen.insert(name), "{name} is there twice");
        assert_eq!(name, name.to_ascii_lowercase());
    }
}

#[test]
fn every_policy_of_the_store_can_be_chosen() {
    let configuration = Configuration::new(machine());
    for (policy, name) in Policy::NAMES {
        let configuration = set(&configuration, &[("maxmemory-policy", name)]).unwrap();
        assert_eq!(configuration.settings().policy, policy);
    }
}

#[test]
fn the_defaults_are_those_of_a_cache() {
    let settings = Configuration::new(machine()).settings();
    assert_eq!(settings.policy, Policy::AllKeysAdaptive);
    assert_eq!(settings.memory_limit_bytes, 750 << 20);
    assert_eq!(settings.memory_limit_source, "75% of RAM");
    assert_eq!((settings.port, settings.databases, settings.workers), (6379, 16, 3));
    assert!(settings.protected_mode);
    assert!(settings.normal_output.hard_bytes > 0, "clients that never read are bounded");
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let files = [("a.conf", "port 1001\ntimeout 2\nhz 20\n")];
    let directory = Directory::new(&files);
    let environment = [("SKEP_TIMEOUT", "3"), ("SKEP_HZ", "30"), ("PORT", "9")];
    let loaded = directory.load("a.conf", "--hz 40", &environment).unwrap();
    let seen = ["port", "timeout", "hz", "databases"].map(|name| get(&loaded, name));
    assert_eq!(seen, ["1001", "3", "40", "16"]);
}

#[test]
fn an_included_file_counts_in_its_place_and_may_be_overridden() {
    let directory = Directory::new(&[
        ("a.conf", "port 1\ninclude b.conf\nhz 3\n"),
        ("b.conf", "port 2\nhz 2\ntimeout 2\n"),
        ("c.conf", "include [ab].conf\n"),
        ("loop.conf", "include loop.conf\n"),
    ]);
    let loaded = directory.load("a.conf", "", &[]).unwrap();
    assert_eq!(["port", "timeout", "hz"].map(|name| get(&loaded, name)), ["2", "2", "3"]);
    let loaded = directory.load("c.conf", "", &[]).unwrap();
    assert_eq!(get(&loaded, "hz"), "2", "both files in order of their names");
    let problems = directory.load("loop.conf", "", &[]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("too many files"), "{problems:?}");
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text = "port 70000\nmaxmemroy 1gb\nhz 1\nhz 2\ndaemonize yes\nmaxmemory lots\nsave 900\n\
                requirepass a b\n";
    let directory = Directory::new(&[("a.conf", text)]);
    let problems = directory.load("a.conf", "--timeout x", &[("SKEP_PORT", "y")]).unwrap_err();
    let told = [
        "a.conf:4: 'hz' is already set in line 3; keep one",
        "a.conf:1: 'port 70000': argument must be between 1 and 65535 inclusive",
        "a.conf:2: there is no option 'maxmemroy'; did you mean 'maxmemory'?",
        "a.conf:5: 'daemonize yes': Skep stays in the foreground; let systemd or another \
         supervisor run it",
        "a.conf:6: 'maxmemory lots': argument must be a memory value (for example 100mb, 4gb, \
         50% or auto)",
        "a.conf:7: 'save 900': Invalid save parameters (for example '' or '900 1')",
        "a.conf:8: 'requirepass ...': wrong number of arguments",
        "environment variable SKEP_PORT: 'port y': argument couldn't be parsed into an integer",
        "--timeout: 'timeout x': argument couldn't be parsed into an integer",
    ];
    assert_eq!(problems, told);
}

#[test]
fn toml_says_the_same_as_redis_conf() {
    let directory = Directory::new(&[
        (
            "a.conf",
            "bind * ::*\nmaxmemory 50%\nprotected-mode no\ntimeout 5\nsave \"\"\n\
                    client-output-buffer-limit pubsub 1mb 1kb 7\n",
        ),
        (
            "a",
            "# no extension\nbind = [\"*\", \"::*\"]\nmaxmemory = \"50%\"\n\
               protected-mode = false\ntimeout = 5\nsave = \"\"\n\
               client-output-buffer-limit = \"pubsub 1mb 1kb 7\"\n",
        ),
    ]);
    let conf = directory.load("a.conf", "", &[]).unwrap();
    let toml = directory.load("a", "", &[]).unwrap();
    assert_eq!(conf.get(&[b"*"]), toml.get(&[b"*"]));
    assert_eq!(get(&toml, "maxmemory"), (500 << 20).to_string());
    let limits = get(&toml, "client-output-buffer-limit");
    assert!(limits.ends_with("pubsub 1048576 1024 7"), "{limits}");
}

#[test]
fn options_without_effect_are_kept_and_warned_of_in_one_line() {
    let directory = Directory::new(&[]);
    let quiet = directory.load("", "--save '' --appendonly no", &[]).unwrap();
    assert_eq!(quiet.warnings(), [""; 0]);
    let loaded = directory.load("", "--save '900 1' --appendonly yes", &[]).unwrap();
    let line = "accepted without effect (nothing is kept on disk): save, appendonly";
    assert_eq!(loaded.warnings(), [line]);
    assert_eq!(get(&loaded, "save"), "900 1");
}

#[test]
fn variables_that_are_no_options_do_not_stop_the_node() {
    let directory = Directory::new(&[]);
    let kubernetes = [("SKEP_PORT", "tcp://10.0.0.1:6379"), ("SKEP_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(get(&directory.load("", "", &kubernetes).unwrap(), "port"), "6379");
    let loaded = directory.load("", "", &[("SKEP_MAXMEMROY", "1gb")]).unwrap();
    let note = "environment variable SKEP_MAXMEMROY is no option and is passed over; did you mean \
                SKEP_MAXMEMORY?";
    assert_eq!(loaded.warnings(), [note]);
}

#[test]
fn config_get_takes_patterns_and_names_in_any_case_and_answers_each_name_once() {
    let configuration = Configuration::new(machine());
    let names = |patterns: &[&[u8]]| -> Vec<String> {
        configuration.get(patterns).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&[b"SAVE", b"sav?", b"no-such-thing"]), ["SAVE"]);
    assert_eq!(names(&[b"lfu-*"]), ["lfu-log-factor", "lfu-decay-time"]);
    assert_eq!(names(&[b"*-read-only"]), ["replica-read-only", "slave-read-only"]);
    assert_eq!(get(&configuration, "maxmemory"), (750 << 20).to_string());
    assert_eq!(get(&configuration, "workers"), "3");
}

#[test]
fn config_set_refuses_in_the_words_of_redis() {
    let failed = |name: &str, reason: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    let configuration = Configuration::new(machine());
    let unknown = "ERR Unknown option or number of arguments for CONFIG SET - 'foo'".to_owned();
    let cases: [(&[(&str, &str)], String); 13] = [
        (&[("foo", "1")], unknown.clone()),
        (&[("maxmemory", "x"), ("foo", "3")], unknown),
        (&[("maxmemory", "x")], failed("maxmemory", "argument must be a memory value")),
        (&[("hz", "1"), ("HZ", "2")], failed("HZ", "duplicate parameter")),
        (&[("databases", "3")], failed("databases", "can't set immutable config")),
        (&[("dir", "/")], failed("dir", "can't set protected config")),
        (
            &[("maxclients", "0")],
            failed("maxclients", "argument must be between 1 and 4294967295 inclusive"),
        ),
        (&[("timeout", "1x")], failed("timeout", "argument couldn't be parsed into an integer")),
        (&[("protected-mode", "on")], failed("protected-mode", "argument must be 'yes' or 'no'")),
        (
            &[("proto-max-bulk-len", "1")],
            failed(
                "proto-max-bulk-len",
                "argument must be between 1048576 and 9223372036854775807 inclusive",
            ),
        ),
        (
            &[("client-output-buffer-limit", "normal 0 0")],
            failed(
                "client-output-buffer-limit",
                "Wrong number of arguments in buffer limit configuration.",
            ),
        ),
        (
            &[("client-output-buffer-limit", "x 0 0 0")],
            failed(
                "client-output-buffer-limit",
                "Invalid client class specified in buffer limit configuration.",
            ),
        ),
        (
            &[("client-output-buffer-limit", "normal x 0 0")],
            failed(
                "client-output-buffer-limit",
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ),
        ),
    ];
    for (pairs, text) in cases {
        assert_eq!(set(&configuration, pairs).err(), Some(text));
    }
}

#[test]
fn config_set_changes_all_or_nothing() {
    let configuration = Configuration::new(machine());
    let before = configuration.get(&[b"*"]);
    assert!(set(&configuration, &[("maxmemory", "1gb"), ("timeout", "never")]).is_err());
    assert_eq!(configuration.get(&[b"*"]), before);
    let pairs = [("maxmemory", "1gb"), ("timeout", "5"), ("requirepass", "a b"), ("hz", "999")];
    let settings = set(&configuration, &pairs).unwrap().settings();
    assert_eq!(settings.memory_limit_bytes, 1 << 30);
    assert_eq!(settings.idle_timeout, Some(std::time::Duration::from_secs(5)));
    assert_eq!(settings.password.as_deref(), Some("a b"));
    assert_eq!(settings.hz, 500);
}

#[test]
fn a_class_of_output_limits_changes_alone() {
    let configuration = Configuration::new(machine());
    let pair = ("client-output-buffer-limit", "pubsub 1mb 0 0");
    let changed = set(&configuration, &[pair]).unwrap().settings();
    assert_eq!(changed.pubsub_output.hard_bytes, 1 << 20);
    assert_eq!(changed.normal_output, configuration.settings().normal_output);
}

#[test]
fn a_rewrite_changes_only_the_lines_that_say_otherwise() {
    let text = "# our cache\nport 7000\n\nmaxmemory   100mb # not a comment in Redis either\n";
    let text = text.replace(" # not a comment in Redis either", "");
    let directory = Directory::new(&[
        ("a.conf", &(text + "include b.conf\ntimeout 5\n")),
        ("b.conf", "hz 20\n"),
    ]);
    let loaded = directory.load("a.conf", "--slowlog-max-len 7", &[]).unwrap();
    let pairs = [("maxmemory", "3gb"), ("requirepass", "a \"b"), ("timeout", "5"), ("hz", "10")];
    let changed = set(&loaded, &pairs).unwrap();
    changed.rewrite().unwrap();
    let expected = "# our cache\nport 7000\n\nmaxmemory 3gb\ninclude b.conf\ntimeout 5\n\
        # Added by CONFIG REWRITE\nhz 10\nrequirepass \"a \\\"b\"\nslowlog-max-len 7\n";
    assert_eq!(directory.text("a.conf"), expected);
    let again = directory.load("a.conf", "", &[]).unwrap();
    assert_eq!(again.get(&[b"*"]), changed.get(&[b"*"]));
    again.rewrite().unwrap();
    assert_eq!(directory.text("a.conf"), expected, "a second rewrite has nothing to do");
}

#[test]
fn a_rewrite_of_toml_stays_toml() {
    let text = "# ours\nmaxmemory = \"100mb\" # small\nbind = [\"127.0.0.1\"]";
    let directory = Directory::new(&[("a.toml", text)]);
    let loaded = directory.load("a.toml", "", &[]).unwrap();
    let changed = set(&loaded, &[("maxmemory", "50%"), ("protected-mode", "no")]).unwrap();
    changed.rewrite().unwrap();
    let expected = "# ours\nmaxmemory = \"50%\" # small\nbind = [\"127.0.0.1\"]\n\
                    # Added by CONFIG REWRITE\nprotected-mode = false\n";
    assert_eq!(directory.text("a.toml"), expected);
    let again = directory.load("a.toml", "", &[]).unwrap();
    assert_eq!(again.get(&[b"*"]), changed.get(&[b"*"]));
}

#[test]
fn without_a_file_there_is_nothing_to_rewrite() {
    let refused = Configuration::new(machine()).rewrite().unwrap_err().to_string();
    assert_eq!(refused, "ERR The server is running without a config file");
}

#[test]
fn a_reload_leaves_what_only_a_restart_can_change() {
    let running = Configuration::new(machine());
    let directory = Directory::new(&[("a.conf", "port 1\nhz 7\n")]);
    let fresh = directory.load("a.conf", "", &[]).unwrap();
    assert_eq!(restart_needed(&running, &fresh), ["port"]);
    let reloaded = running.reloaded(fresh);
    assert_eq!(["port", "hz"].map(|name| get(&reloaded, name)), ["6379", "7"]);
}

#[test]
fn a_converted_file_says_the_same_and_a_shown_one_hides_the_password() {
    let directory = Directory::new(&[("a.conf", "requirepass s3cret\nmaxmemory 2gb\nhz 10\n")]);
    let given = Given { file: Some(directory.0.join("a.conf")), flags: Vec::new() };
    let convert = Request::Convert(given.clone());
    let text = run_tool(&convert, Vec::new(), machine()).unwrap();
    assert_eq!(text, "maxmemory = \"2gb\"\nrequirepass = \"s3cret\"\n");
    let show = Request::Show { origin: true, given };
    let text = run_tool(&show, Vec::new(), machine()).unwrap();
    assert!(text.contains("requirepass = \"(hidden)\""), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(text.contains("a.conf:2\n"), "{text}");
}

#[test]
fn users_are_read_shown_and_rewritten() {
    for (name, text) in [
        ("a.conf", "# ours\nuser ada on >pw ~a* +get\nmaxmemory 100mb\n"),
        ("a.toml", "# ours\nuser = [\"ada on >pw ~a* +get\"]\nmaxmemory = \"100mb\"\n"),
    ] {
        let directory = Directory::new(&[(name, text)]);
        let loaded = directory.load(name, "", &[]).unwrap();
        assert_eq!(loaded.users().iter().len(), 2, "{name}");
        assert!(loaded.get(&[b"*"]).iter().all(|(name, _)| name != "user"));
        loaded.saying(loaded.users()).rewrite().unwrap();
        assert_eq!(directory.text(name), text, "nothing has changed");
        let change = Change::Set {
            name: b"bob".to_vec(),
            words: ["on", "nopass", "(~x +del)"].map(|word| word.as_bytes().to_vec()).into(),
        };
        let users = loaded.users().after(&change).unwrap().users;
        loaded.saying(&users).rewrite().unwrap();
        let written = directory.text(name);
        assert!(written.starts_with("# ours\n") && !written.contains(">pw"), "{written}");
        let again = directory.load(name, "", &[]).unwrap();
        assert_eq!(*again.users(), users, "{written}");
        again.saying(&Users::new(false)).rewrite().unwrap();
        assert!(!directory.text(name).contains("ada"), "{}", directory.text(name));
    }
}

#[test]
fn a_password_of_the_server_is_the_default_users_unless_a_line_says_otherwise() {
    let lets_in = |text: &str, password: &[u8]| {
        let directory = Directory::new(&[("a.conf", text)]);
        let loaded = directory.load("a.conf", "", &[]).unwrap();
        loaded.users().authenticate(DEFAULT, password).is_some()
    };
    assert!(lets_in("requirepass one\n", b"one") && !lets_in("requirepass one\n", b"two"));
    let both = "user default on >two ~* &* +@all\nrequirepass one\n";
    assert!(lets_in(both, b"two") && !lets_in(both, b"one"));
}
