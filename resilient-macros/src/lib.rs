//! The attribute macros of `resilient`. Depend on `resilient-runtime`, which re-exports them.
//!
//! The modules are the pipeline, in one direction: `arguments` and `function` parse, `stack` collects the layers, `check`
//! refuses what cannot work, and `expand` writes the code. Each policy is a row and a file of `policies`. `enforce` holds the
//! stack against a team's rules, and `profile` brings one that is defined elsewhere.

mod amount;
mod arguments;
mod bounds;
mod check;
mod classify;
mod companion;
mod constructor;
mod diagnostic;
mod drop_order;
mod enforce;
mod entry;
mod expand;
mod family;
mod fragment;
mod function;
mod given;
mod key;
mod list;
mod policies;
mod policy;
mod profile;
mod reads;
mod renewed;
mod repeated;
mod settings;
mod source;
mod stack;
#[cfg(test)]
mod tests;
mod tokens;
mod types;
mod value;
mod when;
mod wording;

use proc_macro::TokenStream;

/// Runs the function's body again while its outcome is transient.
///
/// The class of the error decides ([`Classify`](derive@Classify)): transient and throttled errors are retried, a permanent
/// one ends the call, and so do an open breaker further in and a deadline that the next attempt could not begin before.
/// A server that names a time is never asked sooner. The caller gets the last outcome as it is. Retries are paid for from
/// a budget, one for every five calls and ten a second besides, so that they cannot turn a struggling server into an
/// overloaded one.
///
/// Without a time from the server, a throttled call waits like any other, unless `throttled_base = "1s"` and `throttled_cap = "30s"` say that it
/// waits longer.
///
/// `?` and `return` in the body end the attempt, not the call. Every attempt borrows the arguments, `self` by value included. An argument
/// that the body uses up or changes goes into `clone(…)`; `clone` alone clones each that the body owns. Without it, the compiler reports
/// a moved value (E0382, or E0507 for `self` and fields).
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum FetchError { #[transient] Busy }
/// use resilient::retry;
///
/// #[retry(max = 5, backoff = "full_jitter", base = "50ms", cap = "2s", number = n)]
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     if n < 2 { Err(FetchError::Busy) } else { Ok(id) }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert_eq!(fetch(7).await.unwrap(), 7);
/// # }
/// ```
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `max` | integer or `u32` constant, or `unlimited` | `3` | how many *re*-tries at the most; `unlimited` needs a `max_elapsed` or a time-out above |
/// | `max_elapsed` | duration | none | no retry begins later than this after the call began |
/// | `max_hint` | duration | `"60s"` | a server that asks for a longer wait ends the call |
/// | `backoff` | name, function or `Backoff` constant | `"exp_jitter"` | the formula, see `resilient::Backoff` |
/// | `base` | duration | `"100ms"` | the first wait of most formulae |
/// | `factor` | number or `f64` constant, at least 1 | `2` | the growth of the exponential ones |
/// | `cap` | duration | `"10s"` | the longest wait, before jitter |
/// | `jitter` | duration | the base | the most that `"exp_jitter"` adds |
/// | `throttled_base` | duration | the base | the base after a throttled outcome for which the server has named no time |
/// | `throttled_cap` | duration | the cap | the cap after such an outcome |
/// | `budget` | path of a `static Budget`, or `none` | one of its own | pays for the retries, see `resilient::Budget` |
/// | `on_retry` | closure or function of `&Retrying`, and of the error by reference if it likes | none | is called before each wait; see below |
/// | `on_give_up` | closure or function of `&GivingUp`, and of the error by reference if it likes | none | is called when a failure that was worth another attempt ends the call |
/// | `nested` | `"allow"` or `"suppress"` | `"allow"` | whether retries inside the body retry too |
/// | `clone(a, b)`, or `clone` | arguments, `self` too | none | cloned for each attempt; alone, all that the body owns and uses, and a reference to those whose type is not `Clone`. An `impl Trait` or a type parameter among their types gets the bound `Clone` |
/// | `number` | name | none | the attempt's number from zero, for the body |
/// | `when` | closure or function | the error's class | decides instead; see below |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts the calls that it would have retried, and retries none; `"off"` does nothing |
/// | `name` | string | the function's | stands in events; retries that are given the same name share a budget |
/// | `with` | expression | none | a `Retry` of your own: a `static`, or a field of `self` |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// # Functions that block
///
/// On a plain `fn` it blocks the thread: the attempts and the waits between them are in the function, and no async runtime is needed. The same
/// keys mean the same. So do those of [`circuit_breaker`](macro@circuit_breaker), [`bulkhead`](macro@bulkhead),
/// [`rate_limit`](macro@rate_limit), [`throttle`](macro@throttle), [`fallback`](macro@fallback) and [`measure`](macro@measure), alone or
/// together, and a policy of your
/// own can stand in the `with` of async functions and of those that block. Nothing can interrupt a body that blocks: `max_elapsed`
/// limits when the last attempt begins, and the body needs a time-out of its client's own.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum ReadError { #[transient] Busy, #[transparent(from)] Refused(resilient::Error) }
/// use resilient::{circuit_breaker, retry};
///
/// #[retry(max = 2, base = "1ms", number = n)]
/// #[circuit_breaker]
/// fn read(path: &str) -> Result<usize, ReadError> {
///     if n == 0 { Err(ReadError::Busy) } else { Ok(path.len()) }
/// }
///
/// assert_eq!(read("/tides").unwrap(), 6);
/// ```
///
/// # Hooks
///
/// `on_retry` is called before each wait with a `&Retrying`, and `on_give_up` with a `&GivingUp` where a failure that was worth another attempt
/// ends the call, with the reason for it. Either may take the error by reference as well, or the whole outcome if its argument says so. A
/// closure can use the function's arguments, as they were before the first attempt. A rejection by a policy further in is shown
/// as the error that the caller would get for it. A good value that `when` takes for a failure is no error, so that only a hook
/// of the whole outcome sees it. If a hook panics, the call ends as one that panics.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum FetchError { #[transient] Busy }
/// use std::sync::Mutex;
/// use resilient::{GaveUp, retry};
///
/// #[retry(
///     max = 1,
///     on_retry = |retrying, error| log.lock().unwrap().push(format!("{id}: {error:?}, retry {}", retrying.retry)),
///     on_give_up = |giving_up, error| log.lock().unwrap().push(format!("{id}: {error:?}, {}", giving_up.why.as_str())),
/// )]
/// async fn fetch(id: u32, log: &Mutex<Vec<String>>) -> Result<u32, FetchError> {
///     Err(FetchError::Busy)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let log = Mutex::default();
/// fetch(7, &log).await.unwrap_err();
/// assert_eq!(log.into_inner().unwrap(), ["7: Busy, retry 0", "7: Busy, no retries left"]);
/// # }
/// ```
///
/// # Values
///
/// A duration is `"250ms"`, `"1m30s"`, or a constant of type `Duration`. `when` takes the error, or the whole outcome if
/// its argument says so (`|outcome: &Result<_, _>| …`), by reference, and returns a `bool` (transient or not) or
/// a `Class`.
///
/// # Expansion
///
/// ```text
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     static RETRY_: ::resilient::Retry = ::resilient::Retry::named("fetch").max(5);
///     ::resilient::listed!("fetch": own RETRY_);
///     let mut retry_ = RETRY_.begin();
///     loop {
///         let n = retry_.attempt();
///         let attempt_ = async { /* the body */ };
///         let delay_ = match retry_.settle::<Result<u32, FetchError>>(attempt_.await) {
///             ::resilient::Verdict::Accept(outcome_) => break outcome_,
///             ::resilient::Verdict::Retry(delay_) => delay_,
///         };
///         delay_.await;
///     }
/// }
/// ```
///
/// The `static` is one for the function; a generic function shares it between all its instances.
///
/// # Cancel safety
///
/// Dropping the future ends the call where it stands, in an attempt or between two.
#[doc(alias("backoff"))]
#[proc_macro_attribute]
pub fn retry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("retry", arguments.into(), item.into()).into()
}

