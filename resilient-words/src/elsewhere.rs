//! The words that other libraries have for keys.

/// Returns the key that another library's word stands for, of those that there are, and what it is: `("max", "which counts the attempts after the first one")`
/// for `max_retry_attempts`, `MaxRetryAttempts` and `maxAttempts`.
pub fn other_word(word: &str, is_key: impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    let word = snake_case(word);
    let is_it = |words: &str| words.split_whitespace().any(|other| other == word);
    let (_, meant, says) = OTHER_WORDS.iter().find(|(words, meant, _)| is_it(words) && is_key(meant))?;
    Some((meant, says))
}

/// The word as Rust writes it: `max_attempts` for `maxAttempts` and for `MaxAttempts`.
fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    for (index, letter) in word.char_indices() {
        if letter.is_uppercase() && index > 0 && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Words that other libraries have for a key, the key, and what it is here. The first row of which the policy has the key counts.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    // retry
    (
        "attempts max_attempts tries max_tries retries max_retries max_retry_attempts max_times times stop_after_attempt",
        "max",
        "which counts the attempts after the first one",
    ),
    (
        "delay initial_delay min_delay initial_interval initial_backoff min_backoff wait wait_duration interval retry_delay",
        "base",
        "the wait before the first retry",
    ),
    (
        "max_delay max_interval max_backoff max_retry_delay exponential_max_wait_duration",
        "cap",
        "the longest wait before its jitter",
    ),
    (
        "multiplier exponential_backoff_multiplier backoff_multiplier exponent",
        "factor",
        "by which each wait is longer than the one before",
    ),
    (
        "max_duration max_elapsed_time total_delay total_timeout max_total_time",
        "max_elapsed",
        "the time after which no retry begins",
    ),
    (
        "retry_if retry_on predicate condition should_handle retry_exceptions ignore_exceptions record_exceptions \
         retry_on_result retry_on_exception ignore_if fail_if record_failure_predicate handle",
        "when",
        "which says the class of an outcome",
    ),
    (
        "until retry_until repeat_until retry_while stop_when",
        "when",
        "which returns `true` for an outcome that is to be tried again",
    ),
    (
        "backoff_type backoff_strategy strategy exponential exponential_backoff enable_exponential_backoff",
        "backoff",
        "the name of a formula",
    ),
    (
        "use_jitter with_jitter randomize randomized_wait enable_randomized_wait randomization_factor randomized_wait_factor jitter_factor",
        "backoff",
        "the name of a formula, of which `\"exp\"` has no jitter",
    ),
    ("notify on_retry_error retry_listener", "on_retry", "which is called before each retry"),
    ("retry_budget tps_budget without_budget", "budget", "a share of the calls and a rate, or `none`"),
    ("unlimited", "max", "or `unlimited`"),
    // circuit breaker
    (
        "failures max_failures failure_count consecutive_failures consecutive_failures_threshold exceptions_allowed_before_breaking",
        "consecutive",
        "failures in a row, or `off`",
    ),
    ("without_consecutive", "consecutive", "or `off` for none"),
    ("failure_threshold threshold", "failure_rate", "a share of the calls, or `consecutive`, failures in a row"),
    (
        "failure_rate_threshold failure_ratio error_rate error_threshold error_threshold_percentage",
        "failure_rate",
        "a share of the calls",
    ),
    (
        "minimum_throughput minimum_number_of_calls min_throughput min_requests minimum_requests request_volume_threshold",
        "min_calls",
        "the calls that there must be before the rate counts",
    ),
    (
        "sliding_window_size sliding_window_type sampling_duration window_size count_window rolling_window",
        "window",
        "a time, or a number of calls",
    ),
    (
        "break_duration reset_timeout recovery_timeout duration_of_break wait_duration_in_open wait_duration_in_open_state \
         sleep_window open_duration",
        "open_for",
        "the time for which it stays open",
    ),
    ("max_break_duration max_open max_open_for", "open_max", "the longest time for which it stays open"),
    (
        "half_open_max_calls permitted_calls_in_half_open permitted_number_of_calls_in_half_open_state success_threshold \
         half_open_requests half_open_attempts",
        "probes",
        "the calls that decide whether it closes",
    ),
    (
        "max_wait_duration_in_half_open_state half_open_timeout",
        "probe_timeout",
        "the time after which a probe has failed",
    ),
    ("slow_call_duration_threshold slow_call_duration slow_threshold", "slow_call", "how long a slow call takes"),
    ("slow_call_rate_threshold slow_call_rate slow_ratio", "slow_rate", "a share of the calls"),
    ("throttled_fails", "throttled", "or `\"fail\"` for a breaker that counts throttles as failures"),
    // rate limit
    (
        "limit_for_period limit permits_per_second requests_per_second calls_per_second tokens_per_period rps qps permit_limit",
        "rate",
        "a number and a time, as in `\"50/s\"`",
    ),
    (
        "limit_refresh_period window period replenishment_period interval",
        "per",
        "the time in which the calls of the rate are allowed",
    ),
    ("burst_size bucket_size capacity token_limit allow_burst", "burst", "the calls that may come at once"),
    // bulkhead
    (
        "max_concurrent_calls max_concurrent max_concurrency max_parallelization max_in_flight concurrency concurrency_limit permits permit_limit size",
        "limit",
        "how many run at once",
    ),
    ("aimd gradient vegas adaptive algorithm", "limit", "also the name of an algorithm, as in `limit = \"vegas\"`"),
    (
        "max_queuing_actions queue_size queue_limit max_queue max_queue_size queue_capacity queue_depth backlog",
        "queue",
        "how many calls wait at the most",
    ),
    (
        "max_wait_duration timeout_duration acquire_timeout queue_timeout wait_timeout timeout max_delay linger",
        "max_wait",
        "how long a call waits at the most",
    ),
    // a rate limit has no places and no queue
    (
        "queue queue_size queue_limit",
        "max_wait",
        "how long a call waits at the most; one who would wait longer is refused",
    ),
    ("permits tokens cost_per_call", "weight", "the number of calls that this one counts as"),
    // time-out
    (
        "duration time timeout timeout_duration timeout_in_seconds deadline seconds",
        "limit",
        "or nothing before the time",
    ),
    ("per_attempt each_attempt attempt_timeout per_try_timeout", "attempt", "the time of each attempt"),
    ("overall overall_timeout total_timeout request_timeout", "total", "the time of the whole call"),
    // hedge
    (
        "after_percentile percentile delay hedge_delay hedging_delay hedge_after latency_percentile",
        "after",
        "a percentile or a time",
    ),
    ("max_hedged_attempts max_hedges hedges", "max", "how many attempts start besides the first one"),
    ("hedge_ratio max_ratio budget_percent hedging_ratio", "ratio", "the share of the calls that are hedged"),
    ("min_delay", "min_after", "the least time before the second attempt"),
    ("max_delay", "max_after", "the most time before the second attempt"),
    // throttle
    ("multiplier accept_multiplier", "k", "how many calls there may be for each that the server takes"),
    ("max_rejection max_reject_probability", "max_drop", "the largest share of the calls that is dropped"),
    // what machines share
    ("shared_through store", "shared", "a `static` with the store"),
    // fallback, coalesce, batch, cancel
    ("fallback fallback_method fallback_action with_fallback", "function", "a function that gives another answer"),
    ("default fallback_value or_else", "value", "which takes the place of the failed outcome"),
    ("ttl max_age", "stale", "how old an answer may be"),
    ("ttl max_age cache", "hold", "how long an outcome is kept for further calls"),
    ("batch_size max_batch max_batch_size", "max_size", "how many callers are in a batch at the most"),
    ("token cancellation_token", "on", "the token that stops the call"),
];

