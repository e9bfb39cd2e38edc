//! What the command answers to its flags, and to a person.

use clap::Parser;

use super::ask::ask;
use crate::cli::Planner;
use crate::error::{EXIT_USAGE, Result};
use crate::model::advise::{Answers, Fact, Leaf, advise};
use crate::report::{Format, RenderOptions, Report};

fn advice(line: &str) -> Result<Report> {
    let words = ["planner", "advise"].into_iter().chain(line.split_whitespace());
    Planner::try_parse_from(words).unwrap().run()
}

fn leaf(line: &str) -> String {
    advice(line).unwrap().result["architecture"].as_str().unwrap().to_owned()
}

#[test]
fn flags_lead_to_each_leaf() {
    assert_eq!(leaf("--data 5G --mem 16G"), "single-node");
    assert_eq!(leaf("--data 64G --mem 16G --ha yes --auto-failover yes"), "automatic-failover");
    assert_eq!(leaf("--data 64G --mem 16G --ha yes --auto-failover no"), "manual-promotion");
    assert_eq!(leaf("--data 64G --mem 16G --ha no --client-simplicity yes"), "proxy");
    assert_eq!(leaf("--data 64G --mem 16G --ha no --client-simplicity no"), "client-side-sharding");
}

#[test]
fn a_node_holds_less_data_than_it_has_memory() {
    assert_eq!(leaf("--data 9.3G --mem 16G"), "single-node");
    let error = advice("--data 9.4G --mem 16G").unwrap_err();
    assert!(error.to_string().contains("--ha yes|no"), "{error}");
}

#[test]
fn what_is_missing_or_contradicts_itself_is_a_usage_error_that_names_flags() {
    for (line, named) in [
        ("", "--data SIZE --mem SIZE"),
        ("--data 64G", "--data SIZE --mem SIZE"),
        ("--data 64G --mem 16G --ha yes", "--auto-failover yes|no"),
        ("--data 64G --mem 16G --ha no --auto-failover yes", "--ha yes"),
        ("--data 64G --mem 0", "--mem 0"),
        ("--data 1G --mem 16G --nodes 0", "--nodes 0"),
    ] {
        let error = advice(line).unwrap_err();
        assert_eq!(error.exit_code(), EXIT_USAGE, "{line}");
        assert!(error.to_string().contains(named), "{line}: {error}");
    }
}

#[test]
fn the_screen_has_the_path_every_row_and_what_is_only_planned() {
    let report = advice("--data 64G --mem 16G --ha yes --auto-failover yes --nodes 6").unwrap();
    let options = RenderOptions { explain: true, ..RenderOptions::default() };
    let text = report.render(Format::Table, &options).unwrap();
    for part in [
        "Sentinel or Redis Cluster",
        "Need Automatic Failover?",
        "planned: cluster mode",
        "Distributed Sessions",
        "source: the article, Decision Guide",
        "say --node-changes",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let mut screen = text.lines().take_while(|line| !line.starts_with("warning"));
    assert!(screen.all(|line| line.chars().count() <= 120), "{text}");
    assert_eq!(report.tables().next().unwrap().rows.len(), 8);
}

#[test]
fn availability_that_the_guide_does_not_ask_about_is_a_warning() {
    assert!(advice("--data 1G --mem 16G --ha no").unwrap().warnings.is_empty());
    let report = advice("--data 1G --mem 16G --ha yes").unwrap();
    assert_eq!(report.warnings[0].id, "guide-skips-availability");
}

#[test]
fn a_person_is_asked_what_the_path_needs_and_again_after_nonsense() {
    let mut answers = Answers::from_iter([(Fact::ExceedsNode, true)]);
    let mut asked = Vec::new();
    ask(&mut answers, &mut "perhaps\nNo\ny\n".as_bytes(), &mut asked).unwrap();
    assert_eq!(advise(&answers).unwrap().leaf, Leaf::Proxy);
    let asked = String::from_utf8(asked).unwrap();
    assert_eq!(asked.matches("Need HA?").count(), 2, "{asked}");
    assert!(!asked.contains("Failover"), "{asked}");
    let mut answers = Answers::default();
    ask(&mut answers, &mut "".as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!(answers, Answers::default());
}
