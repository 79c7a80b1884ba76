//! The settings to compare.

use std::time::Duration;

use resilient::CircuitBreaker;

/// The settings that decide when a breaker opens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) failure_rate: f64,
    pub(super) span: Span,
    pub(super) min_calls: u32,
    pub(super) consecutive: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Span {
    Seconds(u32),
    Calls(u32),
}

impl Setting {
    pub(super) fn breaker(&self) -> CircuitBreaker {
        let breaker = CircuitBreaker::named(self.name).failure_rate(self.failure_rate);
        let breaker = match self.span {
            Span::Seconds(seconds) => breaker.window(Duration::from_secs(seconds.into())),
            Span::Calls(calls) => breaker.count_window(calls),
        };
        let breaker = breaker.min_calls(self.min_calls);
        match self.consecutive {
            Some(failures) => breaker.consecutive(failures),
            None => breaker.without_consecutive(),
        }
    }
}

/// The settings, of which the defaults are the first.
pub(super) const SETTINGS: [Setting; 9] = [
    DEFAULTS,
    Setting { name: "`consecutive = off`", consecutive: None, ..DEFAULTS },
    Setting { name: "`consecutive = 10`", consecutive: Some(10), ..DEFAULTS },
    Setting { name: "`min_calls = 100`", min_calls: 100, ..DEFAULTS },
    Setting { name: "`window = \"2s\"`", span: Span::Seconds(2), ..DEFAULTS },
    Setting { name: "`window = 100`", span: Span::Calls(100), ..DEFAULTS },
    Setting { name: "`failure_rate = \"20%\"`", failure_rate: 0.2, ..DEFAULTS },
    Setting { name: "`min_calls = 50, consecutive = 10`", min_calls: 50, consecutive: Some(10), ..DEFAULTS },
    Setting {
        name: "`failure_rate = \"20%\", min_calls = 100, consecutive = 10`",
        failure_rate: 0.2,
        min_calls: 100,
        consecutive: Some(10),
        ..DEFAULTS
    },
];

const DEFAULTS: Setting =
    Setting { name: "defaults", failure_rate: 0.5, span: Span::Seconds(10), min_calls: 20, consecutive: Some(5) };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_breakers_own() {
        let shown = |breaker: &CircuitBreaker| {
            let text = format!("{breaker:?}");
            text.split_once("config")
                .expect("it shows its settings")
                .1
                .replace("min_calls: Some(20)", "min_calls: None")
        };

        assert_eq!(shown(&DEFAULTS.breaker()), shown(&CircuitBreaker::named("own")));
    }
}
