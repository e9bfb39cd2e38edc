use crate::cli::testing::{error, report};

#[test]
fn the_articles_cut_is_reckoned_exactly() {
    let report = report("planner failover --masters 12 --replicas 1 --cut 4");
    let cuts = &report.result["cuts"];
    assert_eq!((&cuts["seen"], &cuts["is_exact"]), (&10_626.into(), &true.into()));
    assert_eq!(cuts["majority_kept"], 1.0, "eight primaries are left at least");
    assert_eq!(cuts["cut_side_majority"], 0.0, "the four did not promote themselves");
    assert_eq!(cuts["worst_uncovered_shards"], 2);
    let survived = cuts["survived"].as_f64().unwrap();
    assert!((survived - 7920.0 / 10_626.0).abs() < 1e-9, "{survived}");
}

#[test]
fn behind_switches_with_copies_apart_any_switch_may_fail() {
    let report = report("planner failover --masters 12 --switch 4 --require switch");
    assert_eq!((&report.result["survives_switch"], report.exit_code(false)), (&true.into(), 0));
}

#[test]
fn two_zones_do_not_do() {
    let two = report("planner failover --masters 3 --zones a=3,b=3 --require zone");
    assert_eq!((&two.result["survives_zone"], two.exit_code(false)), (&false.into(), 1));
    let three = report("planner failover --masters 3 --zones a=2,b=2,c=2 --require zone");
    assert_eq!(three.exit_code(false), 0, "{:?}", three.warnings);
    let skep =
        report("planner failover --masters 6 --zones a=4,b=4,c=4 --system skep --require zone");
    assert_eq!(skep.exit_code(false), 0, "{:?}", skep.warnings);
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    for (line, hint) in [
        ("planner failover --masters 0", "at least 1"),
        ("planner failover --masters 3 --zones a=1,b=1", "agree"),
        ("planner failover --masters 3 --zones a", "zone=machines"),
        ("planner failover --masters 3 --switch 0", "behind one switch"),
        ("planner failover --masters 3 --cut 6", "two sides"),
        ("planner failover --masters 3 --voters 5", "skep only"),
        ("planner failover --masters 3 --system sentinel --sentinels 7", "one a machine"),
        ("planner failover --masters 3 --require zone", "--zones"),
    ] {
        let error = error(line);
        assert!(error.contains(hint), "{line}: {error}");
    }
}