/// Stops calling the function's body while it keeps failing, and tries again carefully.
///
/// Closed, it lets every call through and counts; at too many failures it opens and refuses at once; after a while it
/// lets a few probes through and closes again if they succeed. Transient errors and time-outs are failures; a permanent or
/// throttled error is not, for the server answered. A refusal is a `resilient::Error`, so the function's error type needs
/// `From<resilient::Error>`, for instance by a variant marked `#[transparent(from)]`.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum PayError { #[transient] Down, #[transparent(from)] Refused(resilient::Error) }
/// use resilient::circuit_breaker;
///
/// #[circuit_breaker(consecutive = 2, open_for = "5s")]
/// async fn pay(amount: u32) -> Result<u32, PayError> {
///     Err(PayError::Down)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert!(matches!(pay(1).await, Err(PayError::Down)));
/// assert!(matches!(pay(1).await, Err(PayError::Down)));
/// assert!(matches!(pay(1).await, Err(PayError::Refused(_))));
/// # }
/// ```
///
/// On a plain `fn` it is the same, without a runtime; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `failure_rate` | ratio, `"50%"` or `0.5` | `"50%"` | opens at this share of failures in the window, or more |
/// | `window` | duration, or integer up to 1024 | `"10s"` | the time, or the number of calls, that is looked back on |
/// | `min_calls` | integer or `u32` constant | `20` | below so many calls in the window the rate does not count |
/// | `consecutive` | integer or `u32` constant, or `off` | `5` | with fewer calls, so many failures in a row open it |
/// | `open_for` | duration | `"1s"` | how long it refuses, give or take a tenth; doubles after twelve failed probings, or at once if some probes succeed |
/// | `open_max` | duration | `"30s"` | up to which that grows |
/// | `probes` | integer or `u32` constant | `3` | how many calls it tries at once before it decides; unless it is written, one goes alone and then the other two |
/// | `probe_timeout` | duration | `open_for` | after which a probe that hangs has failed |
/// | `slow_call` | duration, at least `"1ms"` | none | how long a call takes that is slow, whatever its outcome; calls are timed only with it |
/// | `slow_rate` | ratio | `"80%"` | opens at this share of slow calls as well; needs `slow_call` |
/// | `recover` | duration | none | after the probes, lets more and more calls through over this time before it closes |
/// | `throttled` | `"fail"` | not a failure | counts throttled errors as failures |
/// | `shared` | name of a `static` that is a `resilient::shared::Store`, such as one of `resilient-redis` | none | opens, probes and closes it together with all machines that use the same store and `name` |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts and decides, and refuses nothing; `"off"` does nothing |
/// | `when` | closure or function | the error's class | says what is a failure, as for [`retry`](macro@retry) |
/// | `name` | string | the function's | stands in rejections and events; functions that are given the same name share the breaker |
/// | `key` | expression | none | a breaker for each value of it, see below |
/// | `log_key` | a word | none | lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key` |
/// | `settings` | function or closure of the key and the policy that returns the policy | the same for all keys | gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings |
/// | `with` | expression | none | a `CircuitBreaker` of your own: a `static` shared by several functions, a field, or one of a `PerKey` |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// # A breaker for each key
///
/// With `key = host`, each host has a breaker with these settings, so that one that is down does not keep calls from the
/// others. The key is any expression over the arguments that is `Hash`: `key = (tenant, region)`, `key = request.host()`. `None` of an `Option` is a key like
/// another, so that all calls without a tenant share one breaker.
/// It is evaluated once a call, before the body has the arguments, and is only borrowed, the parts of a tuple too. With `log_key`, events have it as their field
/// `key`, and the list of policies names the busiest keys and those in trouble by it; without, nothing shows a key. At
/// most 10,000 keys have a breaker at once, each until it has not been used for ten minutes; `resilient::PerKey` says what
/// happens beyond. For other limits, write a `static` of that type and `with = HOSTS.of(host)`.
///
/// # Keys with other settings
///
/// With `settings = rules_of`, some keys have other settings than the rest. The function gets the key by reference and a breaker with the shared settings, and
/// returns it with those that the key is to have; of a key `(tenant, region)` it gets the parts:
///
/// ```
/// use resilient::{CircuitBreaker, circuit_breaker};
/// # #[derive(Debug, resilient::Classify)]
/// # enum Error { #[transient] Down, #[transparent] Refused(resilient::Error) }
/// # impl From<resilient::Error> for Error { fn from(error: resilient::Error) -> Self { Self::Refused(error) } }
///
/// fn rules_of(host: &str, shared: CircuitBreaker) -> CircuitBreaker {
///     if host.ends_with(".internal") { shared.consecutive(20) } else { shared }
/// }
///
/// #[circuit_breaker(key = host, settings = rules_of)]
/// async fn fetch(host: &str) -> Result<String, Error> {
/// # let _ = host;
/// # Err(Error::Down)
/// }
/// ```
///
/// A closure, as in `settings = |host, shared| self.rules_of(host, shared)`, sees the arguments and `self`. It is asked at the first use of a key, at the first use after
/// the key was forgotten, and after live settings have changed the shared ones; [`PerKey::of_with`] says more, and where it panics. A call whose key
/// is known does not ask. After a customer has changed to another plan, `resilient::config::ask_again("fetch", "circuit_breaker")` has all keys asked about again.
///
/// [`PerKey::of_with`]: https://docs.rs/resilient-runtime/latest/resilient/struct.PerKey.html#method.of_with
///
/// # One breaker for several functions
///
/// Functions whose attributes say the same `name = "…"` and the same settings share one breaker, or, with `key`, the
/// breakers of all keys. Where the settings differ, the second has a breaker of its own, which is reported with
/// both places: by an event, by `resilient::conflicts()`, and by `resilient::test::assert_no_conflicts()`.
///
/// A policy of your own, `with = PAYMENTS`, is in a `static`, and `resilient::policies()` lists it before its first call. A `const` does
/// not compile: it would be a new breaker at every call, as for every other policy. A constant that is a reference to a `static` does.
///
/// # Expansion
///
/// ```text
/// async fn pay(amount: u32) -> Result<u32, PayError> {
///     static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named("pay").consecutive(2);
///     ::resilient::listed!("pay": own CIRCUIT_BREAKER_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<u32, PayError>>(::resilient::run((&CIRCUIT_BREAKER_,), attempt_).await)
/// }
/// ```
///
/// With a name of its own, `let circuit_breaker_ = CIRCUIT_BREAKER_.shared();` finds the policy, and `circuit_breaker_` stands in place of
/// `&CIRCUIT_BREAKER_`. With `key = host`, the first statements are
///
/// ```text
/// static CIRCUIT_BREAKER_PER_KEY_: ::resilient::PerKey<::resilient::CircuitBreaker> =
///     ::resilient::PerKey::new(::resilient::CircuitBreaker::named("pay"));
/// ::resilient::listed!("pay": own CIRCUIT_BREAKER_PER_KEY_);
/// let circuit_breaker_: &::resilient::CircuitBreaker = &CIRCUIT_BREAKER_PER_KEY_.of(&host);
/// ```
///
/// # Panics
///
/// A panic in the body counts as a failure and goes on.
///
/// # Cancel safety
///
/// Dropping the future is no vote: nothing is counted, and a probe's permit goes to the next caller.
#[doc(alias("breaker"))]
#[proc_macro_attribute]
pub fn circuit_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("circuit_breaker", arguments.into(), item.into()).into()
}

