//! Ranges of any kind agree with a sorted vector.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use crate::testing::Bench;

#[derive(Clone, Debug)]
enum Ends {
    Ranks(i64, i64),
    Scores((f64, bool), (f64, bool)),
    Names((u8, bool), (u8, bool)),
}

#[derive(Clone, Debug)]
struct Case {
    ends: Ends,
    is_reversed: bool,
    limit: Option<(usize, i64)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let score = || ((-2i8..12).prop_map(f64::from), any::<bool>());
    let name = || (b'a'..=b'h', any::<bool>());
    let ends = prop_oneof![
        (-9i64..9, -9i64..9).prop_map(|(one, other)| Ends::Ranks(one, other)),
        (score(), score()).prop_map(|(low, high)| Ends::Scores(low, high)),
        (name(), name()).prop_map(|(low, high)| Ends::Names(low, high)),
    ];
    let limit = prop_oneof![Just(None), (0usize..5, -1i64..5).prop_map(Some)];
    (ends, any::<bool>(), limit).prop_map(|(ends, is_reversed, limit)| {
        let limit = match ends {
            Ends::Ranks(..) => None,
            _ => limit,
        };
        Case { ends, is_reversed, limit }
    })
}

impl Case {
    /// The words behind the key.
    fn words(&self) -> String {
        let (low, high, by) = match &self.ends {
            Ends::Ranks(low, high) => (low.to_string(), high.to_string(), ""),
            Ends::Scores(low, high) => {
                let end = |(score, is_out): &(f64, bool)| {
                    format!("{}{score}", if *is_out { "(" } else { "" })
                };
                (end(low), end(high), " BYSCORE")
            }
            Ends::Names(low, high) => {
                let end = |(name, is_out): &(u8, bool)| {
                    format!("{}{}", if *is_out { "(" } else { "[" }, char::from(*name))
                };
                (end(low), end(high), " BYLEX")
            }
        };
        let is_turned = self.is_reversed && !by.is_empty();
        let (one, other) = if is_turned { (high, low) } else { (low, high) };
        let reversed = if self.is_reversed { " REV" } else { "" };
        let limit = self.limit.map(|(offset, count)| format!(" LIMIT {offset} {count}"));
        format!("{one} {other}{by}{reversed}{}", limit.unwrap_or_default())
    }

    /// The members that it means, of some in their order.
    fn of(&self, sorted: &[(f64, String)]) -> Vec<(f64, String)> {
        let mut members = sorted.to_vec();
        if self.is_reversed {
            members.reverse();
        }
        match &self.ends {
            Ends::Ranks(from, to) => {
                let len = members.len() as i64;
                let place = |rank: i64| if rank < 0 { rank + len } else { rank };
                let is_in = |rank: i64| rank >= place(*from) && rank <= place(*to);
                let mut rank = -1;
                members.retain(|_| {
                    rank += 1;
                    is_in(rank)
                });
            }
            Ends::Scores(low, high) => members.retain(|(score, _)| {
                (*score > low.0 || *score == low.0 && !low.1)
                    && (*score < high.0 || *score == high.0 && !high.1)
            }),
            Ends::Names(low, high) => members.retain(|(_, name)| {
                let (low_name, high_name) = ([low.0], [high.0]);
                let name = name.as_bytes();
                (name > &low_name[..] || name == low_name && !low.1)
                    && (name < &high_name[..] || name == high_name && !high.1)
            }),
        }
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        members.into_iter().skip(offset).take(count).collect()
    }
}

fn names(members: &[(f64, String)]) -> String {
    let words: Vec<String> =
        members.iter().map(|(_, name)| format!(" ${} {name}", name.len())).collect();
    format!("*{}{}", members.len(), words.concat())
}

/// Sets as a bench and as a sorted vector. Names are ranges only where all scores are the same.
fn filled(members: &[(u8, u8, u8)], case: &Case, is_large: bool) -> (Bench, Vec<(f64, String)>) {
    let mut bench = Bench::new();
    let has_scores = !matches!(case.ends, Ends::Names(..));
    let mut all = std::collections::BTreeMap::new();
    for (first, second, score) in members {
        let name = format!("{}{}", char::from(*first), char::from(*second));
        let score = if has_scores { f64::from(*score) } else { 0.0 };
        bench.ask(&format!("ZADD z {score} {name}"));
        all.insert(name, score);
    }
    if is_large {
        // One long name makes a set large.
        let name = "z".repeat(100);
        let score = if has_scores { 11.0 } else { 0.0 };
        bench.ask(&format!("ZADD z {score} {name}"));
        all.insert(name, score);
    }
    let mut sorted: Vec<(f64, String)> =
        all.into_iter().map(|(name, score)| (score, name)).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
    (bench, sorted)
}

proptest! {
    #[test]
    fn every_range_is_that_of_a_sorted_vector(
        members in prop::collection::vec((b'a'..=b'h', b'a'..=b'c', 0u8..10), 0..200),
        case in cases(),
        is_large in any::<bool>(),
    ) {
        let (mut bench, sorted) = filled(&members, &case, is_large);
        let wanted = case.of(&sorted);
        let words = case.words();
        assert_eq!(bench.ask(&format!("ZRANGE z {words}")), names(&wanted), "{words}");
        assert_eq!(bench.ask(&format!("ZRANGESTORE to z {words}")), format!(":{}", wanted.len()));
        let mut stored = wanted.clone();
        stored.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
        assert_eq!(bench.ask("ZRANGE to 0 -1"), names(&stored), "{words}");
        if case.is_reversed || case.limit.is_some() {
            return Ok(());
        }
        let (count, remove) = match case.ends {
            Ends::Ranks(..) => (None, "ZREMRANGEBYRANK"),
            Ends::Scores(..) => (Some("ZCOUNT"), "ZREMRANGEBYSCORE"),
            Ends::Names(..) => (Some("ZLEXCOUNT"), "ZREMRANGEBYLEX"),
        };
        let words: Vec<&str> = words.split(' ').take(2).collect();
        let words = words.join(" ");
        for command in count.into_iter().chain([remove]) {
            let reply = bench.ask(&format!("{command} z {words}"));
            assert_eq!(reply, format!(":{}", wanted.len()), "{command} {words}");
        }
        let left: Vec<_> = sorted.iter().filter(|one| !wanted.contains(one)).cloned().collect();
        assert_eq!(bench.ask("ZRANGE z 0 -1"), names(&left), "{words}");
        bench.recount();
    }
}
