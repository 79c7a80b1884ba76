//! The kinds of alerts, with the page of the runbook for each.

/// A kind of alert.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// The name, as Prometheus has it.
    pub name: &'static str,
    /// The meaning.
    pub meaning: &'static str,
    /// The places to look at, in this order.
    pub look: &'static [&'static str],
    /// The things that can be switched or changed.
    pub switch: &'static [&'static str],
    /// The sign that it worked.
    pub works: &'static str,
}

/// All kinds, in the order of the runbook.
pub static KINDS: &[&Kind] = &[
    &ERROR_BUDGET_BURN,
    &BREAKER_KEEPS_REFUSING,
    &METRICS_ABSENT,
    &BREAKER_OPENED,
    &REFUSES,
    &CALLS_SLOW,
    &CALLS_LATE,
    &BULKHEAD_SATURATED,
    &QUEUE_FULL,
    &WAITS_LONG,
    &RATE_LIMIT_USED_UP,
    &RATE_SLOWED,
    &THROTTLE_SHEDS,
    &RETRIES_AMPLIFY,
    &RETRY_BUDGET_EXHAUSTED,
    &KEYS_FULL,
    &STORE_DOWN,
    &SETTINGS_REFUSED,
];

pub(crate) static ERROR_BUDGET_BURN: Kind = Kind {
    name: "ResilientErrorBudgetBurn",
    meaning: "So many calls of a function fail that the error budget will be gone long before the month is. A call counts as failed if its \
              outcome is transient or throttled, or if a policy refused it. Permanent failures, such as a bad request, are the caller's.",
    look: &[
        "The row *Refusals* of the dashboard: refusals by a policy of ours, or failures of what is called?",
        "The outcomes of the function's calls: `throttled` means that the server turns callers away, `transient` that it fails.",
        "Other alerts of the same function. They say which policy acts, and this one how much it matters.",
    ],
    switch: &[
        "If what is called fails: its own operators. The policies limit the harm until it is well.",
        "If a policy refuses calls that would succeed: see the alert of that policy.",
    ],
    works: "The share of failed calls falls below the objective, and the short window lets the alert end after minutes.",
};

pub(crate) static BREAKER_KEEPS_REFUSING: Kind = Kind {
    name: "ResilientBreakerKeepsRefusing",
    meaning: "A circuit breaker has been open for longer than single trips explain, and calls are refused. Each time that its open time is over it \
              lets probes through, and they fail. A breaker that nobody asks does not lead to this alert.",
    look: &[
        "The failures that its probes meet: the function's outcomes, and the last error in the program's log.",
        "Whether the server is reachable from this program: one instance or all of them (the label `instance` of the state)?",
        "The breaker's settings in `resilient-ops list`: a `probe_timeout` or an inner time-out that is shorter than the server now takes keeps it open.",
    ],
    switch: &[
        "If the server is well and the breaker is wrong: mode `observe`, in which it decides and counts, and lets all calls through.",
        "If the server is down for long: a fallback, or turn the feature off that needs it.",
    ],
    works: "The state goes to half-open and closed, `circuit_open` refusals stop, and the alert ends soon after.",
};

pub(crate) static METRICS_ABSENT: Kind = Kind {
    name: "ResilientMetricsAbsent",
    meaning: "Prometheus has had no series of the policies for longer than a deploy takes. All other alerts about them are blind.",
    look: &[
        "Prometheus' page of targets: is the program scraped, and with success?",
        "The metrics page itself: an exporter that was not registered, or was shut down, may answer with an empty page and 200.",
        "Whether the job was renamed: the rules ask for the job that they were made for.",
    ],
    switch: &["The program or its exporter: start it, register it. There is no switch of a policy for this."],
    works: "The metrics page has a line that begins with `resilient_policies`, and the alert ends with the next scrape.",
};

pub(crate) static BREAKER_OPENED: Kind = Kind {
    name: "ResilientBreakerOpened",
    meaning: "A circuit breaker has opened at least once in the last minutes. That is its task: something it calls has failed. It may be over \
              already.",
    look: &[
        "The state and the failures in the breaker's window, on the dashboard.",
        "The outcomes of the function's calls before it opened.",
        "How often it opened: again and again, with good times between, is a server that fails in part.",
    ],
    switch: &[
        "Nothing, if it was once and it is closed again.",
        "If it opens although few calls fail: a higher `min_calls` or `failure_rate`; mode `observe` until that is found out.",
    ],
    works: "No more transitions to `open`; the alert ends one window after the last.",
};

