//! Files: what is applied, what is refused, and what is said of it.

use resilient::config;
use resilient::{CircuitBreaker, Event, Mode, Retry, retry};

use crate::{alone, apply, mistakes, policy, setting, value};

#[test]
fn a_file_changes_what_it_names_and_says_where_that_is_from() {
    let _alone = alone();

    let applied =
        apply("[order.retry]\nmax = 1\nbase = \"200ms\"\n\n[\"settings::shop::look\"]\ntimeout.limit = \"3s\"");

    // two functions have policies of the name `order`
    assert!(applied.is_err());
    let applied = apply("[\"settings::shop::order\".retry]\nmax = 1\nbase = \"200ms\"\n\n[\"settings::shop::look\"]\ntimeout.limit = \"3s\"").unwrap();
    assert_eq!((applied.changed(), applied.waiting().len()), (2, 0));
    let retry = policy_of_shop("retry");
    let max = setting(&retry, "max");
    assert_eq!((max.value.as_str(), max.compiled.as_str(), max.origin.as_deref()), ("1", "3", Some("test.toml:2")));
    let base = setting(&retry, "base");
    assert_eq!(
        (base.value.as_str(), base.compiled.as_str(), base.origin.as_deref()),
        ("200ms", "100ms", Some("test.toml:3"))
    );
    assert_eq!(setting(&retry, "backoff").origin, None);
    let limit = setting(&look(), "limit");
    assert_eq!((limit.value.as_str(), limit.compiled.as_str()), ("3s", "1s"));

    // what a file no longer says is as it was built
    apply("[\"settings::shop::order\".retry]\nbase = \"300ms\"").unwrap();
    let retry = policy_of_shop("retry");
    assert_eq!((setting(&retry, "max").value, setting(&retry, "base").value), ("3".to_owned(), "300ms".to_owned()));
    assert_eq!(setting(&retry, "max").origin, None);
    assert_eq!(setting(&look(), "limit").value, "1s");

    config::forget("test.toml").unwrap();
    assert_eq!(setting(&policy_of_shop("retry"), "base").value, "100ms");
}

fn of_shop(function: &str, layer: &str) -> resilient::snapshot::PolicySnapshot {
    let functions = resilient::policies().functions;
    let function = functions.into_iter().find(|listed| listed.function == function && listed.module.ends_with("shop"));
    let stack = function.expect("it is listed").stack;
    stack.into_iter().find(|listed| listed.layer == layer).and_then(|layer| layer.policy).expect("it has that policy")
}

fn policy_of_shop(layer: &str) -> resilient::snapshot::PolicySnapshot {
    of_shop("order", layer)
}

fn look() -> resilient::snapshot::PolicySnapshot {
    of_shop("look", "timeout")
}

#[test]
fn every_mistake_has_its_place_and_nothing_is_applied() {
    let _alone = alone();
    let text = r#"[price.hedge]
after = "60ms"
max = 20
ratio = 5

[price.throtle]
k = 3

[stock]
hold = "1s"
coalesce.hold = 5
coalesce.key = "id"

[names.batch]
max_sise = 20
max_wait = { a = 1 }

[end]
"#;

    let refused = config::apply("conf/shop.toml", text).unwrap_err();
    let said: Vec<String> = refused.to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        said,
        [
            "conf/shop.toml:10:1: `hold` needs the kind of policy: write it below `[stock.retry]`, or the like; only `mode` is for all policies of a name",
            "conf/shop.toml:16:12: `max_wait` takes one value, and this is a table",
        ],
        "the form first, as all else may follow from it"
    );

    let text = text.replace("hold = \"1s\"\ncoalesce", "coalesce").replace("max_wait = { a = 1 }", "max_wait = \"1\"");
    let refused = config::apply("conf/shop.toml", &text).unwrap_err();
    let said: Vec<String> = refused.to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        said,
        [
            "conf/shop.toml:3:7: `max` must be at most 10",
            "conf/shop.toml:4:9: `ratio` is a ratio between 0 and 1: write `ratio = \"5%\"` or `ratio = 0.05`",
            "conf/shop.toml:6:8: `price` has no `throtle`: did you mean `throttle`?",
            "conf/shop.toml:10:17: a duration needs a unit: write `hold = \"5s\"` or `hold = \"5ms\"`",
            "conf/shop.toml:11:10: `key` is a part of the code, which no setting changes: the keys are `hold`, `stale_while_revalidate`, `max_wait`, `mode`",
            "conf/shop.toml:14:1: unknown key `max_sise`: did you mean `max_size`?",
            "conf/shop.toml:15:12: a duration needs a unit: write `\"1s\"` or `\"1ms\"`",
        ]
    );
    assert_eq!(refused.source_name(), "conf/shop.toml");
    assert_eq!((refused.mistakes()[0].line, refused.mistakes()[0].column), (3, 7));
    assert_eq!(value("price", "hedge", "after"), "50ms", "the good line is not applied either");
}

