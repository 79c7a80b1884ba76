//! The list as a table for people.

use std::fmt;
use std::time::Duration;

use super::{FunctionSnapshot, GivenSnapshot, KeySnapshot, LayerSnapshot, Number, Policies, PolicySnapshot, Setting};

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for function in &self.functions {
            writeln!(f, "{function}")?;
        }
        if !self.others.is_empty() {
            writeln!(f, "policies by hand, since they were first used")?;
        }
        for policy in &self.others {
            writeln!(f, "  {} `{}` {}", policy.kind, policy.name, At(policy))?;
            writeln!(f, "    {policy}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FunctionSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, function, file, line, stack, worst_case, unlimited, .. } = self;
        write!(f, "{module}::{function} at {file}:{line}, ")?;
        match worst_case {
            Some(time) => writeln!(f, "at most {time:?} a call")?,
            None => {
                let reason = unlimited.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
                writeln!(f, "no limit to the time of a call{reason}")?;
            }
        }
        #[cfg(feature = "chaos")]
        for chaos in &self.chaos {
            writeln!(f, "  {:<24} {chaos}", "CHAOS")?;
        }
        for LayerSnapshot { layer, policy, given } in stack {
            match policy {
                Some(policy) if policy.name == *function => writeln!(f, "  {layer:<24} {policy}")?,
                Some(policy) => writeln!(f, "  {layer:<24} `{}` {policy}", policy.name)?,
                None if given.is_empty() => writeln!(f, "  {layer:<24} a policy of the function's own choice")?,
                None => {
                    let given: Vec<String> = given.iter().map(GivenSnapshot::to_string).collect();
                    writeln!(f, "  {layer:<24} from {}", given.join(" or from "))?;
                }
            }
        }
        Ok(())
    }
}

/// One line: the name and the settings.
impl fmt::Display for GivenSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, a policy by hand", self.name)?;
        self.settings.iter().try_for_each(|setting| write!(f, " · {setting}"))
    }
}

/// The key and the value, and what it was built with if that is another.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, compiled, origin } = self;
        write!(f, "{key} {value}")?;
        if value != compiled {
            let by = origin.as_ref().map_or_else(String::new, |origin| format!(", by {origin}"));
            write!(f, " (compiled: {compiled}{by})")?;
        }
        Ok(())
    }
}

/// One line: the mode and the state, the settings, and the numbers that are not zero.
impl fmt::Display for PolicySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.state.map(|state| state.to_string().to_uppercase()));
        parts.extend(self.mode.filter(|mode| *mode != crate::Mode::Enforce).map(|mode| format!("mode {mode}")));
        parts.extend(self.settings.iter().map(Setting::to_string));
        let is_news = |level: &&Number| !self.settings.iter().any(|setting| setting.key == level.name);
        parts.extend(self.levels.iter().filter(is_news).map(shown));
        if let Some(keys) = &self.keys {
            parts.push(format!(
                "{} of {} keys, {} in trouble, {} without room",
                keys.len, keys.capacity, keys.unhealthy, keys.overflowed
            ));
            parts.extend(named("in trouble", &keys.in_trouble));
            parts.extend(named("busiest", &keys.busiest));
        }
        let not_zero = |number: &&Number| number.value != 0.0;
        let outcomes: Vec<String> = self.outcomes.iter().filter(not_zero).map(shown).collect();
        if !outcomes.is_empty() {
            parts.push(format!("calls: {}", outcomes.join(", ")));
        }
        let rejections: Vec<String> = self.rejections.iter().filter(not_zero).map(shown).collect();
        if !rejections.is_empty() {
            parts.push(format!("refused: {}", rejections.join(", ")));
        }
        parts.extend(self.counts.iter().filter(not_zero).map(shown));
        let within = |share| Some(shown_bound(self.durations.as_ref()?.within(share)?));
        if let (Some(half), Some(most)) = (within(0.5), within(0.99)) {
            parts.push(format!("half {half}, 99 in 100 {most}"));
        }
        if parts.is_empty() {
            parts.push("no calls so far".to_owned());
        }
        f.write_str(&parts.join(" · "))
    }
}

/// The place of a policy in the source.
struct At<'a>(&'a PolicySnapshot);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.file.is_empty() { Ok(()) } else { write!(f, "at {}:{}", self.0.file, self.0.line) }
    }
}

/// The first few of the keys, with what is known of them.
fn named(what: &str, keys: &[KeySnapshot]) -> Option<String> {
    let one = |KeySnapshot { key, state, activity }: &KeySnapshot| match state {
        Some(state) => format!("{key} {state} {activity}"),
        None => format!("{key} {activity}"),
    };
    let first: Vec<String> = keys.iter().take(3).map(one).collect();
    (!first.is_empty()).then(|| format!("{what}: {}", first.join(", ")))
}

/// Within a bound of a histogram, in words.
fn shown_bound(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(bound) => format!("within {bound:?}"),
        Err(_) => "longer than the last bucket".to_owned(),
    }
}

fn shown(Number { name, value }: &Number) -> String {
    format!("{name} {}", (value * 1_000.0).round() / 1_000.0)
}
