//! The policies of many keys against a model that knows when each was last used.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;

use proptest::prelude::*;

use super::*;

/// A policy that can be told from every other.
#[derive(Debug)]
struct Numbered {
    number: u32,
    naming: Naming<Self>,
}

impl Named for Numbered {
    const KIND: PolicyKind = PolicyKind::RateLimit;

    fn name(&self) -> &'static str {
        "numbered"
    }

    fn naming(&self) -> &Naming<Self> {
        &self.naming
    }

    fn agrees(&self, _: &Self) -> bool {
        true
    }
}

impl Keyed for Numbered {
    fn fresh(&self) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self { number: NEXT.fetch_add(1, Relaxed), naming: self.naming.again() }
    }

    without_settings!();

    fn is_held_by_hand(&self) -> bool {
        false
    }
}

#[derive(Debug, Clone)]
enum Action {
    Ask(u8),
    AskAndHold(u8),
    DropOldest,
    Wait(u16),
}

/// When the policy of a key was last used, and which it is.
#[derive(Debug)]
struct Use {
    number: u32,
    last: u64,
    holds: u32,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        6 => (0..12_u8).prop_map(Action::Ask),
        2 => (0..12_u8).prop_map(Action::AskAndHold),
        2 => Just(Action::DropOldest),
        4 => prop_oneof![0..40_u16, Just(50), Just(100), 0..500_u16].prop_map(Action::Wait),
    ];
    prop::collection::vec(action, 0..200)
}

const IDLE: u64 = 100;

proptest! {
    #[test]
    fn keeps_what_is_used_and_only_what_fits(actions in actions(), capacity in 1..10_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let template = Numbered { number: 0, naming: Naming::here() };
            let keyed = PerKey::new(template).capacity(capacity).idle(Duration::from_millis(IDLE));
            let mut uses: HashMap<u8, Use> = HashMap::new();
            let mut held = std::collections::VecDeque::new();
            let (mut now, mut made, mut overflowed) = (0, 0, 0);
            let mut news: Vec<u64> = Vec::new();

            for action in actions {
                match action {
                    Action::Wait(millis) => {
                        now += u64::from(millis);
                        tokio::time::advance(Duration::from_millis(u64::from(millis))).await;
                    }
                    Action::DropOldest => {
                        if let Some((key, policy)) = held.pop_front() {
                            drop(policy);
                            let used: Option<&mut Use> = uses.get_mut(&key);
                            let used = used.expect("what is held is there");
                            used.holds -= 1;
                            used.last = now;
                        }
                    }
                    Action::Ask(key) | Action::AskAndHold(key) => {
                        let policy = keyed.of(&key);
                        let used = uses.get(&key);
                        let is_used = |used: &Use| used.holds > 0 || now - used.last < IDLE;
                        if policy.is_overflow() {
                            overflowed += 1;
                            prop_assert!(uses.values().all(|used| used.number != policy.number));
                            prop_assert!(used.is_none_or(|used| !is_used(used)), "{key} was in use");
                            prop_assert_eq!(keyed.len(), capacity);
                            // one that was unused for an idle time at a new key, and for another one since, is gone
                            let had_both = |last| news.iter().any(|new| last + IDLE <= *new && new + IDLE <= now);
                            let may_be_there = uses.values().filter(|used| used.holds > 0 || !had_both(used.last));
                            prop_assert!(may_be_there.count() >= capacity, "some were idle");
                            news.push(now);
                            continue;
                        }
                        let known = used.filter(|used| used.number == policy.number);
                        if known.is_none() {
                            prop_assert!(used.is_none_or(|used| !is_used(used)), "{key} was forgotten in use");
                            made += 1;
                            news.push(now);
                        }
                        let holds = known.map_or(0, |used| used.holds);
                        let holds_it = matches!(action, Action::AskAndHold(_));
                        let used = Use { number: policy.number, last: now, holds: holds + u32::from(holds_it) };
                        uses.insert(key, used);
                        if holds_it {
                            held.push_back((key, policy));
                        }
                    }
                }
                prop_assert!(keyed.len() <= capacity);
                prop_assert_eq!(keyed.len() as u64 + keyed.evicted(), made);
                prop_assert_eq!(keyed.overflowed(), overflowed);
                let left: usize = keyed.shards.iter().map(Shard::len).sum();
                prop_assert_eq!(left, keyed.len());
            }
            Ok(())
        })?;
    }
}