/// Returns the formula of a back-off that another library's word stands for.
pub fn other_formula(word: &str) -> Option<&'static str> {
    let word = snake_case(word);
    let (_, meant) = OTHER_FORMULAE.iter().find(|(words, _)| words.split_whitespace().any(|other| other == word))?;
    Some(meant)
}

const OTHER_FORMULAE: &[(&str, &str)] = &[
    ("exponential exponential_jitter exponential_with_jitter exponential_random jitter", "exp_jitter"),
    ("exponential_without_jitter exponential_no_jitter", "exp"),
    ("constant const fixed_delay fixed_interval", "fixed"),
    ("linear_backoff incremental", "linear"),
    ("full", "full_jitter"),
    ("equal", "equal_jitter"),
    ("decorrelated_jitter decorr", "decorrelated"),
    ("decorrelated_jitter_v2 decorrelated_jitter_backoff_v2", "decorrelated_v2"),
    ("off zero immediate", "none"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_that_of_the_policy_that_has_the_key() {
        let meant = |word: &str, keys: &[&str]| other_word(word, |key| keys.contains(&key)).map(|(meant, _)| meant);

        assert_eq!(meant("max_delay", &["base", "cap"]), Some("cap"));
        assert_eq!(meant("max_delay", &["after", "max_after"]), Some("max_after"));
        assert_eq!(meant("max_delay", &["limit"]), None);
        for word in ["permit_limit", "permitLimit", "PermitLimit"] {
            assert_eq!(meant(word, &["limit", "queue"]), Some("limit"), "{word}");
            assert_eq!(meant(word, &["rate", "burst"]), Some("rate"), "{word}");
        }
        assert_eq!(meant("ähnlich", &["limit"]), None);
    }

    #[test]
    fn a_formula_has_one_name_here() {
        assert_eq!(other_formula("exponential"), Some("exp_jitter"));
        assert_eq!(other_formula("Constant"), Some("fixed"));
        assert_eq!(other_formula("exp_jitter"), None, "that is its name");
    }

    #[test]
    fn no_row_is_hidden_by_another() {
        for (index, (words, meant, _)) in OTHER_WORDS.iter().enumerate() {
            for word in words.split_whitespace() {
                let before = &OTHER_WORDS[..index];
                let is_hidden = before
                    .iter()
                    .any(|(others, other, _)| other == meant && others.split_whitespace().any(|other| other == word));
                assert!(!is_hidden, "`{word}` for `{meant}` is in two rows");
            }
        }
    }
}
