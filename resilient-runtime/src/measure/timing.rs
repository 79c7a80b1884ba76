//! The time of one call.

use tokio::time::Instant;

use super::Measure;
use super::span::CallSpan;
use crate::book::Ended;
use crate::clock;
use crate::when::Judge;
use crate::{Error, Mode};

/// The time of one call, from its first poll on. If it is dropped before its end, the call was abandoned.
#[derive(Debug)]
pub(super) struct Timing<'a> {
    policy: &'a Measure,
    stage: Stage,
    span: CallSpan,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Fresh,
    /// It runs, since then; `None` if it is not measured.
    Runs(Option<Instant>),
    Over,
}

impl<'a> Timing<'a> {
    #[inline]
    pub(super) const fn new(policy: &'a Measure) -> Self {
        Self { policy, stage: Stage::Fresh, span: CallSpan::none() }
    }

    /// Polls what is measured, inside the span if there is one.
    #[inline]
    pub(super) fn poll<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        if let Stage::Fresh = self.stage {
            self.begin();
        }
        self.span.within(poll)
    }

    fn begin(&mut self) {
        let policy = self.policy;
        let measures = policy.shell.mode() != Mode::Off;
        self.stage = Stage::Runs(measures.then(clock::now));
        if measures && policy.spans {
            self.span = CallSpan::open(policy.shell.record());
        }
    }

    /// Counts its end by its outcome.
    #[inline]
    pub(super) fn settle<O>(&mut self, outcome: &O, judge: &impl Judge<O>) {
        self.end(Ended::of(judge.class_of(outcome)), judge.rejection_in(outcome));
    }

    /// Counts its end; `rejection` is what it ended with, if that was one.
    #[inline]
    fn end(&mut self, ended: Ended, rejection: Option<&Error>) {
        let Stage::Runs(began) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        self.policy.shell.count(ended);
        if let Some(began) = began {
            let took = clock::now().saturating_duration_since(began);
            self.policy.histogram().count(ended, clock::nanos(took));
        }
        self.span.close(ended, rejection);
    }
}

impl Drop for Timing<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Stage::Runs(_) = self.stage {
            self.end(Ended::Abandoned, None);
        }
    }
}
