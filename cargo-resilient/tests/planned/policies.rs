// made by `cargo resilient plan --p50 15ms --p95 34ms --p99 146ms --errors 1% --rate 20/s --capacity 60/s --slo 1s --seeds 1 --instances 8 --profile search --idempotent`

/// The extra attempts of `search`: 20% of the calls, and 3 a second.
pub(crate) static SEARCH_BUDGET: resilient::Budget = resilient::Budget::new().ratio(0.2).reserve(3);

resilient::profile! {
    pub(crate) search =
        // an answer counts within this time, and nothing goes on after it
        timeout(total = "1s"),
        // 1.10 % of the attempts fail or are late; after 2 more, 0.00013 % of the calls do
        // the waits are at most 450ms together: they outlive moments of up to 97.8ms in which everything
        //   fails, and leave 183ms for each attempt (p99 146ms)
        // the budget: 20 % extra attempts take the load from 33 % to 40 % of the capacity, and a reserve of
        //   3/s in each of 8 instances to 80 %
        retry(max = 2, base = "90ms", budget = crate::policies::SEARCH_BUDGET),
        // 2.5/s of an instance fill the window of ten seconds with 20 calls and more; 1 s open bounds the
        //   recovery
        circuit_breaker,
        // another attempt after 34ms (p95) costs 5 % more requests, 1/s, and takes p99 from 146ms to about
        //   53.1ms where no attempt fails
        hedge(idempotent, after = "p95"),
        // Little's law: 20/s × 21.4ms are 0.4 calls at once, and 60/s are 1.3, 0.2 of them in each instance;
        //   it begins with twice that
        // a tenth of 1s is the longest wait: a refusal then comes while there is time for something else
        bulkhead(limit = "vegas", min_limit = 2, max_limit = 16, initial_limit = 4, max_wait = "100ms"),
        // the tail: one attempt in a thousand takes 748ms (p99 146ms), so that this ends 0.10 % of those that
        //   would succeed
        timeout(attempt = "750ms")
}

// keep 1 connection open in each instance: 0.1 calls at once on average, and three deviations; allow 4
//   and more while the bulkhead does

// Alerts, for Prometheus; `resilient-ops alerts` makes rules from the running program:
// 14.4 times the 0.1 % that may fail: two days of it use up a month's
//     1 - sum(rate(resilient_calls_total{function=~".*::search",layer="total_timeout",outcome="success"}[5m])) / (sum(rate(resilient_calls_total{function=~".*::search",layer="total_timeout"}[5m])) + sum(rate(resilient_rejections_total{function=~".*::search",layer="total_timeout"}[5m]))) > 0.014
// 1 % of the calls are retried as a rule, and the budget ends at 20 %
//     sum(rate(resilient_retries_total{function=~".*::search"}[5m])) / sum(rate(resilient_calls_total{function=~".*::search",layer="total_timeout"}[5m])) > 0.11
// 33 % of the capacity are in use as a rule
//     sum(resilient_in_use{function=~".*::search"}) / sum(resilient_limit{function=~".*::search"}) > 0.8