#[test]
fn words_of_other_libraries_are_translated() {
    let _alone = alone();

    let said = mistakes(
        "[\"settings::shop::order\".retry]\nmax_retries = 3\nbackoff = \"exponential\"\n[order.circuit_breaker]\nfailureRateThreshold = 50",
    );

    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "test.toml:2:1: unknown key `max_retries`: write `max`, which counts the attempts after the first one",
            "test.toml:3:11: unknown `backoff` `\"exponential\"`: did you mean `\"exp_jitter\"`?",
            "test.toml:5:1: unknown key `failureRateThreshold`: write `failure_rate`, a share of the calls",
        ]
    );
}

#[test]
fn what_is_in_force_stays_when_a_file_is_refused() {
    let _alone = alone();
    apply("[stock.coalesce]\nhold = \"1s\"").unwrap();
    let before = config::reloads();

    assert!(apply("[stock.coalesce]\nhold = \"0s\"").is_err());

    assert_eq!(value("stock", "coalesce", "hold"), "1s");
    let after = config::reloads();
    assert_eq!((after.applied, after.refused), (before.applied, before.refused + 1));
    apply("[stock.coalesce]\nhold = \"2s\"").unwrap();
    assert_eq!(value("stock", "coalesce", "hold"), "2s", "and reloading goes on");
}

#[test]
fn a_part_of_a_file_is_refused() {
    let _alone = alone();
    let whole = "[stock.coalesce]\nhold = \"1s\"\nmax_wait = \"10s\"\n\n[end]\n";
    config::apply("part.toml", whole).unwrap();

    for end in 0..whole.len() - 2 {
        let result = config::apply("part.toml", &whole[..end]);
        assert!(result.is_err(), "{:?}", &whole[..end]);
    }
    assert_eq!(value("stock", "coalesce", "max_wait"), "10s");

    let said = |text: &str| config::apply("part.toml", text).unwrap_err().to_string();
    assert_eq!(said(" \n"), "part.toml: it is empty: to take all settings back, leave the line `[end]` in it");
    assert_eq!(
        said("[stock.coalesce]\nhold = \"1s\"\n"),
        "part.toml:2:12: the last line is not `[end]`: add it, so that a file of which a part is missing is not applied"
    );
    assert_eq!(
        said("[end]\n[stock.coalesce]\nhold = \"1s\"\n"),
        "part.toml:1:2: `[end]` stands last, and has nothing in it: move it below all settings"
    );
    assert!(said("[stock.coalesce\n[end]\n").starts_with("part.toml:1:16: "), "{}", said("[stock.coalesce\n[end]\n"));
    assert!(said(&"#".repeat(2 << 20)).contains("it has 2097152 bytes, and settings have at most 1048576"));
    assert_eq!(
        said("max = 3\n[end]\n"),
        "part.toml:1:1: `max` stands in no table: write the policy and its kind above it, as in `[search.retry]`"
    );
}

