//! Every path of the guide, and every entry of the table, both ways.

use super::table::ROWS;
use super::*;
use crate::error::EXIT_USAGE;

const PATHS: [(Leaf, &[(Fact, bool)]); 5] = [
    (Leaf::SingleNode, &[(Fact::ExceedsNode, false)]),
    (
        Leaf::AutomaticFailover,
        &[
            (Fact::ExceedsNode, true),
            (Fact::HighAvailability, true),
            (Fact::AutomaticFailover, true),
        ],
    ),
    (
        Leaf::ManualPromotion,
        &[
            (Fact::ExceedsNode, true),
            (Fact::HighAvailability, true),
            (Fact::AutomaticFailover, false),
        ],
    ),
    (
        Leaf::Proxy,
        &[
            (Fact::ExceedsNode, true),
            (Fact::HighAvailability, false),
            (Fact::ClientSimplicity, true),
        ],
    ),
    (
        Leaf::ClientSide,
        &[
            (Fact::ExceedsNode, true),
            (Fact::HighAvailability, false),
            (Fact::ClientSimplicity, false),
        ],
    ),
];

#[test]
fn every_leaf_is_reached_by_its_path_with_a_step_for_each_question() {
    for (leaf, path) in PATHS {
        let advice = advise(&path.iter().copied().collect()).unwrap();
        assert_eq!(advice.leaf, leaf);
        let walked: Vec<(&str, bool)> =
            advice.steps.iter().map(|step| (step.id, step.value == 1.0)).collect();
        let expected: Vec<(&str, bool)> =
            path.iter().map(|(fact, is)| (fact.question().id, *is)).collect();
        assert_eq!(walked, expected);
        assert!(advice.steps.iter().all(|step| step.source == SOURCE && !step.why.is_empty()));
    }
    let reached: Vec<Leaf> = PATHS.iter().map(|(leaf, _)| *leaf).collect();
    assert!(Leaf::ALL.iter().all(|leaf| reached.contains(leaf)));
}

#[test]
fn a_path_that_is_cut_short_names_the_flag_it_came_to() {
    for (_, path) in PATHS {
        for cut in 0..path.len() {
            let error = advise(&path[..cut].iter().copied().collect()).unwrap_err();
            assert_eq!(error.exit_code(), EXIT_USAGE);
            let text = error.to_string();
            let question = path[cut].0.question();
            assert!(text.contains(&question.usage()), "{text}");
            assert!(text.contains(question.guide), "{text}");
        }
    }
}

#[test]
fn what_the_guide_does_not_ask_changes_no_leaf() {
    for (leaf, path) in PATHS {
        let asked: Vec<Fact> = path.iter().map(|(fact, _)| *fact).collect();
        for question in QUESTIONS.iter().filter(|question| !asked.contains(&question.fact)) {
            for holds in [true, false] {
                let answers = path.iter().copied().chain([(question.fact, holds)]).collect();
                assert_eq!(advise(&answers).unwrap().leaf, leaf);
            }
        }
    }
}

#[test]
fn each_entry_of_the_table_speaks_when_it_holds_and_is_silent_when_it_does_not() {
    for (at, row) in ROWS.iter().enumerate() {
        let entries = row.when.iter().map(|entry| (entry, true));
        for ((fact, is, text), is_for) in
            entries.chain(row.when_not.iter().map(|entry| (entry, false)))
        {
            let said = |holds| {
                let judged = judge(&Answers::from_iter([(*fact, holds)])).swap_remove(at);
                let reasons = if is_for { judged.reasons_for } else { judged.reasons_against };
                (judged.fit, reasons.contains(text))
            };
            let (fit, speaks) = said(*is);
            assert!(speaks, "{}: {text}", row.name);
            assert_eq!(fit, if is_for { Fit::Fits } else { Fit::Against }, "{}", row.name);
            assert!(!said(!*is).1, "{}: {text}", row.name);
        }
    }
}

#[test]
fn a_row_is_open_without_answers_and_mixed_when_both_columns_speak() {
    for (at, row) in ROWS.iter().enumerate() {
        let open = judge(&Answers::default()).swap_remove(at);
        assert_eq!(open.fit, Fit::Open);
        assert!(!open.unanswered.is_empty());
        let facts = |entries: &[table::Condition]| -> Answers {
            entries.iter().map(|(fact, is, _)| (*fact, *is)).collect()
        };
        assert_eq!(judge(&facts(row.when)).swap_remove(at).fit, Fit::Fits, "{}", row.name);
        assert_eq!(judge(&facts(row.when_not)).swap_remove(at).fit, Fit::Against, "{}", row.name);
    }
    let both = Answers::from_iter([(Fact::FewNodes, true), (Fact::ManyLanguages, true)]);
    assert_eq!(judge(&both)[0].fit, Fit::Mixed);
}

#[test]
fn questions_stand_in_the_order_of_facts_and_every_one_is_used() {
    for (at, question) in QUESTIONS.iter().enumerate() {
        assert_eq!(question.fact as usize, at, "{}", question.id);
        let entries = ROWS.iter().flat_map(|row| row.when.iter().chain(row.when_not));
        let is_in_table = entries.into_iter().any(|(fact, _, _)| *fact == question.fact);
        assert!(is_in_table, "{} decides nothing", question.id);
    }
}
