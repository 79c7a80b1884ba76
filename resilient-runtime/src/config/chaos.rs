//! Chaos that settings order: its keys, and which of it is in force.

use std::collections::BTreeMap;
use std::time::Duration;

use resilient_words::{choice, nearest};

use super::file::Entry;
use crate::Class;
use crate::chaos::{Chaos, Running};
use crate::tune::{Change, Key};

/// The name of all functions.
const EVERYWHERE: &str = "*";

/// The entries about chaos, by the functions that they are for.
#[derive(Default)]
pub(super) struct Wanted<'e>(BTreeMap<&'e str, Vec<Setting<'e>>>);

/// One key, and its source.
struct Setting<'e> {
    source: usize,
    is_code: bool,
    entry: &'e Entry,
}

/// Chaos that settings come to, and what is wrong with it.
#[derive(Default)]
pub(super) struct Ordered {
    chaos: Vec<(String, Chaos, String)>,
    /// The source of each, with the mistake at its place.
    pub(super) mistakes: Vec<(usize, super::Mistake)>,
    /// Names that no function has.
    pub(super) missing: Vec<(usize, super::Mistake)>,
    /// The changes that it brings, in words.
    pub(super) news: Vec<String>,
}

/// Chaos in force by settings.
#[derive(Default)]
pub(super) struct InForce(Vec<(String, Chaos, Running)>);

impl<'e> Wanted<'e> {
    /// Adds an entry of a source; code counts in place of files, and comes after them. An `Err` has the source that says the same.
    pub(super) fn add(&mut self, source: usize, is_code: bool, entry: &'e Entry) -> Result<(), usize> {
        let settings = self.0.entry(&entry.target).or_default();
        let earlier = settings.iter().position(|earlier| earlier.entry.change.key == entry.change.key);
        if let Some(earlier) = earlier {
            if !is_code {
                return Err(settings[earlier].source);
            }
            settings.remove(earlier);
        }
        settings.push(Setting { source, is_code, entry });
        Ok(())
    }

    /// Reads all of them.
    pub(super) fn order(self) -> Ordered {
        let mut ordered = Ordered::default();
        for (target, settings) in self.0 {
            ordered.read(target, &settings);
        }
        ordered
    }
}

impl Ordered {
    fn read(&mut self, target: &str, settings: &[Setting<'_>]) {
        let (mut keys, mistakes) = (Keys::default(), self.mistakes.len());
        for Setting { source, entry, .. } in settings {
            let Change { key, value } = &entry.change;
            let mistake = match Keys::ALL.iter().find(|known| known.name == key) {
                Some(known) => known.set(&mut keys, value).err().map(|message| entry.value_at.says(message)),
                None => Some(entry.key_at.says(unknown(key))),
            };
            self.mistakes.extend(mistake.map(|mistake| (*source, mistake)));
        }
        let Some(last) = settings.last().filter(|_| self.mistakes.len() == mistakes) else { return };
        let chaos = match keys.chaos(target) {
            Ok(chaos) => chaos,
            Err(message) => {
                self.mistakes.push((last.source, last.entry.value_at.says(message)));
                return;
            }
        };
        match chaos.unknown_name() {
            Some(message) => {
                let mistake = (last.source, last.entry.target_at.says(message));
                if last.is_code { self.mistakes.push(mistake) } else { self.missing.push(mistake) }
            }
            None => {
                let said = settings.iter().map(|setting| {
                    let Change { key, value } = &setting.entry.change;
                    format!("{key} = {value}")
                });
                self.chaos.push((target.to_owned(), chaos, said.collect::<Vec<_>>().join(", ")));
            }
        }
    }
}

impl InForce {
    /// The changes that come with that order, in words.
    pub(super) fn news(&self, ordered: &Ordered) -> Vec<String> {
        let is_there = |(name, chaos, _): &(String, Chaos, Running)| {
            ordered.chaos.iter().any(|(other, new, _)| (other, new) == (name, chaos))
        };
        let ended = self
            .0
            .iter()
            .filter(|running| !is_there(running) && !ordered.chaos.iter().any(|(name, ..)| *name == running.0));
        let ended = ended.map(|(name, ..)| format!("chaos `{name}`: ends"));
        let begun = ordered.chaos.iter().filter(|(name, chaos, _)| !self.has(name, chaos));
        ended.chain(begun.map(|(name, _, said)| format!("chaos `{name}`: {said}"))).collect()
    }