#[test]
fn names_that_mean_two_policies_are_refused() {
    let _alone = alone();

    assert_eq!(
        mistakes("[order.retry]\nmax = 1"),
        "test.toml:1:2: several functions have policies of the name `order`: write `[\"settings::depot::order\"]` or `[\"settings::shop::order\"]`"
    );
    // one of the two functions has a time-out, and only one a retry
    apply("[look.timeout]\nlimit = \"3s\"\n\n[look.retry]\nmax = 1").unwrap();
    assert_eq!(setting(&look(), "limit").value, "3s");
    assert_eq!(
        mistakes("[\"settings::shop::look\".retry]\nmax = 1"),
        "test.toml:1:25: `settings::shop::look` has no `retry`: the only policy is `timeout`"
    );
    assert_eq!(
        mistakes(
            "[\"settings::shop::twice\".circuit_breaker]\nconsecutive = 7\n[\"settings::shop::twice\".bulkhead]\nlimit = 1"
        ),
        "test.toml:3:26: `settings::shop::twice` has no `bulkhead`: the policies are `circuit_breaker`, `circuit_breaker2_per_key`"
    );
    assert_eq!(
        mistakes("[ship.circuit_breaker]\nprobes = 1"),
        "test.toml:1:7: `ship` gets its `circuit_breaker` from elsewhere, by `with`: write its own name, `[upstream.circuit_breaker]`"
    );
    apply("[upstream.circuit_breaker]\nprobes = 1").unwrap();
    let others = resilient::policies().others;
    let upstream = others.iter().find(|policy| policy.name == "upstream").expect("it was listed before its first call");
    assert_eq!(setting(upstream, "probes").value, "1");
    assert_eq!(
        mistakes("[ship.retry]\nmax = \"three\"\n[refund.retry]\nmax = 0"),
        "test.toml:2:7: `max` takes a whole number, and not \"three\": write `max = 3` or `max = \"unlimited\"`\n\
         test.toml:4:7: zero retries is no retry: write `mode = \"off\"`, or allow at least 1"
    );
    apply("[\"settings::shop::twice\".circuit_breaker2_per_key]\nconsecutive = 7").unwrap();
    assert_eq!(value("twice", "circuit_breaker2_per_key", "consecutive"), "7");
    assert_eq!(value("twice", "circuit_breaker", "consecutive"), "5");
    assert_eq!(
        mistakes("[shop.retri]\nmax = 1\n[shopp.circuit_braker]\nprobes = 1"),
        "test.toml:1:7: `shop` has no `retri`: the only policy is `circuit_breaker`\n\
         test.toml:3:8: unknown kind of policy `circuit_braker`: did you mean `circuit_breaker`?"
    );
}

#[test]
fn a_policy_that_is_not_there_yet_waits() {
    static LATER: Retry = Retry::named("settings: later");
    static SHARED: CircuitBreaker = CircuitBreaker::named("settings: shared later").consecutive(9);
    let _alone = alone();

    let applied =
        apply("[\"settings: later\".retry]\nmax = 1\n[\"settings: shared later\".circuit_breaker]\nconsecutive = 4\n[stok.coalesce]\nhold = \"1s\"").unwrap();
    let waiting: Vec<String> = applied.waiting().iter().map(ToString::to_string).collect();
    assert_eq!(applied.changed(), 0);
    assert_eq!(waiting[0], "1:2: there is no policy and no function `settings: later` yet");
    assert_eq!(waiting[2], "5:2: there is no policy and no function `stok` yet: did you mean `stock`?");

    resilient::list(&LATER);
    let shared = SHARED.shared();

    let debug = format!("{LATER:?} {shared:?}");
    assert!(debug.contains("max: Some(1)"), "{debug}");
    assert!(debug.contains("consecutive: Some(4)"), "{debug}");
    apply("").unwrap();
    assert!(format!("{LATER:?}").contains("max: Some(3)"));
}

#[test]
fn two_files_may_not_say_the_same() {
    let _alone = alone();
    config::apply("one.toml", "[stock.coalesce]\nhold = \"1s\"\n[end]\n").unwrap();

    let refused =
        config::apply("two.toml", "[\"settings::shop::stock\".coalesce]\nmax_wait = \"1s\"\nhold = \"2s\"\n[end]\n")
            .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "two.toml:3:1: `hold` of this policy is set at one.toml:2 already: keep one of the two"
    );
    config::apply("two.toml", "[stock.coalesce]\nmax_wait = \"1s\"\n[end]\n").unwrap();

    let policy = policy("stock", "coalesce");
    let origins = ["hold", "max_wait"].map(|key| setting(&policy, key).origin.unwrap());
    assert_eq!(origins, ["one.toml:2", "two.toml:2"]);
    assert_eq!(
        mistakes("[stock.coalesce]\nhold = \"1s\"\n[\"settings::shop::stock\".coalesce]\nhold = \"1s\""),
        "test.toml:2:1: `hold` of this policy is set at one.toml:2 already: keep one of the two\n\
         test.toml:4:1: `hold` of this policy is set at one.toml:2 already: keep one of the two"
    );
}