pub(crate) static REFUSES: Kind = Kind {
    name: "ResilientRefusesCalls",
    meaning: "A policy refuses so large a share of the calls, for the reason that the alert names, that this alone would spend the error budget in \
              days. An open breaker, a throttle that sheds and a cancelled call are not counted here.",
    look: &[
        "The reason. `timed_out`, `deadline_exceeded`: too slow. `queue_full`, `waited_too_long`: too many calls at once. `rate_limited`, `paused`: \
         too many a second, or the server asked for a pause.",
        "Whether the calls have become more, or slower: the rates and the durations on the dashboard.",
    ],
    switch: &[
        "If the server can take more: a higher limit or rate. If it cannot, refusing is right, and the load has to fall.",
        "A time-out that ends calls which would succeed: a longer one, if the callers can wait.",
    ],
    works: "Refusals with that reason fall below the threshold in the alert's text.",
};

pub(crate) static CALLS_SLOW: Kind = Kind {
    name: "ResilientCallsSlow",
    meaning: "One call in a hundred takes nearly as long as its time-out allows. A little slower, and these calls are failures.",
    look: &[
        "The durations on the dashboard: all calls, or only the slowest?",
        "The waits for permits: a call waits for its bulkhead and its rate limit before it is made.",
        "The server's own durations. If those are good, the time goes on the way or in this program.",
    ],
    switch: &[
        "If only the slowest are slow, and the call may run twice: a hedge.",
        "If all are: less load, or a longer time-out if the callers can wait.",
    ],
    works: "The 99th percentile falls below the threshold in the alert's text.",
};

pub(crate) static CALLS_LATE: Kind = Kind {
    name: "ResilientCallsLate",
    meaning: "Calls go on after their time-out. A time-out is a timer, which goes off only where a thread is free to look at it: something holds the \
              threads of the runtime. While it does, no time-out of that thread ends anything.",
    look: &[
        "The function that is named first: a body that computes, reads files with `std`, or waits for a lock. Then the other tasks of the program.",
        "The processor: with more work than cores, everything is late.",
        "tokio-console, or a profile: the poll that takes longer than a millisecond.",
    ],
    switch: &[
        "No switch of a policy helps. `spawn_blocking` for what blocks, `fan_out(executor = \"blocking\")` for many of it, more cores for what computes.",
    ],
    works: "`resilient_late_total` rises no more.",
};

pub(crate) static BULKHEAD_SATURATED: Kind = Kind {
    name: "ResilientBulkheadSaturated",
    meaning: "Nearly all permits of a bulkhead have been in use over the whole window. Calls wait, or are refused.",
    look: &[
        "The durations: permits in use are the rate of calls times their duration. If calls have become slow, the limit is not the cause.",
        "The limit itself, if it adapts: it falls when the server is slow.",
    ],
    switch: &["If the server has room: a higher `limit`. If it has not: fewer calls."],
    works: "The permits in use stay below nine tenths of the limit.",
};

pub(crate) static QUEUE_FULL: Kind = Kind {
    name: "ResilientQueueFull",
    meaning: "Nearly all places of a bulkhead's queue have been taken over the whole window. More calls are refused with `queue_full`.",
    look: &[
        "The permits in use, and the durations, as for a saturated bulkhead.",
        "The mean wait: is a long queue worth the time?",
    ],
    switch: &[
        "A higher `limit` if the server has room. A longer queue only adds waiting, unless the load comes in bursts.",
    ],
    works: "The number of waiting calls falls.",
};

pub(crate) static WAITS_LONG: Kind = Kind {
    name: "ResilientWaitsLong",
    meaning: "Calls that have to wait for a permit wait for half of the longest wait or more, on average. Soon they are refused.",
    look: &[
        "For a bulkhead, the permits in use and the durations. For a rate limit, the rate beside its setting.",
        "Whether the callers have that time: what is waited here is missing from their deadline.",
    ],
    switch: &[
        "A higher `limit` or `rate` if the server allows it.",
        "A shorter `max_wait`, if it is better to refuse at once.",
    ],
    works: "The mean wait falls below the threshold in the alert's text.",
};

pub(crate) static RATE_LIMIT_USED_UP: Kind = Kind {
    name: "ResilientRateLimitUsedUp",
    meaning: "A rate limit lets nearly as much through as it may. With more, calls wait or are refused.",
    look: &[
        "Refusals with `rate_limited`, and the waits: is it felt already?",
        "The cause of the load: more users, or a loop that calls without end?",
    ],
    switch: &["A higher `rate`, if the server's quota allows it.", "Fewer calls: batches, coalescing, a cache."],
    works: "The rate stays below nine tenths of the setting.",
};

