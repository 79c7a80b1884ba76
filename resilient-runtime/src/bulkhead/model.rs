//! The bulkhead against a list of who is inside and who waits.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Action {
    Come(u32, Priority),
    /// Of those inside, the one at this place leaves.
    Leave(usize),
    /// Of those who wait, the one at this place gives up.
    GiveUp(usize),
    Resize(u32),
}

/// A caller of the model: its number and its weight.
type Caller = (usize, u32);

struct Model {
    limit: u32,
    queue: usize,
    inside: Vec<Caller>,
    high: Vec<Caller>,
    low: Vec<Caller>,
}

impl Model {
    fn come(&mut self, caller: Caller, priority: Priority) -> Option<usize> {
        let mut shed = None;
        let is_first = self.high.is_empty() && (priority == Priority::High || self.low.is_empty());
        if is_first && self.fits(caller.1) {
            self.enter(caller);
            return None;
        }
        if self.high.len() + self.low.len() >= self.queue {
            match (priority, self.low.pop()) {
                (Priority::High, Some((last, _))) => shed = Some(last),
                (_, kept) => {
                    self.low.extend(kept);
                    return Some(caller.0);
                }
            }
        }
        let lane = if priority == Priority::High { &mut self.high } else { &mut self.low };
        lane.push(caller);
        self.admit();
        shed
    }

    fn fits(&self, weight: u32) -> bool {
        self.in_use() + weight.min(self.limit) <= self.limit
    }

    fn in_use(&self) -> u32 {
        self.inside.iter().map(|(_, permits)| permits).sum()
    }

    fn enter(&mut self, (caller, weight): Caller) {
        self.inside.push((caller, weight.min(self.limit)));
    }

    fn admit(&mut self) {
        loop {
            let lane = if self.high.is_empty() { &self.low } else { &self.high };
            let Some(first) = lane.first().copied().filter(|(_, weight)| self.fits(*weight)) else { break };
            if self.high.is_empty() {
                self.low.remove(0)
            } else {
                self.high.remove(0)
            };
            self.enter(first);
        }
    }
}

/// A real caller: on its way in, or inside.
enum Real<'a> {
    Coming(Pin<Box<BulkheadAcquire<'a>>>),
    Inside(BulkheadPermit<'a>),
    Refused,
}

impl Real<'_> {
    fn poll(&mut self) {
        if let Self::Coming(acquire) = self
            && let Poll::Ready(outcome) = acquire.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            *self = outcome.map_or(Self::Refused, Self::Inside);
        }
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let priority = prop_oneof![3 => Just(Priority::High), 2 => Just(Priority::Low)];
    let action = prop_oneof![
        6 => (prop_oneof![3 => Just(1), 1 => 1..6_u32], priority).prop_map(|(weight, priority)| Action::Come(weight, priority)),
        4 => (0..8_usize).prop_map(Action::Leave),
        2 => (0..8_usize).prop_map(Action::GiveUp),
        1 => (1..7_u32).prop_map(Action::Resize),
    ];
    prop::collection::vec(action, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bulkhead_lets_in_whom_the_list_says(limit in 1..6_u32, queue in 0..6_u32, actions in actions()) {
        let bulkhead = Bulkhead::named("modelled").limit(limit).queue(queue).max_wait(Duration::MAX);
        let mut model =
            Model { limit, queue: queue as usize, inside: Vec::new(), high: Vec::new(), low: Vec::new() };
        let mut callers: Vec<Real<'_>> = Vec::new();

        for action in actions {
            match action {
                Action::Come(weight, priority) => {
                    let mut caller = Real::Coming(Box::pin(bulkhead.entry().weight(weight).priority(priority).acquire()));
                    caller.poll();
                    let number = callers.len();
                    callers.push(caller);
                    if let Some(refused) = model.come((number, weight), priority) {
                        callers[refused].poll();
                        prop_assert!(matches!(callers[refused], Real::Refused), "{refused} is refused");
                    }
                }
                Action::Leave(place) => {
                    if place < model.inside.len() {
                        let (caller, _) = model.inside.remove(place);
                        callers[caller] = Real::Refused;
                        model.admit();
                    }
                }
                Action::GiveUp(place) => {
                    let (high, low) = (model.high.len(), model.low.len());
                    if place < high + low {
                        let lane = if place < high { &mut model.high } else { &mut model.low };
                        let (caller, _) = lane.remove(if place < high { place } else { place - high });
                        callers[caller] = Real::Refused;
                        model.admit();
                    }
                }
                Action::Resize(limit) => {
                    bulkhead.set_limit(limit);
                    model.limit = limit;
                    model.admit();
                }
            }

            callers.iter_mut().for_each(Real::poll);
            for (number, caller) in callers.iter().enumerate() {
                let is_inside = model.inside.iter().find(|(inside, _)| *inside == number);
                match caller {
                    Real::Inside(permit) => prop_assert_eq!(Some(&(number, permit.permits())), is_inside),
                    _ => prop_assert_eq!(is_inside, None),
                }
            }
            let counts = bulkhead.counts();
            prop_assert_eq!((counts.limit, counts.in_use), (model.limit, model.in_use()));
            prop_assert_eq!(counts.waiting as usize, model.high.len() + model.low.len());
        }
        drop(callers);
        prop_assert_eq!((bulkhead.counts().in_use, bulkhead.counts().waiting), (0, 0));
    }
}
