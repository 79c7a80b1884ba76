//! The span of a call.

#[cfg(feature = "tracing")]
use tracing::field::Empty;

use crate::Error;
use crate::book::{Ended, Record};

/// The span of a call, if there is one.
#[derive(Debug)]
#[cfg(feature = "tracing")]
pub(super) struct CallSpan(Option<Box<tracing::Span>>);

#[cfg(feature = "tracing")]
impl CallSpan {
    #[inline]
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The span of a call that begins. Its fields are as OpenTelemetry's bridge reads them; `outcome`, `reason` and `otel.status_code` come at the end.
    #[cold]
    pub(super) fn open(record: &Record) -> Self {
        let function = crate::list::function_of(record.layer);
        let span = tracing::info_span!(
            target: "resilient",
            "call",
            otel.name = function.unwrap_or(record.name),
            policy = record.name,
            function,
            layer = crate::list::label_of(record.layer),
            outcome = Empty,
            reason = Empty,
            otel.status_code = Empty,
        );
        Self((!span.is_disabled()).then(|| Box::new(span)))
    }

    #[inline]
    pub(super) fn within<R>(&self, run: impl FnOnce() -> R) -> R {
        match &self.0 {
            None => run(),
            Some(span) => span.in_scope(run),
        }
    }

    /// Says how the call has ended.
    #[inline]
    pub(super) fn close(&mut self, ended: Ended, rejection: Option<&Error>) {
        if let Some(span) = self.0.take() {
            record(&span, ended, rejection);
        }
    }
}

#[cfg(feature = "tracing")]
#[cold]
fn record(span: &tracing::Span, ended: Ended, rejection: Option<&Error>) {
    let say = || {
        span.record("outcome", ended.as_str());
        if let Some(rejection) = rejection {
            span.record("reason", crate::error::reason_label(rejection.number()));
        }
        match ended {
            Ended::Success => drop(span.record("otel.status_code", "OK")),
            Ended::Transient | Ended::Throttled | Ended::Permanent => drop(span.record("otel.status_code", "ERROR")),
            // nobody knows how it would have ended
            Ended::Abandoned => {}
        }
    };
    crate::event::say_safely(say);
}

/// Without the feature `tracing` there is none.
#[derive(Debug)]
#[cfg(not(feature = "tracing"))]
pub(super) struct CallSpan;

#[cfg(not(feature = "tracing"))]
#[expect(clippy::unused_self, reason = "with the feature there is one")]
impl CallSpan {
    pub(super) const fn none() -> Self {
        Self
    }

    pub(super) const fn open(_record: &Record) -> Self {
        Self
    }

    #[inline]
    pub(super) fn within<R>(&self, run: impl FnOnce() -> R) -> R {
        run()
    }

    pub(super) const fn close(&mut self, _ended: Ended, _rejection: Option<&Error>) {}
}