pub(crate) static RATE_SLOWED: Kind = Kind {
    name: "ResilientRateSlowed",
    meaning: "The server has answered with pauses or asked for less, so that a rate limit lets less than half of its rate through.",
    look: &[
        "The outcomes of the calls: `throttled` ones are 429 and its like.",
        "Other programs that use the same quota at the server.",
    ],
    switch: &["A lower `rate`, so that the server need not ask.", "The quota at the server."],
    works: "The share of the rate rises to 1 by itself, once the server stops to ask.",
};

pub(crate) static THROTTLE_SHEDS: Kind = Kind {
    name: "ResilientThrottleSheds",
    meaning: "A throttle drops calls before they are made, since the server turns too many away.",
    look: &[
        "The outcomes of the calls that were made: how many are `throttled`?",
        "The load, and that of other programs at the same server.",
    ],
    switch: &[
        "The load. The throttle follows by itself.",
        "If the server is well: mode `observe`, in which it decides and counts, and lets all calls through.",
    ],
    works: "The share of dropped calls falls as the server takes more.",
};

pub(crate) static RETRIES_AMPLIFY: Kind = Kind {
    name: "ResilientRetriesAmplify",
    meaning: "There are many more attempts than calls. Retries help against single failures, and add load to a server that fails for want of \
              capacity.",
    look: &[
        "The outcomes of attempts: a server that is down, or a part of the calls that always fails?",
        "Whether failures are classed as transient that no retry will mend.",
    ],
    switch: &[
        "If the server is overloaded: mode `off` for the retry. Each call is then one attempt.",
        "A budget, if there is none; a smaller `max`.",
    ],
    works: "The attempts per call fall below the threshold in the alert's text.",
};

pub(crate) static RETRY_BUDGET_EXHAUSTED: Kind = Kind {
    name: "ResilientRetryBudgetExhausted",
    meaning: "Calls fail without another attempt, since the budget for retries is used up. The budget does what it is there for: it keeps the server \
              from a storm of retries.",
    look: &[
        "The failures that are tried again: an outage, or a part of the calls?",
        "The circuit breaker of the same function.",
    ],
    switch: &["Nothing, while the server is down. A larger budget would be more load for it."],
    works: "Fewer calls fail, and the balance of the budget rises again within ten seconds.",
};

pub(crate) static KEYS_FULL: Kind = Kind {
    name: "ResilientKeysFull",
    meaning: "A policy with a key has met more keys than there is room for. Calls for the others share one policy: one bad key can stop them all.",
    look: &["The number of keys, and the key itself: an identifier that is new with each call is none."],
    switch: &["A key with fewer values.", "More room: `capacity`."],
    works: "No more calls without room for their key.",
};

pub(crate) static STORE_DOWN: Kind = Kind {
    name: "ResilientStoreDown",
    meaning: "The store through which machines share a rate limit or a circuit breaker does not answer. A limit goes by its `when_down`, and a circuit \
              breaker by what its own machine sees. Calls go on.",
    look: &[
        "The reason, beside `shared` in `resilient-ops list` and on the status page.",
        "One instance or all of them (the label `instance`)? One is the network between, and all are the store.",
        "The server of the store: reachable, not full, no replica, allowed to run scripts, and quick enough for the time-out of the store.",
    ],
    switch: &[
        "The store's server. What machines share is as before within a second of its return.",
        "For a limit whose `when_down` refuses calls that are needed: another rule, in the settings or the code.",
    ],
    works: "`resilient_shared_down` is 0 again, and the log says `shared limit recovered`.",
};

pub(crate) static SETTINGS_REFUSED: Kind = Kind {
    name: "ResilientSettingsRefused",
    meaning: "A change of live settings was refused, and none of it applies. The last good settings stay in force.",
    look: &[
        "The program's log: an event of level `WARN` for each mistake, with its line, its column and what to write.",
        "`resilient-ops list`: the values in force, and the origin of each that was changed.",
    ],
    switch: &["The file of settings: mend it. It is read again by itself."],
    works: "`resilient_settings_total` counts one more with `applied`, and the list shows the new values.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_begin_alike() {
        let mut names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert!(names.iter().all(|name| name.starts_with("Resilient")));
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), KINDS.len());
    }
}