/// Lets at most so many calls of the function run at once, and few others wait.
///
/// Calls that find no free permit wait in a bounded first-in-first-out queue, for a limited time. A refusal is a
/// `resilient::Error` of the throttled class, so the function's error type needs `From<resilient::Error>`, for instance
/// by a variant marked `#[transparent(from)]`, and a retry outside tries again later.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum ReportError { #[transparent(from)] Refused(resilient::Error) }
/// use resilient::bulkhead;
///
/// #[bulkhead(limit = 2, queue = 0)]
/// async fn report(month: u32) -> Result<u32, ReportError> {
///     tokio::task::yield_now().await;
///     Ok(month)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (january, february, march) = tokio::join!(report(1), report(2), report(3));
///
/// assert!(january.is_ok() && february.is_ok());
/// assert_eq!(march.unwrap_err().to_string(), "bulkhead `report` is full, and so is its queue");
/// # }
/// # impl std::fmt::Display for ReportError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         let Self::Refused(refusal) = self;
/// #         refusal.fmt(f)
/// #     }
/// # }
/// ```
///
/// On a plain `fn`, the thread is parked while the call waits for its place; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `limit` | integer or `u32` constant, or `"aimd"`, `"vegas"`, `"gradient"` | `64` | how many calls run at once, or how that is found out |
/// | `min_limit` | integer or `u32` constant | 1 | the least of a limit that adapts |
/// | `max_limit` | integer or `u32` constant | 200 | the most of a limit that adapts |
/// | `initial_limit` | integer or `u32` constant | 20 | the first of a limit that adapts |
/// | `queue` | integer or `u32` constant | the limit | how many callers may wait; 0 is nobody |
/// | `max_wait` | duration | until the deadline, or `"1s"` without one | how long each waits; `"0s"` is not at all |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts and lets everybody in; `"off"` does nothing |
/// | `name` | string | the function's | stands in rejections; functions that are given the same name and settings share the places |
/// | `key` | expression | none | a bulkhead for each value of it, as for [`circuit_breaker`](macro@circuit_breaker) |
/// | `log_key` | a word | none | lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key` |
/// | `settings` | function or closure of the key and the policy that returns the policy | the same for all keys | gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings |
/// | `weight` | `u32` expression | `1` | how many places the call takes; more than there are means all of them |
/// | `priority` | `"high"`, `"low"`, or an expression of type `Priority` | `"high"` | who is served first, and who loses the place in a full queue |
/// | `with` | expression | none | a `Bulkhead` of your own: a `static` shared by several functions, a field, or one of a `PerKey` |
/// | `when` | closure or function | the error's class | with a limit that adapts: what an outcome means, as for [`retry`](macro@retry) |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// `weight` and `priority` are evaluated once a call, before the body has the arguments.
///
/// # A limit that adapts
///
/// `"aimd"` adds one place at a time and takes a tenth away when the server refuses or calls time out; `"vegas"` compares how
/// long calls take with the least that they ever took; `"gradient"` with what they took over the last minutes. The
/// outcome then has to say what it means: the error implements `Classify`, or there is a `when`.
///
/// # Expansion
///
/// ```text
/// async fn report(month: u32) -> Result<u32, ReportError> {
///     static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("report").limit(2).queue(0);
///     ::resilient::listed!("report": own BULKHEAD_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<u32, ReportError>>(::resilient::run((&BULKHEAD_,), attempt_).await)
/// }
/// ```
///
/// With a limit that adapts, `BULKHEAD_.learning()` stands in place of `&BULKHEAD_`, or `BULKHEAD_.when(…)` with `when`.
///
/// # Panics
///
/// A panic in the body gives the place back and goes on.
///
/// # Cancel safety
///
/// Dropping the future leaves the queue, or drops the body and then gives its place to the next.
#[doc(alias("concurrency_limit", "load_shed", "semaphore"))]
#[proc_macro_attribute]
pub fn bulkhead(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("bulkhead", arguments.into(), item.into()).into()
}

