//! The books of a run: the attempts that the clients sent, and those that the server saw.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use resilient_scenarios::drive::Call;
use resilient_scenarios::server::Seen;

/// Counts on both sides of the wire. `Relaxed` is enough, since they are read after the run.
#[derive(Debug, Default)]
pub(crate) struct Books {
    sent: AtomicU64,
    answered: AtomicU64,
    /// Attempts that the client gave up before there was an answer.
    abandoned: AtomicU64,
    /// Attempts that an error of the connection ended.
    lost: AtomicU64,
    /// The connections that the server has accepted.
    pub(crate) connections: AtomicU64,
    arrived: Mutex<Arrived>,
}

#[derive(Debug, Default)]
struct Arrived {
    /// For each number, whether the attempt with that number has come.
    numbers: Vec<bool>,
    count: u64,
    twice: u64,
}

/// One attempt at the client's side. To drop it is to give it up.
pub(crate) struct Attempt<'a> {
    books: &'a Books,
    pub(crate) number: u64,
    is_over: bool,
}

impl Books {
    pub(crate) fn send(&self) -> Attempt<'_> {
        Attempt { books: self, number: self.sent.fetch_add(1, Relaxed), is_over: false }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Returns the number of attempts under way.
    pub(crate) fn in_flight(&self) -> u64 {
        let over = [&self.answered, &self.abandoned, &self.lost].map(|count| count.load(Relaxed)).iter().sum();
        self.sent().saturating_sub(over)
    }

    /// Records that the server sees the attempt with that number.
    pub(crate) fn arrive(&self, number: u64) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let index = number as usize;
        if arrived.numbers.len() <= index {
            arrived.numbers.resize(index + 1, false);
        }
        arrived.twice += u64::from(arrived.numbers[index]);
        arrived.numbers[index] = true;
        arrived.count += 1;
    }

    /// Describes a contradiction in the books, if there is one.
    ///
    /// A client may give an attempt up before it is written to a socket. So the server may have seen fewer attempts than were
    /// sent, but no more are missing than were given up or lost.
    pub(crate) fn imbalance(&self, calls: &[Call], seen: Option<&Seen>) -> Option<String> {
        let [sent, answered, abandoned, lost] =
            [&self.sent, &self.answered, &self.abandoned, &self.lost].map(|count| count.load(Relaxed));
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let ways = [Call::is_good, Call::is_refused, Call::is_late];
        let outcomes: usize = ways.iter().map(|is| calls.iter().filter(|call| is(call)).count()).sum();
        let unseen = sent.saturating_sub(arrived.count);
        let wrong = [
            (outcomes != calls.len(), format!("{} calls and {outcomes} outcomes", calls.len())),
            (arrived.twice > 0, format!("{} attempts arrived twice", arrived.twice)),
            (arrived.count > sent, format!("{} of {sent} attempts arrived", arrived.count)),
            (answered + abandoned + lost != sent, format!("{sent} attempts, {answered} + {abandoned} + {lost} ends")),
            (answered > arrived.count, format!("{answered} answers to {} attempts", arrived.count)),
            (unseen > abandoned + lost, format!("{unseen} unseen attempts, {abandoned} given up and {lost} lost")),
        ];
        let by_client = wrong.into_iter().find_map(|(is_wrong, what)| is_wrong.then_some(what));
        let by_server = seen.and_then(|seen| {
            let ends = seen.refused + seen.served + seen.left + seen.inside;
            let is_wrong = seen.arrived != arrived.count || seen.arrived != ends;
            is_wrong.then(|| format!("{} arrivals, {} in the server, {ends} ends", arrived.count, seen.arrived))
        });
        by_client.or(by_server)
    }
}

impl Attempt<'_> {
    pub(crate) fn answered(mut self) {
        self.is_over = true;
        self.books.answered.fetch_add(1, Relaxed);
    }

    pub(crate) fn lost(mut self) {
        self.is_over = true;
        self.books.lost.fetch_add(1, Relaxed);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.books.abandoned.fetch_add(1, Relaxed);
        }
    }
}