#[test]
fn the_times_of_a_stack_go_together() {
    let _alone = alone();
    let order = |text: &str| format!("[\"settings::shop::order\"]\n{text}");

    assert_eq!(
        mistakes(&order("timeout.attempt = \"2s\"")),
        "test.toml:2:19: `settings::shop::order`: an attempt may take 2s, which is not less than the 2s of the whole call, so its time-out can never fire: make it shorter, or the call's longer"
    );
    assert_eq!(
        mistakes(&order("retry.base = \"1600ms\"")),
        "test.toml:2:14: `settings::shop::order`: no room for a retry: an attempt of 500ms and a first wait of at least 1.6s leave nothing of the 2s of the whole call; allow more time, or shorten `base`"
    );
    // both together are right
    apply(&order("timeout.attempt = \"2s\"\ntimeout.total = \"4s\"\nretry.base = \"1600ms\"")).unwrap();
    assert_eq!(setting(&policy_of_shop("attempt_timeout"), "limit").value, "2s");
    assert_eq!(setting(&policy_of_shop("total_timeout"), "limit").value, "4s");
    assert_eq!(
        mistakes(&order("circuit_breaker.window = 20")),
        "test.toml:2:26: `min_calls` is larger than `count_window`, so the failure rate could never count"
    );
    apply(&order("circuit_breaker.window = 20\ncircuit_breaker.min_calls = 10")).unwrap();
    assert_eq!(setting(&policy_of_shop("circuit_breaker"), "window").value, "20");
    assert_eq!(mistakes("[look.timeout]\nattempt = \"0s\""), "test.toml:2:11: a time-out of zero fails every call");
    // it takes no retry beside it, so the one time-out is either
    apply("[look.timeout]\nattempt = \"9s\"").unwrap();
    assert_eq!(setting(&look(), "limit").value, "9s");
}

