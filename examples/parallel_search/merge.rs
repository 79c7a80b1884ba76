//! The answers of many providers merged into one: without duplicates, best first.

use std::collections::HashMap;

use crate::hit::Hit;

/// A character with the providers that returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) hit: Hit,
    /// The number of one provider that has it.
    pub(crate) holder: usize,
    /// The number of providers that have it.
    pub(crate) providers: usize,
}

/// Returns the best `limit` characters of all answers, each with its provider's number, by score and then by code point.
///
/// The list is exact if each answer has its own best `limit`: each entry of the merged list is then in one of them.
/// If providers disagree about a character's score, the highest counts.
pub(crate) fn merge<'a>(answers: impl IntoIterator<Item = (usize, &'a [Hit])>, limit: usize) -> Vec<Ranked> {
    let mut found: HashMap<char, Ranked> = HashMap::new();
    for (holder, hit) in answers.into_iter().flat_map(|(number, hits)| hits.iter().map(move |hit| (number, hit))) {
        found
            .entry(hit.char)
            .and_modify(|known| {
                known.providers += 1;
                if hit.score > known.hit.score {
                    known.hit = hit.clone();
                }
            })
            .or_insert_with(|| Ranked { hit: hit.clone(), holder, providers: 1 });
    }

    let mut ranked: Vec<Ranked> = found.into_values().collect();
    ranked.sort_unstable_by_key(|ranked| (std::cmp::Reverse(ranked.hit.score), ranked.hit.char));
    ranked.truncate(limit);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(char: char, score: u32) -> Hit {
        Hit { char, score, name: "".into(), block: "".into() }
    }

    fn numbered(answers: &[Vec<Hit>]) -> impl DoubleEndedIterator<Item = (usize, &[Hit])> {
        (0..answers.len()).map(|number| (number, answers[number].as_slice()))
    }

    #[test]
    fn joins_duplicates_and_ranks_by_score_then_code_point() {
        let answers = [vec![hit('b', 500), hit('a', 500)], vec![hit('b', 500), hit('c', 900)], vec![]];

        let merged = merge(numbered(&answers), 10);

        let seen: Vec<(char, usize)> = merged.iter().map(|ranked| (ranked.hit.char, ranked.providers)).collect();
        assert_eq!(seen, [('c', 1), ('a', 1), ('b', 2)]);
    }

    #[test]
    fn does_not_depend_on_the_order_of_the_answers() {
        let answers = [vec![hit('b', 400), hit('a', 500)], vec![hit('b', 600), hit('c', 100)]];

        let forwards = merge(numbered(&answers), 2);
        let backwards = merge(numbered(&answers).rev(), 2);

        let hits = |merged: &[Ranked]| merged.iter().map(|ranked| ranked.hit.clone()).collect::<Vec<_>>();
        assert_eq!(hits(&forwards), hits(&backwards));
        assert_eq!(forwards[0].hit.score, 600);
    }
}
