use crate::cli::testing::{error, report, screen};
use crate::report::{Format, RenderOptions, Report};

fn row(report: &Report, table: &str, loss: &str) -> Vec<(&'static str, serde_json::Value)> {
    let table = report.tables().find(|found| found.name == table).unwrap();
    let row = table.rows.iter().find(|row| row[0].value() == loss);
    let row = row.unwrap_or_else(|| panic!("no {loss} in {:?}", table.rows));
    table.columns.iter().copied().zip(row.iter().map(|cell| cell.value())).collect()
}

fn cell(report: &Report, table: &str, loss: &str, column: &str) -> serde_json::Value {
    let row = row(report, table, loss);
    row.into_iter().find(|(name, _)| *name == column).unwrap().1
}

#[test]
fn the_articles_cut_is_reckoned_exactly() {
    let report = report("planner failover --masters 12 --replicas 1 --cut 4");
    let cuts = &report.result["cuts"];
    assert_eq!((&cuts["seen"], &cuts["is_sampled"]), (&10_626.into(), &false.into()));
    assert_eq!(cuts["majority_kept"], 1.0, "eight primaries are left at least");
    assert_eq!(cuts["cut_side_majority"], 0.0, "the four did not promote themselves");
    assert_eq!(cuts["worst_uncovered_shards_at_most"], 2);
    let survived = cuts["survived"].as_f64().unwrap();
    assert!((survived - 7920.0 / 10_626.0).abs() < 1e-9, "{survived}");
    let loss = "cut of 4, other 20 go on";
    assert_eq!(cell(&report, "losses", loss, "uncovered slots"), 2 * 1366);
    assert_eq!(cell(&report, "losses", loss, "majority"), true);
    assert_eq!(cell(&report, "losses", loss, "survived"), false);
    assert_eq!(cell(&report, "losses", "any one node", "busiest load"), 1.0);
    assert_eq!(cell(&report, "losses", "any one node", "busiest slots"), 1366);
}

#[test]
fn ways_beyond_what_a_float_holds_are_a_power_of_ten_and_nothing_is_infinite() {
    let line = "planner failover --masters 1000 --cut 500";
    let answer = report(line);
    let options = RenderOptions { explain: true, plot: true, ..RenderOptions::default() };
    for format in [Format::Table, Format::Json, Format::Csv, Format::Md, Format::Html, Format::Svg]
    {
        let text = answer.render(format, &options).unwrap();
        let words = text.split(|letter: char| !letter.is_alphanumeric());
        let bad = words.filter(|word| ["inf", "NaN", "nan"].contains(word)).count();
        assert_eq!(bad, 0, "{format:?}: {text}");
    }
    let text = screen(line);
    assert!(text.lines().count() < 25, "89 rows are a sentence: {text}");
    assert!(text.contains("ways with seed 16384") && text.contains(" of 10^487 ways"), "{text}");
    let cuts = &answer.result["cuts"];
    assert_eq!((&cuts["ways"], &cuts["is_sampled"]), (&serde_json::Value::Null, &true.into()));
    assert!((cuts["ways_log10"].as_f64().unwrap() - 487.0).abs() < 0.5, "{cuts}");
}

#[test]
fn a_required_cut_is_judged_by_the_worst_and_not_by_a_sample() {
    let line = "planner failover --masters 50 --cut 10 --require cut";
    let lost = report(line);
    assert_eq!(lost.result["cuts"]["worst_uncovered_shards_at_least"], 5);
    assert_eq!(lost.result["cuts"]["worst_is_exact"], true);
    assert_eq!((lost.exit_code(false), lost.binding.as_deref()), (1, Some("cut of 10")));
    let text = screen(line);
    assert!(text.contains("sampled, ") && text.contains("the worst cut leaves 5 shards"), "{text}");
    // Hardly any sample has one of the cuts that take six copies of one shard of a hundred.
    let rare = report("planner failover --masters 100 --replicas 5 --cut 6 --require cut");
    assert_eq!(rare.exit_code(false), 1);
    let kept = report("planner failover --masters 100 --replicas 5 --cut 5 --require cut");
    assert_eq!(kept.exit_code(false), 0, "{:?}", kept.warnings);
}

#[test]
fn of_machines_with_several_shards_the_worst_is_a_bound_that_says_so() {
    let zones = "a=20,b=20,c=20";
    let line = format!("planner failover --masters 120 --zones {zones} --cut 7 --require cut");
    let text = screen(&line);
    assert!(text.contains("240 copies on 60 machines"), "{text}");
    assert!(text.contains("at least") && text.contains("at most"), "{text}");
    assert_eq!(report(&line).exit_code(false), 1);
}