    /// Ends what is no longer ordered, and begins what is new. Faults that are ordered as before go on, with their counts and draws.
    pub(super) fn put(&mut self, ordered: Ordered) {
        self.0.retain(|(name, chaos, _)| ordered.chaos.iter().any(|(other, new, _)| (other, new) == (name, chaos)));
        for (name, chaos, _) in ordered.chaos {
            if !self.has(&name, &chaos) {
                // it was checked
                let running = chaos.clone().begin().ok();
                self.0.extend(running.map(|running| (name, chaos, running)));
            }
        }
    }

    fn has(&self, name: &str, chaos: &Chaos) -> bool {
        self.0.iter().any(|(other, running, _)| other == name && running == chaos)
    }
}

/// The keys of one order.
#[derive(Default, Clone, Copy)]
struct Keys {
    fail: Option<f64>,
    fail_as: Option<Class>,
    delay: Option<f64>,
    min_delay: Option<Duration>,
    max_delay: Option<Duration>,
    hang: Option<f64>,
    panic: Option<f64>,
    seed: Option<u32>,
}

impl Keys {
    const ALL: &'static [Key<Self>] = &[
        Key::ratio("fail", "\"10%\"", refuses_share, |keys: &mut Self, share| keys.fail = Some(share)),
        Key::own("fail_as", "\"permanent\"", |keys, given| {
            let classes = [Class::Transient, Class::Throttled { after: None }, Class::Permanent];
            keys.fail_as = Some(classes[given.word(&["transient", "throttled", "permanent"])?]);
            Ok(())
        }),
        Key::ratio("delay", "\"10%\"", refuses_share, |keys: &mut Self, share| keys.delay = Some(share)),
        Key::time("min_delay", "\"50ms\"", |_| None, |keys: &mut Self, time| keys.min_delay = Some(time)),
        Key::time("max_delay", "\"200ms\"", |_| None, |keys: &mut Self, time| keys.max_delay = Some(time)),
        Key::ratio("hang", "\"1%\"", refuses_share, |keys: &mut Self, share| keys.hang = Some(share)),
        Key::ratio("panic", "\"1%\"", refuses_share, |keys: &mut Self, share| keys.panic = Some(share)),
        Key::count("seed", "7", |_| None, |keys: &mut Self, seed| keys.seed = Some(seed)),
    ];

    /// The chaos that they order.
    fn chaos(self, target: &str) -> Result<Chaos, String> {
        let mut chaos = if target == EVERYWHERE { Chaos::everywhere() } else { Chaos::on(target) };
        match (self.fail, self.fail_as) {
            (Some(share), class) => chaos = chaos.fail_as(share, class.unwrap_or(Class::Transient)),
            (None, Some(_)) => return Err("`fail_as` is for attempts that fail: add `fail = \"10%\"`".to_owned()),
            (None, None) => {}
        }
        match (self.delay, self.max_delay) {
            (Some(share), Some(most)) => {
                chaos = chaos.delay(share, self.min_delay.unwrap_or_default()..=most);
            }
            (Some(_), None) => {
                return Err(
                    "`delay` is a share of the attempts: say by how long, with `max_delay = \"200ms\"`".to_owned()
                );
            }
            (None, None) if self.min_delay.is_none() => {}
            (None, _) => return Err("nothing is delayed: add `delay = \"10%\"`".to_owned()),
        }
        if let Some(share) = self.hang {
            chaos = chaos.hang(share);
        }
        if let Some(share) = self.panic {
            chaos = chaos.panic(share);
        }
        if let Some(seed) = self.seed {
            chaos = chaos.seed(u64::from(seed));
        }
        chaos.check_faults().map(|()| chaos).map_err(|refused| refused.to_string())
    }
}

/// Returns why that is no share, if it is none.
const fn refuses_share(share: f64) -> Option<&'static str> {
    if share > 0.0 { None } else { Some("a share is above 0, or its key is left out") }
}

/// The message for a key that there is not.
fn unknown(key: &str) -> String {
    let names = || Keys::ALL.iter().map(|key| key.name);
    match nearest(key, names()) {
        Some(meant) => format!("unknown key `{key}`: did you mean `{meant}`?"),
        None => format!("unknown key `{key}`: {}", choice("key", names())),
    }
}
