//! The data set: every Unicode character that has a name of its own, indexed by the words of the name.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One character.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) char: char,
    pub(crate) name: Arc<str>,
    pub(crate) block: &'static str,
    /// The number of its block in code-point order, which decides the providers that hold the character.
    pub(crate) block_number: usize,
}

/// Some characters and the index of their words.
pub(crate) struct Catalogue {
    entries: Vec<Entry>,
    /// Each word with the positions in `entries` whose names have it, both ascending.
    words: Vec<(Box<str>, Vec<u32>)>,
}

/// A character that matched, and the quality of the match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    pub(crate) char: char,
    pub(crate) name: &'a str,
    pub(crate) block: &'static str,
    pub(crate) score: u32,
}

impl Catalogue {
    /// Returns all named characters, without those whose name only repeats the code point (`CJK UNIFIED IDEOGRAPH-4E00`).
    pub(crate) fn load() -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for char in '\0'..=char::MAX {
            let Some(name) = unicode_names2::name(char).map(|name| name.to_string()) else { continue };
            if name.ends_with(&format!("-{:X}", u32::from(char))) {
                continue;
            }
            let Some(block) = unicode_blocks::find_unicode_block(char).map(|block| block.name()) else { continue };
            let block_number = entries.last().map_or(0, |last| last.block_number + usize::from(last.block != block));
            entries.push(Entry { char, name: name.into(), block, block_number });
        }
        Self::index(entries)
    }

    /// Returns the part of the characters that `keep` accepts.
    pub(crate) fn part(&self, keep: impl Fn(&Entry) -> bool) -> Self {
        Self::index(self.entries.iter().filter(|entry| keep(entry)).cloned().collect())
    }

    fn index(entries: Vec<Entry>) -> Self {
        let mut words: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (position, entry) in (0..).zip(&entries) {
            for word in words_of(&entry.name) {
                let positions = words.entry(word).or_default();
                if positions.last() != Some(&position) {
                    positions.push(position);
                }
            }
        }
        let words = words.into_iter().map(|(word, positions)| (word.into(), positions)).collect();
        Self { entries, words }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns whether the character is in the catalogue.
    pub(crate) fn has(&self, char: char) -> bool {
        self.entries.binary_search_by_key(&char, |entry| entry.char).is_ok()
    }

    /// Returns the number of names that have exactly this word.
    pub(crate) fn frequency(&self, word: &str) -> usize {
        self.words.binary_search_by(|(known, _)| (**known).cmp(word)).map_or(0, |found| self.words[found].1.len())
    }

    /// Returns the best `limit` matches, best first. Equal scores are in the order of the code points.
    ///
    /// The score is the overlap of the two sets of words (Dice's coefficient) in thousandths: twice the words in common
    /// over the words in both. A word of the query that only begins a word of the name, and has at least three
    /// letters, counts half. So a name that *is* the query has 1000, and long names need more to get as far. It
    /// depends on nothing but the query and the name, so answers from different providers compare.
    pub(crate) fn search(&self, query: &str, limit: usize) -> Vec<Match<'_>> {
        let query = query.to_uppercase();
        let mut terms: Vec<&str> = words_of(&query).collect();
        terms.sort_unstable();
        terms.dedup();

        let mut halves = vec![0u32; self.entries.len()];
        for term in &terms {
            self.add_halves(term, &mut halves);
        }

        let mut matches: Vec<Match<'_>> = halves
            .iter()
            .zip(&self.entries)
            .filter(|(halves, _)| **halves > 0)
            .map(|(halves, Entry { char, name, block, .. })| {
                let words = u32::try_from(terms.len() + words_of(name).count()).unwrap_or(u32::MAX);
                Match { char: *char, name, block, score: 1000 * halves / words }
            })
            .collect();
        matches.sort_unstable_by_key(|found| (std::cmp::Reverse(found.score), found.char));
        matches.truncate(limit);
        matches
    }

    /// Adds two halves to each name with the term as a word, and one half to each name with a word that begins with it.
    fn add_halves(&self, term: &str, halves: &mut [u32]) {
        let mut gain = vec![0u32; halves.len()];
        let from = self.words.partition_point(|(word, _)| **word < *term);
        for (word, positions) in self.words[from..].iter().take_while(|(word, _)| word.starts_with(term)) {
            let whole = word.len() == term.len();
            if !whole && term.len() < SHORTEST_PREFIX {
                break;
            }
            for position in positions {
                let gain = &mut gain[*position as usize];
                *gain = (*gain).max(if whole { 2 } else { 1 });
            }
        }
        for (halves, gain) in halves.iter_mut().zip(gain) {
            *halves += gain;
        }
    }
}

/// Returns the words of a name or a query: the parts between spaces and punctuation.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

const SHORTEST_PREFIX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(matches: &[Match<'_>]) -> Vec<String> {
        matches.iter().map(|found| format!("{} {}", found.score, found.name)).collect()
    }

    fn sample() -> Catalogue {
        Catalogue::load().part(|entry| entry.name.contains("SNOW"))
    }

    #[test]
    fn a_name_that_is_the_query_has_the_full_score() {
        let catalogue = sample();

        assert_eq!(catalogue.search("snowman", 1)[0].score, 1000);
        assert_eq!(catalogue.search("Without SNOW snowman", 1)[0].score, 1000);
    }

    #[test]
    fn a_beginning_counts_half_and_a_longer_name_less() {
        let catalogue = sample();

        // One word in each, of which a half is in common: 1/2. `SNOWMAN WITHOUT SNOW` has the whole word and three words.
        assert_eq!(
            names(&catalogue.search("snow", 3)),
            ["500 SNOWMAN", "500 SNOWMAN WITHOUT SNOW", "500 SNOWFLAKE"].map(String::from)
        );
    }

    #[test]
    fn one_or_two_letters_are_no_beginning() {
        assert!(sample().search("sn", 10).is_empty());
    }

    #[test]
    fn a_repeated_word_counts_once() {
        let catalogue = sample();

        assert_eq!(catalogue.search("snowman snowman", 5), catalogue.search("snowman", 5));
    }

    #[test]
    fn leaves_out_names_that_repeat_the_code_point() {
        let catalogue = Catalogue::load();

        assert!(catalogue.entries().len() > 30_000);
        assert!(catalogue.entries().iter().all(|entry| !entry.name.starts_with("CJK UNIFIED IDEOGRAPH-")));
        assert_eq!(catalogue.frequency("SNOWMAN"), 3);
    }
}