#[test]
fn events_say_what_became_of_a_file() {
    let _alone = alone();
    let recorder = resilient::test::record();

    apply("[stock.coalesce]\nhold = \"1s\"\n[later.retry]\nmax = 1").unwrap();
    apply("[stock.coalesce]\nhold = \"0s\"\nmax_wait = \"0s\"").unwrap_err();

    let events: Vec<Event> = recorder.events();
    assert!(
        matches!(
            events[..],
            [
                Event::SettingsApplied { source: "test.toml", policies: 1, waiting: 1, .. },
                Event::SettingsRefused { source: "test.toml", mistakes: 2, .. },
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn the_mode_of_a_name_is_for_all_its_policies() {
    let _alone = alone();

    apply("[\"settings::shop::order\"]\nmode = \"off\"\nretry.mode = \"observe\"").unwrap();

    let modes = ["total_timeout", "retry", "circuit_breaker", "rate_limit", "bulkhead", "attempt_timeout"]
        .map(|layer| policy_of_shop(layer).mode.unwrap());
    let off = Mode::Off;
    assert_eq!(modes, [off, Mode::Observe, off, off, off, off]);
    assert_eq!(
        mistakes("[\"settings::shop::order\"]\nmode = \"of\""),
        "test.toml:2:8: unknown `mode` `\"of\"`: did you mean `\"off\"`?",
        "once, not for each policy"
    );
    assert_eq!(policy_of_shop("retry").mode, Some(Mode::Observe));
    apply("").unwrap();
    assert_eq!(policy_of_shop("retry").mode, Some(Mode::Enforce));
}

#[test]
fn the_rules_of_a_team_hold_for_files_too() {
    let _alone = alone();

    assert_eq!(
        mistakes("[refund]\ntimeout.total = \"3s\"\nretry.max = 4\nretry.base = \"10ms\""),
        "test.toml:2:17: `settings::depot::refund`: the rule `timeout(total <= \"2s\")` does not allow 3s\n\
         test.toml:3:13: `settings::depot::refund`: the rule `retry(max <= 3)` does not allow 4\n\
         test.toml:4:14: `settings::depot::refund`: the rule `retry(base >= \"50ms\")` does not allow 10ms"
    );
    apply("[refund]\ntimeout.total = \"2s\"\nretry.max = 3\nretry.base = \"50ms\"").unwrap();
    assert_eq!(value("refund", "retry", "max"), "3");
    assert!(mistakes("[refund.retry]\nmax = \"unlimited\"\nmax_elapsed = \"1s\"").contains("does not allow unlimited"));
    // an operator may switch off what a rule demands
    apply("[refund]\nmode = \"off\"").unwrap();
}

#[test]
fn mistakes_of_toml_say_what_to_write() {
    let _alone = alone();

    for (text, said) in [
        (
            "[stock.coalesce]\nhold = \"1s\"\nhold = \"2s\"",
            "test.toml:3:1: `hold` is there twice in this table: keep one of the two",
        ),
        (
            "[stock.coalesce]\nhold = \"1s\"\n\n[stock.coalesce]\nmax_wait = \"1s\"",
            "test.toml:4:8: the table `[stock.coalesce]` is there twice: write all its keys below the first of the two",
        ),
        (
            "[settings::shop::look.timeout]\nlimit = \"1s\"",
            "test.toml:1:10: the path of a function stands in quotes: write `[\"settings::shop::look\".timeout]`",
        ),
        (
            "[settings::shop::look]\nmode = \"off\"",
            "test.toml:1:10: the path of a function stands in quotes: write `[\"settings::shop::look\"]`",
        ),
        (
            "[stock.coalesce]\nhold = 1s",
            "test.toml:2:8: a value with letters or signs stands in quotes: write `hold = \"1s\"`",
        ),
        (
            "[shop.circuit_breaker]\nfailure_rate = 50%",
            "test.toml:2:16: a value with letters or signs stands in quotes: write `failure_rate = \"50%\"`",
        ),
        ("[look.timeout]\nlimit = ", "test.toml:2:9: `limit` has no value: write one, or remove the line"),
        ("[look.timeout\nlimit = 3", "test.toml:1:14: unclosed table, expected `]`"),
        (
            "[shop.circuit_breaker]\nfailure_rate = \"150%\"",
            "test.toml:2:16: `failure_rate` must be above 0 and at most 1: 0.5 is one half, and \"150%\" is 1.5",
        ),
        (
            "[shop.circuit_breaker]\nfailure_rate = 0",
            "test.toml:2:16: `failure_rate` must be above 0 and at most 1: 0.5 is one half",
        ),
        (
            "[price.hedge]\nratio = \"300%\"",
            "test.toml:2:9: the ratio of a hedge is more than 0 and at most 1, and \"300%\" is 3",
        ),
    ] {
        assert_eq!(mistakes(text), said, "{text}");
    }
}

#[tokio::test]
async fn methods_of_one_name_are_told_apart_by_their_lines() {
    struct Till;
    struct Safe;

    impl Till {
        #[retry]
        async fn settle(&self) -> Result<(), resilient::Error> {
            Ok(())
        }
    }

    impl Safe {
        #[retry]
        async fn settle(&self) -> Result<(), resilient::Error> {
            Ok(())
        }
    }
    Till.settle().await.unwrap();
    Safe.settle().await.unwrap();
    let _alone = alone();
    let functions = resilient::policies().functions;
    let mut lines: Vec<u32> =
        functions.iter().filter(|listed| listed.function == "settle").map(|listed| listed.line).collect();
    lines.sort_unstable();

    let applied = apply("[\"settings::files::Till::settle\".retry]\nmax = 1").unwrap();

    let [till, safe] = [lines[0], lines[1]].map(|line| format!("settings::files::settle:{line}"));
    assert_eq!(
        applied.waiting()[0].to_string(),
        format!(
            "1:2: there is no policy and no function `settings::files::Till::settle` yet: did you mean `{till}` or `{safe}`?"
        )
    );
    let applied = apply(&format!("[\"{till}\".retry]\nmax = 1")).unwrap();
    assert_eq!((applied.changed(), applied.waiting().len()), (1, 0));
    apply("").unwrap();
}
