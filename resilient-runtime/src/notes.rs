//! The numbers that each kind of policy keeps in its [book](crate::book), besides ends and rejections.

/// Numbers the constants of one kind.
macro_rules! notes {
    ($($(#[$doc:meta])* $kind:ident { $($(#[$note_doc:meta])* $note:ident = $number:expr),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            pub(crate) mod $kind {
                use crate::book::Note;

                $($(#[$note_doc])* pub(crate) const $note: Note = $number;)+
            }
        )+
    };
}

notes! {
    circuit_breaker {
        /// Calls that it would have refused.
        OBSERVED = 0,
        /// Transitions to each state, by its number; six of them.
        TRANSITIONS = 1,
        /// Questions about a shared breaker that the store answered.
        EXCHANGES = 7,
        /// Questions that it did not answer.
        FAILED_EXCHANGES = 8,
        /// Times that it began not to answer.
        DEGRADED = 9,
    }
    bulkhead {
        /// Calls that had to wait.
        QUEUED = 0,
        /// Calls that would have had to wait, or been refused.
        OBSERVED = 1,
        /// Nanoseconds that calls waited for a permit.
        WAITED_NANOS = 2,
    }
    rate_limit {
        /// Pauses that servers asked for.
        PAUSES = 0,
        /// Times that the rate was halved.
        SLOWED = 1,
        /// Calls that waited for their turn.
        QUEUED = 2,
        /// Nanoseconds that they waited.
        WAITED_NANOS = 3,
        /// Calls that would have been refused, or have waited.
        OBSERVED = 4,
        /// Questions that the store of a shared limit answered.
        EXCHANGES = 5,
        /// Questions that it did not answer.
        FAILED_EXCHANGES = 6,
        /// Times that it began not to answer.
        DEGRADED = 7,
    }
    throttle {
        /// Calls that would have been dropped.
        OBSERVED = 0,
    }
    hedge {
        /// Attempts started beside others.
        SENT = 0,
        /// Calls that such an attempt brought the success of.
        WON = 1,
        /// Attempts that were due and not started.
        SUPPRESSED = 2,
        /// Attempts that would have been started.
        OBSERVED = 3,
    }
    retry {
        /// Retries that were decided on.
        RETRIES = 0,
        /// Calls that would have been retried.
        OBSERVED = 1,
        /// Calls that ended after 1, 2, 3, up to 5, up to 10 and more retries; six of them.
        CALLS_BY_RETRIES = 2,
        /// Calls that were given up, by the number of the reason; ten of them.
        GAVE_UP = 8,
    }
    timeout {
        /// Calls that would have timed out.
        OBSERVED = 0,
        /// Calls that went on after their time.
        LATE = 1,
    }
    fallback {
        /// Calls that were answered, by the number of the source; three of them.
        ANSWERED = 0,
        /// Calls that had nothing to fall back to.
        UNANSWERED = 3,
        /// Calls that would have fallen back.
        OBSERVED = 4,
        /// Values that were kept.
        KEPT = 5,
    }
    cancel {
        /// Calls that would have been cancelled.
        OBSERVED = 0,
    }
    batch {
        /// Calls that would have been gathered.
        OBSERVED = 0,
    }
}
