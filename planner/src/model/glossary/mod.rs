//! The terms of capacity planning: a paragraph, a formula and a source each.
//!
//! Promise: a term is found under its name or any of its other names, in any case, with blanks,
//! hyphens and underscores alike. Where the source article is wrong about a term, its entry says so.

mod load;
mod memory;
mod placement;
mod safety;
#[cfg(test)]
mod tests;

/// Nearest terms that an unknown one is answered with.
const NEAREST_MAX: usize = 3;

/// A term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// What it is, in a paragraph.
    pub text: &'static str,
    /// How it is reckoned.
    pub formula: &'static str,
    /// Where that is from.
    pub source: &'static str,
    /// A command that reckons with it; may be empty.
    pub see: &'static str,
}

/// A term from its name, other names, text, formula, source and command.
const fn term(
    name: &'static str,
    aliases: &'static [&'static str],
    [text, formula, source, see]: [&'static str; 4],
) -> Term {
    Term { name, aliases, text, formula, source, see }
}

/// Every term: memory, placement, load, safety.
pub fn terms() -> impl Iterator<Item = &'static Term> {
    [memory::TERMS, placement::TERMS, load::TERMS, safety::TERMS].into_iter().flatten()
}

/// The term of that name.
pub fn find(name: &str) -> Option<&'static Term> {
    let wanted = folded(name);
    terms().find(|term| names(term).any(|known| folded(known) == wanted))
}

/// The terms whose names are most like it, the likest first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = folded(name);
    let likeness = |term: &Term| {
        let each = names(term).map(|known| {
            let known = folded(known);
            let holds = !wanted.is_empty() && (known.contains(&wanted) || wanted.contains(&known));
            strsim::jaro_winkler(&known, &wanted) + f64::from(u8::from(holds))
        });
        each.fold(0.0, f64::max)
    };
    let mut ranked: Vec<(f64, &str)> = terms().map(|term| (likeness(term), term.name)).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    ranked.into_iter().take(NEAREST_MAX).map(|(_, name)| name).collect()
}

fn names(term: &Term) -> impl Iterator<Item = &'static str> {
    [term.name].into_iter().chain(term.aliases.iter().copied())
}

/// Letters and digits in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
