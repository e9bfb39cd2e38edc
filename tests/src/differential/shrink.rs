//! Makes a failing script small, so that a person can read it.

use std::time::{Duration, Instant};

use super::generate::is_playable;
use super::step::{Action, Step};

/// Plays that shrinking may cost, and time.
const MAX_PLAYS: usize = 400;
const MAX_DURATION: Duration = Duration::from_secs(40);

/// Removes steps and words while `fails` stays true.
pub(super) fn shrink(script: Vec<Step>, mut fails: impl FnMut(&[Step]) -> bool) -> Vec<Step> {
    let (mut plays, begin) = (0, Instant::now());
    let mut try_script = |script: &[Step]| {
        plays += 1;
        plays < MAX_PLAYS && begin.elapsed() < MAX_DURATION && fails(script)
    };
    let mut script = script;
    let mut chunk = script.len().div_ceil(2).max(1);
    loop {
        let before = script.len();
        let mut at = 0;
        while at < script.len() {
            let end = (at + chunk).min(script.len());
            let shorter = [&script[..at], &script[end..]].concat();
            if !shorter.is_empty() && try_script(&shorter) {
                script = shorter;
            } else {
                at = end;
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2);
        } else if script.len() == before {
            break;
        }
    }
    shorten_words(script, &mut try_script)
}

/// Drops words and cuts long ones.
fn shorten_words(mut script: Vec<Step>, fails: &mut impl FnMut(&[Step]) -> bool) -> Vec<Step> {
    for at in 0..script.len() {
        let mut word = 1;
        while let Action::Command(words) = &script[at].action
            && word < words.len()
        {
            let mut without = words.clone();
            without.remove(word);
            let mut cut = words.clone();
            cut[word].truncate(1);
            let shorter = [without, cut].into_iter().find_map(|candidate| {
                let mut changed = script.clone();
                let is_shorter = candidate != *words && is_playable(&candidate);
                changed[at].action = Action::Command(candidate);
                (is_shorter && fails(&changed)).then_some(changed)
            });
            match shorter {
                Some(changed) => script = changed,
                None => word += 1,
            }
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_left() {
        let script: Vec<Step> = (0..100)
            .map(|number| {
                let words = ["X", &number.to_string(), "ballast"];
                let words = words.map(|word| word.as_bytes().to_vec()).to_vec();
                Step { connection: 0, action: Action::Command(words) }
            })
            .collect();
        let holds = |script: &[Step], text: &str| {
            script.iter().any(|step| step.to_string().starts_with(&format!("0> X {text}")))
        };
        let small = shrink(script, |script| holds(script, "17") && holds(script, "83"));
        let texts: Vec<String> = small.iter().map(Step::to_string).collect();
        assert_eq!(texts, ["0> X 17", "0> X 83"]);
    }
}
