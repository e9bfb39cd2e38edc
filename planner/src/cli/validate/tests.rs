//! What the command answers without a server.

use clap::Parser;
use skep_tests::Scratch;

use crate::cli::Planner;
use crate::error::{EXIT_USAGE, Result};
use crate::report::{Format, RenderOptions, Report};

fn ask(words: &[&str]) -> Result<Report> {
    Planner::try_parse_from([&["planner", "validate"], words].concat()).unwrap().run()
}

#[test]
fn a_file_of_the_articles_user_fails_on_warnings_and_shows_no_password() {
    let scratch = Scratch::new("acl").unwrap();
    let text = "user appuser on >apppassword ~app:* on >appdb ~* +get +set -flushall\n";
    let path = scratch.write("users.acl", text).unwrap();
    let path = path.to_str().unwrap();
    let report = ask(&["--acl", path]).unwrap();
    assert_eq!(report.exit_code(false), 0);
    assert_eq!(ask(&["--acl", path, "--fail-on", "warn"]).unwrap().exit_code(true), 1);
    for format in [Format::Table, Format::Json, Format::Csv, Format::Md, Format::Html] {
        let text = report.render(format, &RenderOptions::default()).unwrap();
        assert!(text.contains("~* makes ~app:* useless"), "{text}");
        assert!(!text.contains("apppassword") && !text.contains("appdb"), "{text}");
    }
}

#[test]
fn a_configuration_without_a_password_on_every_address_is_critical() {
    let scratch = Scratch::new("conf").unwrap();
    let path = scratch.write("redis.conf", "bind 0.0.0.0\nprotected-mode no\n").unwrap();
    let report = ask(&["--acl", path.to_str().unwrap()]).unwrap();
    assert_eq!(report.exit_code(false), 1);
    assert_eq!(report.binding.as_deref(), Some("authentication"));
}

#[test]
fn nothing_to_validate_is_an_error_that_says_what_to_give() {
    let error = ask(&[]).unwrap_err();
    assert_eq!(error.exit_code(), EXIT_USAGE);
    assert!(error.to_string().contains("--from redis://"), "{error}");
}
