//! Templates of commands: `SET %key %value {NX|XX|EX %seconds}`.
//!
//! Words stand for themselves, `%name` for a value of that sort, `[a|b]` for one of the
//! alternatives or none, `(a|b)` for one of them, `{a|b}` for any of them in any order, and a `+`
//! behind something for one to three of it.

use super::random::Random;

/// A parsed template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The command's name in lower case.
    pub(super) name: String,
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
enum Item {
    Word(String),
    Slot(String),
    Optional(Vec<Vec<Item>>),
    OneOf(Vec<Vec<Item>>),
    AnyOf(Vec<Vec<Item>>),
    Repeated(Box<Item>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Panics
    /// Its brackets do not match; templates are literals of this crate.
    pub(super) fn parse(text: &str) -> Template {
        let mut spaced = String::new();
        for letter in text.chars() {
            match letter {
                '[' | ']' | '(' | ')' | '{' | '}' | '|' | '+' => {
                    spaced.extend([' ', letter, ' ']);
                }
                other => spaced.push(other),
            }
        }
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = words.as_slice();
        let items = sequence(&mut rest);
        assert!(rest.is_empty(), "unbalanced template: {text}");
        Template { name: words[0].to_ascii_lowercase(), items }
    }

    /// Makes a command; `fill` makes the value of a slot.
    pub(super) fn expand(
        &self,
        random: &mut Random,
        fill: &mut dyn FnMut(&mut Random, &str) -> Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        expand(&self.items, random, fill, &mut out);
        out
    }
}

fn sequence(rest: &mut &[&str]) -> Vec<Item> {
    let mut items = Vec::new();
    while let [word, tail @ ..] = *rest {
        let item = match *word {
            "]" | ")" | "}" | "|" => break,
            "+" => {
                *rest = tail;
                let last = items.pop().expect("something before +");
                items.push(Item::Repeated(Box::new(last)));
                continue;
            }
            "[" => Item::Optional(alternatives(rest)),
            "(" => Item::OneOf(alternatives(rest)),
            "{" => Item::AnyOf(alternatives(rest)),
            word => {
                *rest = tail;
                match word.strip_prefix('%') {
                    Some(slot) => Item::Slot(slot.to_owned()),
                    None => Item::Word(word.to_owned()),
                }
            }
        };
        items.push(item);
    }
    items
}

fn alternatives(rest: &mut &[&str]) -> Vec<Vec<Item>> {
    let mut all = Vec::new();
    loop {
        *rest = &rest[1..];
        all.push(sequence(rest));
        match rest.first() {
            Some(&"|") => {}
            Some(_) => {
                *rest = &rest[1..];
                return all;
            }
            None => panic!("a bracket is not closed"),
        }
    }
}

type Fill<'f> = &'f mut dyn FnMut(&mut Random, &str) -> Vec<u8>;

fn expand(items: &[Item], random: &mut Random, fill: Fill<'_>, out: &mut Vec<Vec<u8>>) {
    for item in items {
        expand_item(item, random, fill, out);
    }
}

fn expand_item(item: &Item, random: &mut Random, fill: Fill<'_>, out: &mut Vec<Vec<u8>>) {
    match item {
        Item::Word(word) => out.push(in_some_case(word, random)),
        Item::Slot(slot) => out.push(fill(random, slot)),
        Item::Optional(all) => {
            if random.chance(50) {
                expand(&all[random.below(all.len())], random, fill, out);
            }
        }
        Item::OneOf(all) => expand(&all[random.below(all.len())], random, fill, out),
        Item::AnyOf(all) => {
            let count = *random.pick(&[0, 0, 1, 1, 1, 1, 2, 2, 3]);
            for _ in 0..count {
                expand(&all[random.below(all.len())], random, fill, out);
            }
        }
        Item::Repeated(item) => {
            for _ in 0..=random.below(3) {
                expand_item(item, random, fill, out);
            }
        }
    }
}

fn in_some_case(word: &str, random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => word.to_ascii_lowercase().into_bytes(),
        1 => {
            let letters = word.bytes();
            let mut flip = |byte: u8| if random.chance(50) { byte ^ 0x20 } else { byte };
            letters.map(|b| if b.is_ascii_alphabetic() { flip(b) } else { b }).collect()
        }
        _ => word.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_what_it_says() {
        let template = Template::parse("SET %key [NX|XX] (A|B) %value+");
        let mut random = Random::new(1);
        for _ in 0..200 {
            let made = template.expand(&mut random, &mut |_, slot| slot.as_bytes().to_vec());
            let text = made.iter().map(|word| String::from_utf8_lossy(word).to_lowercase());
            let text: Vec<String> = text.collect();
            assert_eq!(&text[..2], ["set", "key"], "{text:?}");
            let rest = text[2..].iter().position(|word| word == "a" || word == "b");
            assert!(rest.is_some_and(|at| at <= 1 && text.len() - at - 3 <= 3), "{text:?}");
            assert_eq!(text[text.len() - 1], "value");
        }
    }
}
