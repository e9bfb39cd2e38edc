//! Terms are found, complete, and named once.

use std::collections::BTreeMap;

use super::*;

#[test]
fn every_name_leads_to_its_own_term_and_to_no_other() {
    let mut owners = BTreeMap::new();
    for term in terms() {
        for name in names(term) {
            let before = owners.insert(folded(name), term.name);
            assert_eq!(before, None, "{name} is named twice");
            assert_eq!(find(&name.to_uppercase().replace(' ', "_")), Some(term), "{name}");
        }
    }
    assert!(owners.len() > 40);
}

#[test]
fn every_term_has_a_text_a_formula_and_a_source() {
    for term in terms() {
        assert!(term.text.len() > 80 && term.text.ends_with('.'), "{}: {}", term.name, term.text);
        assert!(!term.formula.is_empty() && !term.source.is_empty(), "{}", term.name);
        assert!(term.see.is_empty() || term.see.starts_with("planner "), "{}", term.name);
    }
}

#[test]
fn an_unknown_term_is_near_to_what_was_meant() {
    assert_eq!(find("fragmentaton"), None);
    assert_eq!(nearest("fragmentaton")[0], "fragmentation");
    assert!(nearest("hot").contains(&"index"), "{:?}", nearest("hot"));
    assert_eq!(nearest("").len(), 3);
}

#[test]
fn where_the_article_slips_the_term_says_so() {
    for name in ["replication overhead", "fragmentation", "index", "slot", "replica lag"] {
        assert!(find(name).unwrap().text.contains("article"), "{name}");
    }
}