#[test]
fn a_cut_says_which_side_goes_on() {
    let most = report("planner failover --masters 12 --cut 20");
    assert_eq!(cell(&most, "losses", "cut of 20, the 20 go on", "machines"), 4);
    assert_eq!(most.result["cuts"]["cut_side_majority"], 1.0);
    let halves = report("planner failover --masters 12 --cut 12 --require cut");
    let neither = "cut of 12, neither goes on";
    assert_eq!(cell(&halves, "losses", neither, "majority"), false);
    assert_eq!(cell(&halves, "service", neither, "served slots"), 0);
    assert_eq!((halves.exit_code(false), &halves.result["survives_cut"]), (1, &false.into()));
    assert!(screen("planner failover --masters 12 --cut 12").contains("neither side a majority"));
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
fn what_is_lost_by_name_says_what_it_had_and_which_slots_nobody_has() {
    let one = report("planner failover --masters 3 --lose node-1 --require named");
    assert_eq!((&one.result["survives_named"], one.exit_code(false)), (&true.into(), 0));
    let line = "planner failover --masters 5 --lose node-1,node-6 --require named";
    let shard = report(line);
    assert_eq!(shard.result["named_uncovered_ranges"], serde_json::json!(["0-3276"]));
    assert_eq!(cell(&shard, "losses", "node-1 + node-6", "uncovered slots"), 3277);
    assert_eq!(shard.exit_code(false), 1);
    let text = screen(line);
    assert!(text.contains("node-6: replica of shard 1"), "{text}");
    let zones = "planner failover --masters 6 --zones a=4,b=4,c=4";
    let zone = report(&format!("{zones} --lose-zone b"));
    let any = cell(&zone, "service", "b", "promotions");
    assert_eq!((cell(&zone, "losses", "b", "machines"), any), (4.into(), 2.into()));
    let more = report(&format!("{zones} --lose-zone b --lose a-1"));
    assert_eq!(cell(&more, "losses", "b + a-1", "machines"), 5);
    let switch = report("planner failover --masters 12 --switch 4 --lose-switch switch-2");
    assert_eq!(switch.result["survives_named"], true);
}

#[test]
fn full_coverage_is_redis_default_and_stops_the_whole_cluster() {
    let line = "planner failover --masters 5 --replicas 0";
    let served = |line: &str| cell(&report(line), "service", "any one node", "served slots");
    assert_eq!(served(line), 0);
    assert_eq!(served(&format!("{line} --full-coverage no")), 16_384 - 3277);
    assert!(screen(line).contains("one uncovered slot stops the whole cluster"));
    assert!(!screen(&format!("{line} --full-coverage no")).contains("stops the whole"));
}

#[test]
fn a_cluster_without_replicas_is_told_to_add_one_by_a_command_that_helps() {
    let alone = report("planner failover --masters 5 --replicas 0 --require node");
    assert_eq!(alone.exit_code(false), 1);
    for line in [
        "planner failover --masters 5 --replicas 0",
        "planner failover --masters 2 --replicas 0",
        "planner failover --masters 1 --replicas 0 --system sentinel --sentinels 1",
        "planner failover --masters 4 --replicas 0 --system skep",
    ] {
        let alone = report(line);
        let fix = &alone.warnings[0].fix;
        let (advice, command) = fix.split_once(": ").unwrap();
        assert!(advice.starts_with("add a replica"), "{fix}");
        assert_eq!(report(&format!("{command} --require node")).exit_code(false), 0, "{command}");
    }
}

#[test]
fn what_is_advised_against_a_cut_helps() {
    for (masters, cut) in [(12, 4), (9, 2), (12, 20), (100, 50), (7, 3), (30, 15)] {
        let cut = report(&format!("planner failover --masters {masters} --cut {cut}"));
        let fixes = cut.warnings.iter().filter(|warning| warning.id == "not_survived");
        let fixes: Vec<&str> = fixes.map(|warning| warning.fix.as_str()).collect();
        assert_eq!(fixes.len(), 1, "{:?}", cut.warnings);
        if let Some((_, command)) = fixes[0].split_once(": planner") {
            let command = command.split(';').next().unwrap();
            let apart = report(&format!("planner{command} --require switch"));
            assert_eq!(apart.exit_code(false), 0, "{command} {:?}", apart.warnings);
        }
        if let Some((_, replicas)) = fixes[0].split_once("cut off: ") {
            let size = cut.inputs["cut"].as_u64().unwrap();
            let line = format!("planner failover --masters {masters} {replicas} --cut {size}");
            let more = report(&format!("{line} --require cut"));
            assert_eq!(more.exit_code(false), 0, "{line} {:?}", more.warnings);
        }
    }
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    for (line, hint) in [
        ("planner failover --masters 0", "at least 1"),
        ("planner failover --masters 3 --zones a=4,b=4", "give fewer machines"),
        ("planner failover --masters 3 --zones a", "zone=machines"),
        ("planner failover --masters 3 --zones a=3,a=3", "twice"),
        ("planner failover --masters 3 --zones a=0,b=6", "with 1 to"),
        ("planner failover --masters 3 --switch 0", "1 or more"),
        ("planner failover --masters 3 --cut 6", "give 1 to 5"),
        ("planner failover --masters 1 --replicas 0 --cut 1", "single machine"),
        ("planner failover --masters 3 --voters 5", "skep only"),
        ("planner failover --masters 3 --system skep --full-coverage no", "redis only"),
        ("planner failover --masters 3 --system sentinel --sentinels 7", "one a machine"),
        ("planner failover --masters 3 --require zone", "give --zones a=2,b=2,c=2"),
        ("planner failover --masters 3 --require switch", "give --switch N"),
        ("planner failover --masters 3 --require cut", "give --cut N"),
        ("planner failover --masters 3 --require named", "give --lose NODE"),
        ("planner failover --masters 3 --lose node-7", "there are node-1, node-2"),
        ("planner failover --masters 3 --lose node-1,", "an empty name"),
        ("planner failover --masters 3 --lose-zone a", "give --zones"),
        ("planner failover --masters 3 --zones a=3,b=3 --lose-zone c", "there are a, b"),
    ] {
        let error = error(line);
        assert!(error.contains(hint), "{line}: {error}");
    }
}
