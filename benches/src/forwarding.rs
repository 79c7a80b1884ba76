//! Loads that wait for a store. A processor hands a load what a store left for the memory a moment ago, if that store wrote all of it. If it wrote a part, the load
//! waits until the memory has it: some four nanoseconds, which no count of instructions shows.

use std::collections::{HashMap, VecDeque};

/// The loads and stores of a program, read from what valgrind's `lackey` says of it.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    instructions: u64,
    /// The address of the present instruction.
    at: u64,
    recent: VecDeque<Store>,
    waits: HashMap<Pair, u64>,
}

/// The instruction that waits, and the one that it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) load: u64,
    pub(crate) store: u64,
}

#[derive(Debug, Clone, Copy)]
struct Store {
    instruction: u64,
    at: u64,
    bytes: Bytes,
}

#[derive(Debug, Clone, Copy)]
struct Bytes {
    from: u64,
    to: u64,
}

impl Bytes {
    const fn meets(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    const fn holds(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

impl Trace {
    /// Takes note of a line, if it is one of an instruction, a load, a store, or both at once.
    pub(crate) fn read(&mut self, line: &str) {
        let Some((kind, bytes)) = access(line) else { return };
        match kind {
            "I" => {
                self.instructions += 1;
                self.at = bytes.from;
            }
            "L" => self.load(bytes),
            "S" => self.store(bytes),
            _ => {
                self.load(bytes);
                self.store(bytes);
            }
        }
    }

    fn load(&mut self, bytes: Bytes) {
        let oldest = self.instructions.saturating_sub(MOMENT);
        while self.recent.front().is_some_and(|store| store.instruction < oldest) {
            self.recent.pop_front();
        }
        let newest = self.recent.iter().rev().find(|store| store.bytes.meets(bytes));
        if let Some(store) = newest.filter(|store| !store.bytes.holds(bytes)) {
            *self.waits.entry(Pair { load: self.at, store: store.at }).or_default() += 1;
        }
    }

    fn store(&mut self, bytes: Bytes) {
        self.recent.push_back(Store { instruction: self.instructions, at: self.at, bytes });
    }

    /// Returns the waits for an item, with how many there are, where the program has handled so many: those that at least every other has.
    pub(crate) fn waits_of_an_item(&self, items: u64) -> Vec<(Pair, f64)> {
        let per_item = self.waits.iter().map(|(&pair, &waits)| (pair, waits as f64 / items as f64));
        let mut waits: Vec<_> = per_item.filter(|&(_, waits)| waits >= 0.5).collect();
        waits.sort_by_key(|&(pair, _)| pair);
        waits
    }
}

/// The kind of a line, and the bytes that it is about: `I  04001000,3`, ` L 1ffefff0,8`.
fn access(line: &str) -> Option<(&str, Bytes)> {
    let kind = line.get(..2)?.trim();
    let (address, size) = line.get(3..)?.split_once(',')?;
    let from = u64::from_str_radix(address.trim(), 16).ok()?;
    let to = from + size.trim().parse::<u64>().ok()?;
    matches!(kind, "I" | "L" | "S" | "M").then_some((kind, Bytes { from, to }))
}

/// So many instructions after a store, the memory has what it wrote.
const MOMENT: u64 = 70;