/// Starts the body a second time beside the first, when that takes longer than nearly all calls do, and takes the first success.
///
/// For work that may run twice at once without harm, on servers of which one is slow now and then: a search, a read of a replica.
/// The other attempt is dropped before the call returns. It says so with `idempotent`, without which the attribute
/// does not compile.
///
/// By default the second attempt starts after the 95th percentile of how long attempts take, which the function learns as it
/// goes; before it has seen 20 it starts none. When an attempt fails, and not permanently, the next starts at once, but not
/// before a time that the server named. A permanent error ends the call. If all fail, the outcome is that of the first. No
/// attempt starts after the deadline, and there are never more of them than the budget: 5 % of the calls that had to wait.
/// With a [`bulkhead`](macro@bulkhead) below it, none starts while more than 70 % of its places are taken.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError { #[transient] Down }
/// use std::time::Duration;
/// use resilient::hedge;
/// use tokio::time::{Instant, sleep};
///
/// #[hedge(idempotent, after = "50ms", ratio = "100%")]
/// async fn search(replicas: &Replicas) -> Result<u32, SearchError> {
///     sleep(replicas.next()).await;
///     Ok(7)
/// }
/// # struct Replicas(std::sync::atomic::AtomicU32);
/// # impl Replicas {
/// #     // each second one takes a second
/// #     fn next(&self) -> Duration {
/// #         let calls = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
/// #         Duration::from_millis(if calls % 2 == 0 { 1_000 } else { 10 })
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let replicas = Replicas(0.into());
/// let start = Instant::now();
///
/// assert_eq!(search(&replicas).await.unwrap(), 7);
///
/// assert_eq!(start.elapsed().as_millis(), 60);
/// # }
/// ```
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `idempotent` | a word | required | says that the body may run twice at once |
/// | `after` | percentile such as `"p95"`, from `"p50"` to `"p99.9"`, or duration | `"p95"` | after how long the next attempt starts |
/// | `min_after` | duration | `"1ms"` | the least delay that a percentile leads to |
/// | `max_after` | duration | none | the most |
/// | `max` | integer or `u32` constant | `1` | how many attempts beside the first, each after the delay again; at most 10 |
/// | `ratio` | ratio | `"5%"` | further attempts as a share of the calls that had to wait; a hundred are saved up at most |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts what it would start; `"off"` does nothing |
/// | `name` | string | the function's | stands in events; functions that are given the same name and settings share what is learnt and the budget, and draw on the budget of the retries of that name too |
/// | `key` | expression | none | a hedge for each value of it, as for [`circuit_breaker`](macro@circuit_breaker) |
/// | `log_key` | a word | none | lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key` |
/// | `settings` | function or closure of the key and the policy that returns the policy | the same for all keys | gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings |
/// | `clone(a, b)`, or `clone` | arguments, `self` too | none | each attempt gets a clone of these, or of all that the body owns, and may use it up, as for [`retry`](macro@retry) |
/// | `number` | name | none | the attempt's number from zero, for the body: each can go to another server |
/// | `with` | expression | none | a `Hedge` of your own: a `static` shared by several functions, a field, or one of a `PerKey` |
/// | `when` | closure or function | the error's class | what an outcome means, as for [`retry`](macro@retry) |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// `Hedge::counts` says how many attempts were started, have won, or were suppressed; for that, use a `Hedge` of your own.
///
/// # Where it stands
///
/// Below a [`retry`](macro@retry), never above: each attempt would be retried. Above the breaker, the limits and the time-out of an
/// attempt, so that each attempt goes through them. `timeout(total = …)` goes above it.
///
/// Attempts share the arguments, so none can be a `&mut`, and a cloned one must be `Sync` for the future to be `Send`.
///
/// # Another server for each attempt
///
/// `number = n` gives the body the number of its attempt, from zero. Attempts that run side by side have each their own:
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError { #[transient] Down }
/// use resilient::hedge;
///
/// #[hedge(idempotent, after = "20ms", ratio = "100%", number = n)]
/// async fn search(replicas: &[&str]) -> Result<String, SearchError> {
///     let replica = replicas[n as usize % replicas.len()];
///     if replica == "slow" {
///         tokio::time::sleep(std::time::Duration::from_secs(9)).await;
///     }
///     Ok(replica.to_owned())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert_eq!(search(&["slow", "fast"]).await.unwrap(), "fast");
/// # }
/// ```
///
/// A `number` of a [`retry`](macro@retry) above it counts those attempts, of which each may be hedged.
///
/// # Expansion
///
/// ```text
/// async fn search(replicas: &Replicas) -> Result<u32, SearchError> {
///     static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("search")
///         .after(::core::time::Duration::from_millis(50))
///         .ratio(1.0);
///     ::resilient::listed!("search": own HEDGE_);
///     let attempt_ = HEDGE_.run(|| async { /* the body */ });
///     attempt_.await
/// }
/// ```
///
/// With policies below it, their statements stand in the closure's block; with a bulkhead among them, it is
/// `HEDGE_.unless_busy(&BULKHEAD_).run(…)`.
///
/// # Panics
///
/// A panic in an attempt goes on, and drops the others.
///
/// # Cancel safety
///
/// Dropping the future drops all attempts; nothing is learnt from them.
#[doc(alias("speculative"))]
#[proc_macro_attribute]
pub fn hedge(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("hedge", arguments.into(), item.into()).into()
}

/// Lets so many calls of the function through in so long, and fewer while the server asks for less.
///
/// `"100/s"` is a hundred a second in the long run, and after an idle time at most a burst at once; exactly so, in whatever
/// second one counts. A call above the rate is rejected, or waits in line for up to `max_wait`. A refusal is a
/// `resilient::Error`, so the function's error type needs `From<resilient::Error>`; a [`retry`](macro@retry) above waits as long as
/// the refusal says.
///
/// A server's answer to one caller holds for all: a throttled error with a time pauses the limit until then, one without
/// halves the rate for a while. If the function returns a `Result` of something named `…Response`, the rate-limit headers
/// count too: nothing remaining pauses until the reset, and little is spread over the time until then. For a type of your own,
/// implement `resilient::ClassifyValue`, or call `RateLimit::heed` on a limit `with = …`.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError {
/// #     #[throttled(after = after)] Busy { after: Option<std::time::Duration> },
/// #     #[transparent(from)] Refused(resilient::Error),
/// # }
/// use resilient::rate_limit;
///
/// #[rate_limit("100/s", burst = 2, max_wait = "15ms")]
/// async fn search(word: &str) -> Result<String, SearchError> {
///     Ok(word.to_owned())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = tokio::time::Instant::now();
///
/// for _ in 0..3 {
///     search("tides").await.unwrap();
/// }
///
/// assert_eq!(start.elapsed().as_millis(), 10); // two at once, and the third when there is room again
/// # }
/// ```
///
/// On a plain `fn`, the thread is parked while the call waits for its slot; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `rate`, or no key | `"100/s"`, `"5/min"`, `"1000/h"`, `"10/100ms"`, or integer or `u32` constant beside `per` | required | so many calls in so long |
/// | `per` | duration | none | in how long, for a `rate` that is only a number |
/// | `burst` | integer or `u32` constant | a second's worth, at least 1; with `weight` a period's worth | how many calls, or units of `weight`, may come at once after an idle time |
/// | `max_wait` | duration | `"0s"` | how long a call that comes too early may wait; none longer than that or than the deadline allows begins |
/// | `max_pause` | duration | `"60s"` | the longest pause that the server can ask for; at `"0s"` it is not listened to |
/// | `shared` | name of a `static` that is a `resilient::shared::Store`, such as one of `resilient-redis` | none | shares the limit with all machines that use the same store and `name` |
/// | `when_down` | `"local"`, `"open"`, `"closed"` | `"local"` | while the store of a shared limit does not answer, each machine lets its share of the rate through (`"local"`), the whole rate (`"open"`) or no call (`"closed"`) |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts and decides, and neither refuses nor waits; `"off"` does nothing |
/// | `name` | string | the function's | stands in rejections and events; functions that are given the same name share the limit |
/// | `key` | expression | none | a limit for each value of it, as for [`circuit_breaker`](macro@circuit_breaker) |
/// | `log_key` | a word | none | lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key` |
/// | `settings` | function or closure of the key and the policy that returns the policy | the same for all keys | gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings |
/// | `with` | expression | none | a `RateLimit` of your own |
/// | `when` | closure or function | the error's class | says what is throttled, as for [`retry`](macro@retry) |
/// | `dialect` | a `resilient::http::Dialect` | the general reader | the provider's way of saying that it limits a caller: decides in place of `when`, and reads the quota of good responses |
/// | `weight` | `u64` expression | 1 | how many units of the rate a call takes: tokens, bytes, points; evaluated once a call, and taken by each attempt below a retry |
/// | `cost` | closure or function of the good answer that returns a `u64` or an `Option<u64>` | the weight | what the call has taken in the end: less than the weight goes back, and more is charged to later calls |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// A limit that needs no number, and goes by what the server takes, is [`throttle`](macro@throttle).
///
/// # Weights and costs
///
/// With `weight`, a call takes more of the rate than one: tokens, bytes, points. An expression over the arguments says how much,
/// once a call. `cost` settles that afterwards: what was not used goes back, and what was used beyond it makes later calls wait. A call
/// that fails, is dropped or panics has cost its weight. One that a policy further in refuses before it runs has cost nothing.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum AskError { #[transparent(from)] Refused(resilient::Error) }
/// use resilient::rate_limit;
///
/// struct Answer {
///     tokens: u64,
/// }
///
/// /// The most that the call can cost.
/// fn estimate(prompt: &str) -> u64 {
///     prompt.len() as u64 / 4 + 40_000
/// }
///
/// #[rate_limit("90000/m", weight = estimate(prompt), cost = |answer| answer.tokens)]
/// async fn ask(prompt: &str) -> Result<Answer, AskError> {
///     Ok(Answer { tokens: 500 })
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// for _ in 0..100 {
///     ask("Why is the sky blue?").await.unwrap(); // two estimates fill the quota, and a hundred answers fit into it
/// }
/// # }
/// ```
///
/// A weight beyond the burst is refused for good, with [`Reason::TooHeavy`](https://docs.rs/resilient-runtime/latest/resilient/enum.Reason.html).
/// Without a `dialect`, a good response of such a call is not asked for its quota, which counts calls. Several limits on one function
/// have a `name` or a `key` each, and a dialect each that reads their own quota, such as `resilient::http::dialect::OPENAI_TOKENS`.
/// `docs/token_quotas.md` shows requests and tokens together.
///
/// # Expansion
///
/// ```text
/// async fn search(word: &str) -> Result<String, SearchError> {
///     static RATE_LIMIT_: ::resilient::RateLimit =
///         ::resilient::RateLimit::named("search").rate(100, Duration::from_secs(1)).burst(2);
///     ::resilient::listed!("search": own RATE_LIMIT_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<String, SearchError>>(::resilient::run((&RATE_LIMIT_,), attempt_).await)
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the future while it waits gives its place to the next in line, and uses up nothing. A call that was let through
/// stays counted, for the server may have seen it.
#[doc(alias("token_bucket", "limiter"))]
#[proc_macro_attribute]
pub fn rate_limit(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("rate_limit", arguments.into(), item.into()).into()
}

/// Drops a part of the calls before they are made, while the server turns many away.
///
/// It needs no number ("adaptive throttling"). Of the calls of the last two minutes the server took some; when it took less
/// than one in `k`, a part of the calls is dropped, so that about `k` calls are made for each that is taken. Throttled and
/// transient errors and time-outs were not taken, permanent ones were. However little the server takes, at most `max_drop`
/// of the calls are dropped: the others find out when it takes calls again. A dropped call ends with a `resilient::Error`,
/// so the function's error type needs `From<resilient::Error>`.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError {
/// #     #[throttled] Busy,
/// #     #[transparent(from)] Refused(resilient::Error),
/// # }
/// use resilient::throttle;
///
/// #[throttle]
/// async fn search(word: &str) -> Result<String, SearchError> {
///     Ok(word.to_owned())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert_eq!(search("tides").await.unwrap(), "tides");
/// # }
/// ```
///
/// On a plain `fn` it is the same, without a runtime; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `k` | number or `f64` constant | `2.0` | drops what is more than so many times the calls that the server took; at least 1 |
/// | `max_drop` | number or `f64` constant | `0.9` | the largest share of the calls that is dropped; up to 1 |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts and decides, and drops nothing; `"off"` does nothing |
/// | `name` | string | the function's | stands in rejections and events; functions that are given the same name share what is learnt |
/// | `key` | expression | none | a policy for each value of it, as for [`circuit_breaker`](macro@circuit_breaker) |
/// | `log_key` | a word | none | lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key` |
/// | `settings` | function or closure of the key and the policy that returns the policy | the same for all keys | gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings |
/// | `with` | expression | none | a `Throttle` of your own |
/// | `when` | closure or function | the error's class | says what is throttled, as for [`retry`](macro@retry) |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// # Expansion
///
/// ```text
/// async fn search(word: &str) -> Result<String, SearchError> {
///     static THROTTLE_: ::resilient::Throttle = ::resilient::Throttle::named("search");
///     ::resilient::listed!("search": own THROTTLE_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<String, SearchError>>(::resilient::run((&THROTTLE_,), attempt_).await)
/// }
/// ```
///
/// # Cancel safety
///
/// A call whose future is dropped counts neither as taken nor as turned away.
#[doc(alias("load_shed"))]
#[proc_macro_attribute]
pub fn throttle(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("throttle", arguments.into(), item.into()).into()
}

/// Gives the function so long to end, and tells everything inside when that is.
///
/// `#[timeout("2s")]` limits what stands below it: above a retry the whole call, below it each attempt. `total` and
/// `attempt` say which is meant, and both can be in one attribute, which puts each at its level. An attempt that ran out
/// of time is transient; at the end of the total the call is over. Both are a `resilient::Error`, so the
/// function's error type needs `From<resilient::Error>`.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum FetchError { #[transparent(from)] Refused(resilient::Error) }
/// use resilient::{retry, timeout};
///
/// #[timeout(total = "1s", attempt = "200ms")]
/// #[retry(number = n)]
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     if n == 0 {
///         std::future::pending::<()>().await;
///     }
///     Ok(id)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert_eq!(fetch(7).await.unwrap(), 7);
/// # }
/// ```
///
/// The body can ask `resilient::Deadline::current()` how long is left, for a client with time-outs of its own. A body that
/// never yields cannot be stopped by any time-out.
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `limit`, or no key | duration | none | the time for what stands below |
/// | `total` | duration | none | the time for the call; stands above the retry |
/// | `attempt` | duration | none | the time for each attempt; stands below the retry, or beside `total` |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts what takes longer and lets it go on, without a deadline; `"off"` does nothing |
/// | `name` | string | the function's | stands in rejections and events |
/// | `with` | expression | none | a `Timeout` of your own |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// # Expansion
///
/// ```text
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named("fetch", Duration::from_secs(2));
///     ::resilient::listed!("fetch": own TIMEOUT_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<u32, FetchError>>(::resilient::run((&TIMEOUT_,), attempt_).await)
/// }
/// ```
///
/// Directly above a retry, it limits all attempts together:
///
/// ```text
///     let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
///     let mut retry_ = RETRY_.begin();
///     let settled_ = loop {
///         let attempt_ = async { /* the body */ };
///         let settled_ = ::resilient::run((&mut total_timeout_, &mut retry_), attempt_).await;
///         let delay_ = match retry_.verdict(settled_) {
///             ::resilient::Verdict::Accept(outcome_) => break outcome_,
///             ::resilient::Verdict::Retry(delay_) => delay_,
///         };
///         total_timeout_.wait(delay_).await;
///     };
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the body. When the time is over, the body is dropped before the caller gets the error.
#[proc_macro_attribute]
pub fn timeout(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("timeout", arguments.into(), item.into()).into()
}

/// Has calls with an equal key share one run.
///
/// The first caller of a key runs the body, inside its own task. Callers that come with an equal key before that has ended
/// wait, and each gets a clone of the outcome, a failure too. If the one that runs is dropped or panics, one of those who wait
/// runs its own body instead, and a panic stays with its caller. Nothing is spawned, and nothing is kept of a key that
/// nobody calls for.
///
/// Callers get what another caller's call returned. So **the key must have in it all that the outcome depends on**, above
/// all the tenant, the user and the credentials; see *Who is joined*.
///
/// ```
/// # #[derive(Debug, Clone, PartialEq)]
/// # struct SearchError;
/// use resilient::coalesce;
///
/// #[coalesce(key = (query, page))]
/// async fn search(query: &str, page: u32) -> Result<String, SearchError> {
///     tokio::task::yield_now().await;
///     Ok(format!("{query}, page {page}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (one, two, other) = tokio::join!(search("tide", 1), search("tide", 1), search("tide", 2));
///
/// assert_eq!((one.as_deref(), other.as_deref()), (Ok("tide, page 1"), Ok("tide, page 2")));
/// assert_eq!(one, two);
/// # }
/// ```
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `key` | expression that is `Hash` | none | what makes two calls the same; needed if the function has arguments that are not in `shared_across` |
/// | `shared_across(a, b)` | arguments, or `self` | none | callers that differ in them may share all the same |
/// | `share` | a word | none | the outcome need not be `Clone`: callers get `Arc`s, see below |
/// | `hold` | duration | none | keeps the outcome, a failure too, for so long after the body has ended |
/// | `stale_while_revalidate` | duration | none | gives out a good outcome for so long after `hold`, at once, while one run behind the calls renews it; needs `hold`, see below |
/// | `max_wait` | duration | as long as the run takes | how long a call waits for one run of another; after that it runs the body too, and the first to end answers all who wait |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` lets each caller run and counts who would have joined; `"off"` does nothing |
/// | `name` | string | the function's | the policy's name |
/// | `with` | expression | none | a `Coalesce` of your own: a field of `self`, or a `static` that other code can ask for its `counts()` |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// The key is evaluated once a call, before the body has the arguments, and is only borrowed. At most 10,000 keys are in
/// flight or held; what comes then runs by itself.
///
/// # Who is joined
///
/// * Only calls of the same function, also where functions share a policy, and of the same instance of a generic one.
/// * An argument that is not in the key makes no difference, so that a time limit or a flag for logging can be left out. One
///   that is named like a credential or its owner (`token`, `auth`, `password`, `secret`, `api_key`, `session`, `cookie`, `jwt`,
///   `tenant`, `user`, `account` and their like) must be in the key or in `shared_across(…)`. This goes by the name: an
///   argument called `headers` can have a token in it as well.
/// * In a method, only calls on the same `self` are joined, unless `key` or `with` reads `self`, or it says
///   `shared_across(self)`. It is known by its address, so with `hold` one of the three is needed.
///
/// # Where it stands
///
/// Above `#[timeout]` and `#[retry]`, so that callers share a call with all its attempts, or below the retry, where they share
/// attempts. What is inside can be refused, by a breaker for instance: that is shared as well. Only what concerns
/// the one caller is not, its deadline or its cancellation: then another one runs. A time-out above it ends the wait of
/// its own caller. With `hold` below a retry, a failure that is held is what the next attempt gets.
///
/// # Old outcomes
///
/// With `hold = "10s", stale_while_revalidate = "50s"`, an outcome that is older than ten seconds is given out for fifty more, at once, while one run behind
/// the calls renews it, as HTTP's directive of that name says. So nobody but the first caller waits, and nothing that is given out is older, from the end of its run,
/// than a minute. There is one such run for a key at a time, with all policies that stand below. After one that failed, the old outcome stays until its end, and the next
/// such run begins no sooner than ten seconds later. Only a good outcome is given out when it is old: an `Err` is held for `hold`.
///
/// The run is a task of tokio, which outlives the call that began it. So the function must return a `Result`, own its arguments (`self: Arc<Self>`, `String`, `&'static str`), and its body
/// must be `Send`; no retry stands above, no policy with `key` below, and none that reads the arguments afterwards. No time-out above ends the run, so put one below. Off a tokio runtime
/// nothing is renewed, and an outcome ends with `hold`. An answer that may be old *because a call has failed* is
/// [`#[fallback(stale = …)]`](macro@fallback).
///
/// # What is not `Clone`
///
/// `share` **changes what the function returns**: `Result<Arc<T>, Arc<E>>` where the body returns `Result<T, E>`, and
/// `Arc<O>` where it returns any other `O`. Nothing but a `#[fan_out]` can then stand above it.
///
/// ```
/// # struct Hits(Vec<String>);
/// # #[derive(Debug)]
/// # struct SearchError;
/// use std::sync::Arc;
/// use resilient::coalesce;
///
/// #[coalesce(key = query, share)]
/// async fn search(query: &str) -> Result<Hits, SearchError> {
///     Ok(Hits(vec![query.to_owned()]))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let hits: Arc<Hits> = search("tide").await.unwrap();
/// assert_eq!(hits.0, ["tide"]);
/// # }
/// ```
///
/// # Expansion
///
/// ```text
/// async fn search(query: &str, page: u32) -> Result<String, SearchError> {
///     static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("search");
///     ::resilient::listed!("search": own COALESCE_);
///     let coalesce_ = COALESCE_.call(&(&query, &page));
///     let attempt_ = async move { /* the body */ };
///     coalesce_.run(attempt_).await
/// }
/// ```
///
/// In a method, it is `COALESCE_.call(&key).on(self)`.
///
/// # Panics
///
/// A panic in the body, or in the outcome's `Clone`, stays with the caller whose it is.
///
/// # Cancel safety
///
/// Dropping the future of the caller that runs drops the body, and then another one runs its own. Dropping another's leaves
/// the rest as they are.
#[doc(alias("cache", "deduplicate", "singleflight"))]
#[proc_macro_attribute]
pub fn coalesce(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("coalesce", arguments.into(), item.into()).into()
}

/// Gives a call that failed another answer.
///
/// The answers are tried in the order in which they are written, until one is good: `stale` is the last good outcome,
/// `function` a function, which may fail too, and `value` a value, which cannot. If none is, the caller gets the error. Every
/// failure falls back but a permanent one; `when` decides otherwise. It belongs outermost, above a retry.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError { #[transient] Down }
/// use resilient::fallback;
///
/// #[fallback(function = from_archive, value = Vec::new())]
/// async fn search(word: &str) -> Result<Vec<String>, SearchError> {
///     Err(SearchError::Down)
/// }
///
/// async fn from_archive(word: &str, error: &SearchError) -> Result<Vec<String>, SearchError> {
///     Ok(vec![format!("an old page about {word}")])
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(search("tides").await.unwrap(), ["an old page about tides"]);
/// # }
/// ```
///
/// On a plain `fn`, the functions that answer are plain ones too; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `value` | expression of the good type | none | evaluated when it is needed; the end of the chain |
/// | `function` | path, or `[path, path]` | none | functions, `async` or not, of the arguments by reference and the error, which return what this one returns |
/// | `stale` | duration | none | gives the last good outcome back while it was kept no longer ago |
/// | `key` | expression that is `Hash` | none | which calls have one last good outcome; needed for `stale` if the function has arguments that are not in `shared_across` |
/// | `shared_across(a, b)` | arguments, or `self` | none | calls that differ in them may have one last good outcome all the same |
/// | `when` | closure or function | the error's class | says what falls back, as for [`retry`](macro@retry) |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts what would have fallen back; `"off"` does nothing |
/// | `name` | string | the function's | stands in events |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// With `stale` the good type is cloned once a call, and it borrows nothing; at most a thousand values of a type are kept, and
/// the one that was kept longest ago leaves first. A call that began earlier than the one whose outcome is kept replaces
/// nothing. For `function`, the arguments are borrowed by the body instead of moved into it.
///
/// # Whose outcome is given back
///
/// The rules are those of [`coalesce`](macro@coalesce), because one call gets what another has brought:
///
/// * Only that of the same function, and of the same instance of a generic one, under an equal key. The key is evaluated at
///   the start of the call, and is only borrowed and hashed. It is known by 128 bits.
/// * An argument that is named like a credential or its owner (`token`, `auth`, `tenant`, `user` and their like) must be in
///   the key or in `shared_across(…)`.
/// * In a method, `key` must read `self`, or `shared_across(self)` must say that all objects have the same outcome. What is
///   kept outlives the object, so its address says nothing.
///
/// # Events
///
/// `fell back` is a warning that an answer was given, and has its kind: `"stale"`, `"function"` or `"value"`. When there was none,
/// `nothing to fall back to` is said at the level `DEBUG`.
///
/// # Expansion
///
/// ```text
/// async fn search(word: &str) -> Result<Vec<String>, SearchError> {
///     static FALLBACK_: ::resilient::Fallback = ::resilient::Fallback::named("search");
///     ::resilient::listed!("search": own FALLBACK_);
///     'fallback: {
///         let watch_ = FALLBACK_.begin();
///         let attempt_ = async { /* the body */ };
///         let failure_ = match watch_.settle(attempt_.await) {
///             ::resilient::call::Rescue::Accept(outcome_) => break 'fallback outcome_,
///             ::resilient::call::Rescue::FallBack(failure_) => failure_,
///         };
///         if let Ok(value_) = ::resilient::call::answer::<Result<_, _>, _, _>(from_archive(word, failure_.error())).await {
///             break 'fallback failure_.with(value_);
///         }
///         failure_.value(Vec::new())
///     }
/// }
/// ```
///
/// With `stale`, the call begins with `let kept_ = FALLBACK_.call(&key).instance(|| ());`, ends well with
/// `kept_.keep(outcome_)`, and otherwise asks `kept_.recall()`.
///
/// # Cancel safety
///
/// Dropping the future drops the body, or the function that is being fallen back to.
#[doc(alias("rescue"))]
#[proc_macro_attribute]
pub fn fallback(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("fallback", arguments.into(), item.into()).into()
}

/// Stops the function when a cancellation signal comes.
///
/// `on` is a token whose `cancelled()` is a future, such as `tokio_util::sync::CancellationToken`: a field of `self`, an
/// argument, a `static`. A signal that has come before the function is called means that its body is never polled. The
/// refusal is a `resilient::Error`, is not retried, and is no strike against a breaker.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SyncError { #[transparent(from)] Refused(resilient::Error) }
/// use resilient::cancel;
/// use tokio_util::sync::CancellationToken;
///
/// #[cancel(on = stop)]
/// async fn sync(stop: &CancellationToken) -> Result<(), SyncError> {
///     std::future::pending().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let stop = CancellationToken::new();
/// stop.cancel();
/// assert!(sync(&stop).await.is_err());
/// # }
/// ```
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `on`, or no key | expression | required | the token |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` counts the calls that it would stop; `"off"` does nothing |
/// | `name` | string | the function's | stands in rejections and events |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// # Expansion
///
/// ```text
/// async fn sync(stop: &CancellationToken) -> Result<(), SyncError> {
///     static CANCEL_: ::resilient::Cancel = ::resilient::Cancel::named("sync");
///     ::resilient::listed!("sync": own CANCEL_);
///     let attempt_ = async move { /* the body */ };
///     ::resilient::finish::<Result<(), SyncError>>(::resilient::run((CANCEL_.on(stop.cancelled()),), attempt_).await)
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the body. When the signal comes, the body is dropped before the caller gets the error.
#[doc(alias("abort"))]
#[proc_macro_attribute]
pub fn cancel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("cancel", arguments.into(), item.into()).into()
}

/// Adds a function that runs this one over many items, at most so many at once.
///
/// For `async fn fetch(&self, id: u64)` there is a `fetch_all` beside it, which takes anything that iterates over `u64`
/// and returns a `resilient::FanOut`: await it for all outcomes in the items' order, or choose another form first.
///
/// | on the result | gives |
/// |---|---|
/// | `.await` | every outcome, in the order of the items |
/// | `.try_all().await` | all values, or the first error; the rest is dropped |
/// | `.first_ok().await` | the first value, or all errors; the rest is dropped |
/// | `.quorum(n).await` | the first `n` values, or the errors once there can no longer be so many; the rest is dropped |
/// | `.settle_within(time).await` | what has finished by then, in the order of the items: `Ok`, `Err` or `Unfinished` |
/// | `.unordered()` | a stream of `(index, outcome)` as they come |
/// | `.ordered()` | a stream of the outcomes in the order of the items |
///
/// Before any of them, `.limit(n)` sets another limit for this call, `.progress(f)` listens, and `.cancel_on(signal)` ends
/// it early.
///
/// The item is the only argument, or the one marked `#[each]`; of the others, references are shared and values are cloned
/// for each item. Every item passes through the function's own policies, wherever this attribute stands among them.
///
/// ```
/// use resilient::fan_out;
///
/// #[fan_out(limit = 4)]
/// async fn measure(unit: &str, #[each] word: &str) -> String {
///     format!("{} {unit}", word.len())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(measure_all("letters", ["one", "three"]).await, ["3 letters", "5 letters"]);
/// # }
/// ```
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `limit` | integer, or `"adaptive"`, `"gradient"`, `"vegas"`, `"aimd"` | `16` | how many run at once |
/// | `min_limit` | integer or `u32` constant | 1 | the least of a limit that adapts |
/// | `max_limit` | integer or `u32` constant | 200 | the most of a limit that adapts |
/// | `initial_limit` | integer or `u32` constant | 20 | the first of a limit that adapts |
/// | `companion` | name | the function's with `_all` | what the new function is called |
/// | `stream` | a word | none | adds one that takes a `Stream`, too: named as the function, or as `companion`, with `_stream` |
/// | `dedup` | a word | none | runs equal items once, and gives each a clone of the outcome |
/// | `executor` | `"task"`, `"spawn"`, `"blocking"` | `"task"` | what an item runs on: the caller's task, a task of its own, a thread for blocking work |
/// | `associated` | a word | none | the function belongs to a type though it has no `self` |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// A limit that adapts follows how long the items take and how many are refused: it begins at 20, stays between 1 and 200, and
/// is shared by all calls of the new function; with `stream`, each of the two has one. `"adaptive"` is `"gradient"`, which bears with times that vary; for the others
/// see `resilient::FanOutLimit`. The function returns a `Result` of a classified error.
///
/// `dedup` needs an item that is `Hash + Eq + Clone`, and an outcome that is `Clone`. All outcomes are kept until
/// the end.
///
/// With `executor = "spawn"` or `"blocking"`, what is passed along is `Send` and `'static`: `self: Arc<Self>` in place of `&self`. The
/// error type implements `From<resilient::Error>`, for a runtime that is not there or shuts down. The deadline is
/// inherited, and a panic goes on in the caller. Dropping the result aborts what was spawned; what runs on a thread for
/// blocking work goes on to its end.
///
/// A trait and its `impl`s have no room for the new function; put it on an inherent method. An associated function without `self` says
/// `associated`, unless it mentions `Self`: nothing else tells it from a free one, of which there may be one of the same name. Beside a
/// free function, an empty item stands that an `impl` has no room for, so that the compiler notices where the word is missing.
///
/// # Expansion
///
/// The function itself is left as it is, below `::resilient::disturbs!("measure": String);`, which is nothing without the feature `chaos`. Beside it stands:
///
/// ```text
/// fn measure_all<'item_>(
///     unit: &str,
///     items_: impl IntoIterator<Item = &'item_ str>,
/// ) -> ::resilient::FanOut<::resilient::fan::Counted<impl Iterator<Item = impl Future<Output = String>>>> {
///     static FAN_OUT_: ::resilient::FanOutPolicy = ::resilient::FanOutPolicy::named("measure").limit(4);
///     ::resilient::listed!("measure_all" for "measure": own FAN_OUT_);
///     ::resilient::FanOut::new(items_, move |item_| measure(unit, item_))
///         .counted(&FAN_OUT_, |outcome_| ::resilient::class_of_outcome!(outcome_))
///         .limit(4)
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the result drops everything that is running, or aborts it where it was spawned.
#[doc(alias("buffer_unordered", "join_all"))]
#[proc_macro_attribute]
pub fn fan_out(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("fan_out", arguments.into(), item.into()).into()
}

/// Measures how long the function takes, in a histogram for each class of outcome.
///
/// It measures what stands below it: above a [`retry`](macro@retry) the call with all its attempts and waits, below it each attempt. It may stand in both places.
/// The function may return anything. Its outcome is of the class that its error has ([`Classify`](derive@Classify)); without one, an `Err` is
/// permanent and all else a success. A rejection by a policy below has the class that it has for a retry. A call that is dropped or panics is
/// `abandoned`.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum FetchError { #[transient] Busy }
/// use resilient::{measure, retry};
///
/// #[measure]
/// #[retry(max = 2)]
/// #[measure(buckets = ["10ms", "100ms", "1s"])]
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     Ok(id)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(fetch(7).await.unwrap(), 7);
///
/// let functions = resilient::policies().functions;
/// let layers = |function: &resilient::snapshot::FunctionSnapshot| -> Vec<String> {
///     function.stack.iter().map(|layer| layer.layer.clone()).collect()
/// };
/// assert!(functions.iter().any(|function| layers(function) == ["measure", "retry", "attempt_measure"]));
/// # }
/// ```
///
/// On a plain `fn` it measures the call; see [functions that block](macro@retry#functions-that-block).
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `buckets` | durations in brackets | 14 from 5 ms to 10 s | the upper bounds of the histogram's buckets, each longer than the one before; what takes longer has a bucket anyway |
/// | `span` | a word | none | opens a span of the crate `tracing` for each call, too; see below |
/// | `when` | closure or function | the error's class | says the class of an outcome, as for [`retry`](macro@retry) |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` is as `"enforce"`, since nothing is refused; `"off"` neither measures nor opens spans |
/// | `name` | string | the function's | stands in the metrics and spans |
/// | `with` | expression | none | a `Measure` of your own |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// The histogram is `resilient_duration_seconds` in the metrics, where `docs/metrics.md` says what each exporter makes of it.
///
/// # Spans
///
/// With `span` and the feature `tracing`, each call has a span `call` of level `INFO` and target `resilient`, and what happens in it stands inside. Its fields
/// are `policy`, `function`, `layer`, and, once it has ended, `outcome` and the `reason` of a rejection; beside them `otel.name` and `otel.status_code` for
/// OpenTelemetry. No field has an argument of the function or the text of an error.
///
/// # Expansion
///
/// ```text
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     static MEASURE_: ::resilient::Measure = ::resilient::Measure::named("fetch");
///     ::resilient::listed!("fetch": own MEASURE_);
///     let attempt_ = async move { /* the body */ };
///     MEASURE_.run_as(attempt_, |outcome_| ::resilient::classified!(outcome_)).await
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the body, and counts the call as abandoned.
#[proc_macro_attribute]
pub fn measure(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("measure", arguments.into(), item.into()).into()
}

/// Adds a function that asks for one key, and makes one call of this one for all who ask at the same time.
///
/// `load` becomes the two functions `load` and `load_one`, which takes a key in place of a vector of them. The first caller
/// waits for others, for `max_wait` at the most, or until they are `max_size`, and runs `load` for all of them in its own
/// task; each gets the outcome of its own key. Equal keys are asked for once. If the first caller is dropped, or `load`
/// panics, another takes its place. Nothing is spawned. Every batch passes through the function's other policies.
/// `resilient::Batch` says more.
///
/// | `load` returns | a caller gets |
/// |---|---|
/// | `Result<HashMap<K, V>, E>`, or a `BTreeMap` | `Result<Option<V>, E>`: `None` if its key is not in the map |
/// | `Vec<Result<V, E>>`, in the order of the keys | `Result<V, E>` |
/// | `Result<Vec<Result<V, E>>, E>` | `Result<V, E>` |
/// | another `Result<C, E>` | as `resilient::BatchAnswers` of `C` says |
///
/// Keys are `Hash + Eq + Clone`, values and errors `Clone`, and all of them `Send + 'static`, since they go from one caller's
/// task to another's. The error of a vector is `From<resilient::Error>`: one with more or fewer answers than keys says nothing
/// about whose is whose, so that all get `Reason::Unanswered`.
///
/// ```
/// use std::collections::HashMap;
/// use std::convert::Infallible;
/// use resilient::batch;
///
/// struct Users;
///
/// impl Users {
///     #[batch(max_size = 50, max_wait = "5ms")]
///     async fn names(&self, ids: Vec<u64>) -> Result<HashMap<u64, String>, Infallible> {
///         println!("asked for {} names", ids.len());
///         Ok(ids.into_iter().filter(|id| *id > 0).map(|id| (id, format!("user {id}"))).collect())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let users = Users;
/// let (one, nobody) = tokio::join!(users.names_one(1), users.names_one(0)); // asked for 2 names
///
/// assert_eq!((one.unwrap().as_deref(), nobody.unwrap()), (Some("user 1"), None));
/// # }
/// ```
///
/// # Who is batched together
///
/// Calls of the same function of the same object, with the same other arguments. Objects and references are compared by
/// their address, which costs nothing and is never wrong: two clones of a client are two. Other arguments cannot be compared that way, and
/// want a `group`: what calls must agree on, by its hash. It stands in place of the addresses, so that `group = self.tenant` batches across
/// clones of a client; it must name each other argument, but not `self`. The caller that runs the batch does so with its own arguments.
///
/// # Arguments
///
/// | key | type | default | meaning |
/// |---|---|---|---|
/// | `max_size` | integer or `u32` constant, from 2 | `100` | how many callers are in a batch at the most; it then runs at once |
/// | `max_wait` | duration | `"2ms"` | how long the first caller waits for others; `"0s"` is until other tasks had a turn. Less if a caller's deadline is closer than twice that |
/// | `companion` | name | the function's with `_one` | what the new function is called |
/// | `group` | expression | the object and the references | what calls in a batch agree on |
/// | `associated` | a word | none | the function belongs to a type though it has no `self` |
/// | `mode` | `"enforce"`, `"observe"`, `"off"` | `"enforce"` | `"observe"` and `"off"` have each caller make its own call |
/// | `name` | string | the function's | stands in rejections and events |
/// | `with` | `Batch` | a `static` of the function's own | a policy of your own; one in a field of `self` has only that object's calls |
/// | `crate` | path | `::resilient` | where the runtime crate is |
///
/// The keys are the only argument that is a `Vec`, or the one marked `#[each]`. A trait and its `impl`s have no room for the new
/// function; put it on an inherent method. An associated function without `self` says `associated`, unless it mentions `Self`: nothing
/// else tells it from a free one.
///
/// # Expansion
///
/// The function itself can be called for many keys. It is left as it is, below `::resilient::disturbs!(…)`, which is nothing without the feature `chaos`. Beside it stands:
///
/// ```text
/// async fn names_one(&self, key_: u64) -> Result<Option<String>, Infallible> {
///     static BATCH_: ::resilient::Batch = ::resilient::Batch::named("names").max_size(50).max_wait(Duration::from_millis(5));
///     ::resilient::listed!("names_one" for "names": own BATCH_);
///     BATCH_.of(self).run(key_, move |keys_| self.names(keys_)).await
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping a caller takes it out of its batch, and its key is not asked for unless somebody else wants it. If it ran the
/// batch, another runs it again, for what is still wanted.
#[doc(alias("dataloader"))]
#[proc_macro_attribute]
pub fn batch(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("batch", arguments.into(), item.into()).into()
}

/// Several policies as one attribute, outermost first.
///
/// The same as its list of attributes, for those who prefer one line, and for conditions:
/// `#[cfg_attr(feature = "resilience", resilient(timeout("2s"), retry))]` takes all or nothing.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum FetchError { #[transparent(from)] Refused(resilient::Error) }
/// use resilient::resilient;
///
/// #[resilient(timeout("2s"), retry(max = 3), circuit_breaker)]
/// async fn fetch(id: u32) -> Result<u32, FetchError> {
///     Ok(id)
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { assert_eq!(fetch(7).await.unwrap(), 7); }
/// ```
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | a policy, with its own arguments | as its attribute |
/// | `profile = path` | the stack of a [`profile!`](macro@profile), at this place of the list |
/// | `without(retry, …)` | leaves policies of the profile out, all of that name; one that is listed as well stands outside of what is left, or inside, as any other |
/// | `crate = ::path` | where the runtime crate is |
///
/// A policy that the profile has too replaces the arguments that it names, in the place where the profile has the policy; one that
/// it has not stands where it is written: outside of the whole profile before `profile = …`, inside after it.
#[proc_macro_attribute]
pub fn resilient(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("resilient", arguments.into(), item.into()).into()
}

/// Says which policies the functions in an `impl`, a trait or a module must carry.
///
/// A function that breaks a rule does not compile; the message names the function, the rule and what to write. Rules hold for functions with a body, in the modules and
/// `impl`s inside as well. An exception is made with [`exempt`](macro@exempt).
///
/// | function | rules |
/// |---|---|
/// | an `async fn`, and what `#[async_trait]` makes of one | all |
/// | one that returns a future: `impl Future<Output = T>`, `Pin<Box<dyn Future<Output = T>>>`, `BoxFuture<'_, T>` | all; it can carry no policy, so it becomes an `async fn` or is exempt |
/// | one that blocks and carries a policy | all; for a policy that only an `async fn` can have, as `timeout`, it becomes one or is exempt |
/// | any other | none, unless `#[enforce]` stands on the function itself |
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # pub enum SearchError { #[transparent(from)] Refused(resilient::Error) }
/// # pub struct Client;
/// use resilient::{enforce, exempt, retry, timeout};
///
/// #[enforce(timeout(total <= "10s"), optional(retry(max <= 5, budget != none)))]
/// impl Client {
///     #[timeout("2s")]
///     #[retry(max = 3)]
///     pub async fn search(&self, word: &str) -> Result<String, SearchError> {
///         Ok(word.to_owned())
///     }
///
///     #[exempt(reason = "asks nobody")]
///     pub async fn cached(&self) -> usize {
///         7
///     }
///
///     pub fn name(&self) -> &str {
///         "client"
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { assert_eq!(Client.search("tides").await.unwrap().len() + Client.cached().await, 12); }
/// ```
///
/// # Arguments
///
/// | rule | meaning |
/// |---|---|
/// | `timeout` | each function has this policy |
/// | `retry(max <= 5, base >= "50ms")` | it has the policy, and its arguments are so: `<=`, `>=`, `<`, `>`, `==`, `!=` |
/// | `bulkhead(key)` | it has the policy, and the argument is written |
/// | `optional(retry(max <= 5))` | if it has the policy, its arguments are so |
/// | `any(timeout, cancel)` | it has at least one of them |
/// | `forbid(fan_out, fallback)` | it has none of them |
/// | `crate = ::path` | where the runtime crate is |
///
/// A rule compares with an integer, a number, a ratio (`"50%"`), a duration (`"10s"`), or for `==` and `!=` any
/// string or word (`backoff == "exp_jitter"`, `budget != none`). An argument that is not written counts with its default, where that
/// is the same for every function; otherwise the rule asks to write it. So it does where `with = …` brings a policy
/// whose settings are elsewhere. A bare `timeout("2s")` counts as `total` if it stands above the retry, as `attempt` if
/// it stands below it, and as both if there is none.
///
/// The compiler checks an argument that is a constant: the function begins with
/// `const _: () = assert!(RETRIES <= 5, "…");`. An argument that differs between calls or between the instances of a generic
/// function cannot be checked, and is an error.
///
/// Several `#[enforce]` add up, those of a module and of an `impl` in it too. On a function, the attribute can stand
/// anywhere among the others. Policies count that come from a `cfg_attr`, `#[resilient(…)]` or a profile.
///
/// Not seen are functions that a macro in the module makes, functions inside of bodies, and `mod name;`, whose file is
/// elsewhere, which is an error. What stands under `#[cfg(test)]` is left alone.
///
/// # Expansion
///
/// The item, with the rules on each function that they may be for, as an attribute that is collected with the policies there. It leaves nothing in the
/// function but the assertions on constants.
#[proc_macro_attribute]
pub fn enforce(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::enforce::enforce(arguments.into(), item.into()).into()
}

/// Makes an exception to the rules of [`enforce`](macro@enforce) for one `async fn`, and says why.
///
/// ```
/// use resilient::{enforce, exempt};
///
/// #[enforce(timeout, forbid(fan_out))]
/// mod api {
///     # use resilient::exempt;
///     #[exempt(timeout, reason = "runs until the service stops")]
///     pub async fn serve() {}
/// }
/// # fn main() { let _ = api::serve(); }
/// ```
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | policies | the rules about these do not hold here; without any, no rule holds |
/// | `reason = "…"` | why, which must be said |
/// | `crate = ::path` | where the runtime crate is |
///
/// An exemption that is not needed is an error, so that none stays when its reason is gone. One from a rule that is about
/// a constant counts as needed.
///
/// # Expansion
///
/// The function; nothing is left of it.
#[proc_macro_attribute]
pub fn exempt(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::enforce::exempt(arguments.into(), item.into()).into()
}

/// Defines a stack once, for many functions to use by name.
///
/// `#[resilient(profile = search)]` on a function is the same as the list that the profile says. Arguments can be different there,
/// and policies be added and left out; [`resilient`](macro@resilient) says how.
///
/// ```
/// # #[derive(Debug, resilient::Classify)]
/// # enum SearchError { #[transient] Down, #[transparent(from)] Refused(resilient::Error) }
/// use resilient::resilient;
///
/// mod policies {
///     resilient::profile! {
///         /// For everything that searches.
///         pub(crate) search =
///             timeout(total = "2s"),
///             retry(max = 3, base = "50ms"),
///             circuit_breaker,
///             timeout(attempt = "400ms")
///     }
/// }
///
/// #[resilient(profile = policies::search)]
/// async fn find(word: &str) -> Result<usize, SearchError> {
///     Ok(word.len())
/// }
///
/// #[resilient(profile = policies::search, retry(max = 1), without(circuit_breaker))]
/// async fn suggest(word: &str) -> Result<usize, SearchError> {
///     Ok(word.len())
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { assert_eq!(find("tides").await.unwrap() + suggest("tide").await.unwrap(), 9); }
/// ```
///
/// # Arguments
///
/// A visibility up to `pub(crate)`, a name, `=`, and what `#[resilient(…)]` takes: policies, outermost first, and
/// `crate = ::path`. Attributes above, such as documentation and `cfg`, belong to the profile.
///
/// Each function has policies of its own, as if the stack were spelled out there. To share a breaker, give it a
/// name: `circuit_breaker(name = "search")`.
///
/// Names in a profile mean what they mean where it is used: `key = host` is the function's argument. A constant of the module of the
/// profile is written with its path, `retry(max = crate::policies::RETRIES)`. What names arguments in a list, as
/// `clone(request)` does, is written where the profile is used, and so is a policy that adds a function, such as `fan_out`.
///
/// # Expansion
///
/// A `macro_rules!` that knows the stack, and a `use` that gives it the name. The body of a function that uses it is a call
/// of that macro, which becomes what the stack becomes when it is spelled out.
///
/// The profile is found like any macro: by a path, in whatever order; its name must not be that of an attribute in scope.
#[doc(alias("pipeline"))]
#[proc_macro]
pub fn profile(definition: TokenStream) -> TokenStream {
    entry::profile::define(definition.into()).into()
}

/// Fills the body of a function that uses a profile, which calls it.
#[doc(hidden)]
#[proc_macro]
pub fn __compose(input: TokenStream) -> TokenStream {
    entry::profile::compose(input.into()).into()
}

/// Marks a function whose stack is complete, for attributes that come too late. Expands to the function.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn composed(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Says what each variant of an error means to the policies.
///
/// | mark | class |
/// |---|---|
/// | `#[transient]`, `#[transient(after = field)]` | may work when tried again, and not before the server said; `field` is a `Duration` or an `Option` of one |
/// | `#[permanent]` | will fail again |
/// | `#[throttled]`, `#[throttled(after = field)]` | the server asked for less, for as long as `field` says |
/// | `#[transparent]` | as the one error inside, which is classified itself |
/// | `#[transparent(from)]` | the same, and implements `From` of that error, for `?` and for what policies refuse |
///
/// Every variant has exactly one mark; one that is added later without it does not compile. A struct is marked as a whole.
///
/// ```
/// use std::time::Duration;
/// use resilient::{Class, Classify};
///
/// #[derive(Classify)]
/// enum SearchError {
///     #[transient]
///     Connect(std::io::Error),
///     #[throttled(after = retry_after)]
///     Busy { retry_after: Option<Duration> },
///     #[permanent]
///     NotFound,
///     #[transparent(from)]
///     Refused(resilient::Error),
/// }
///
/// assert_eq!(SearchError::NotFound.class(), Class::Permanent);
/// ```
///
/// `#[classify(crate = ::path)]` on the type says where the runtime crate is, if not at `::resilient`.
#[proc_macro_derive(Classify, attributes(transient, permanent, throttled, transparent, classify))]
pub fn classify(item: TokenStream) -> TokenStream {
    classify::expand(item.into()).into()
}
