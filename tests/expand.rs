//! The expansion snapshots: each file compiles, and does what its attribute does.
//!
//! `resilient-macros` compares the files with its own expansions.

use resilient_tests as support;

macro_rules! cases {
    ($($attribute:ident { $($case:ident => $transcript:literal,)* })*) => {
        $(mod $attribute {
            $(#[allow(clippy::unused_async)]
            mod $case {
                mod attribute {
                    include!(concat!("expand/", stringify!($attribute), "/", stringify!($case), ".rs"));
                }
                // the attributes are still imported, and the expanded code does not use them; clippy does not look at types that a macro writes
                #[allow(unused_imports, clippy::type_complexity)]
                mod expanded {
                    include!(concat!("expand/", stringify!($attribute), "/", stringify!($case), ".expanded.rs"));
                }

                #[tokio::test(start_paused = true)]
                async fn does_the_same_when_pasted_over_its_attribute() {
                    resilient::test::seed(1);
                    assert_eq!(attribute::transcript().await, $transcript);
                    resilient::test::seed(1);
                    assert_eq!(expanded::transcript().await, $transcript);
                }
            })*
        })*

        /// The cases that are compiled and run here.
        const CASES: &[&str] = &[$($(concat!(stringify!($attribute), "/", stringify!($case), ".rs"),)*)*];
    };
}

cases! {
    retry {
        bare => "Ok(7) after 3",
        options => "Ok(\"some more\") at 2",
        growth => "Ok(()) [10, 30, 90]",
        own_policy => "Ok(()) after 2, Err(Down) after 2",
        when => "Err(503) after 4",
        blocking => "Ok(9) after 3",
        hooks => "Err(Down) [\"Down 0\", \"Down NoRetriesLeft\"] Ok(())",
    }
    timeout {
        bare => "Err(Refused(Error { policy: Timeout, name: \"lookup\", reason: TimedOut { limit: 250ms } }))",
        levels => "Ok(1)",
    }
    circuit_breaker {
        bare => "Ok(\"words\")",
        options => "open after 4",
        keyed => "2 true Ok(())",
        named => "Ok(()) Ok(())",
        slow => "open after 5",
        shared => "Ok(5)",
    }
    bulkhead {
        bare => "Ok(\"words\")",
        options => "Ok(3) 2",
        adaptive => "Ok(()) Err(Down)",
    }
    rate_limit {
        bare => "Ok(\"words\")",
        options => "Ok(()) in 200 ms",
        keyed => "Ok(()) true Ok(())",
        response => "true true true",
        dialect => "true true true true true",
        weight => "Ok(Answer { tokens: 4 }) true",
        settings => "[3, 1, 2]",
    }
    measure {
        options => "Ok(7) 2",
    }
    throttle {
        options => "true",
    }
    hedge {
        bare => "Ok(\"WORDS\") from 11",
        options => "Ok(\"some more 1\")",
        learning => "Ok(9)",
        number => "Ok(\"tide of b\") Ok(\"b\")",
        stack => "Ok(\"words at attempt 0\") 2",
    }
    cancel {
        token => "Ok(()) true",
    }
    coalesce {
        bare => "(7, 7)",
        key => "(Ok(\"tide 1 by a\"), Ok(\"tide 1 by a\"), Ok(\"tide 2 by c\"))",
        method => "(Ok(\"a 1 at 2\"), Ok(\"a 1 at 2\"), Ok(\"b 1 at 1\"))",
        share => "[\"tide\"] true",
        renewing => "tide 2, tide 2, tide 3, tide 4",
    }
    fallback {
        chain => "Ok(\"tide after Down\") Ok(\"TIDE\") Ok(\"TIDE\") Ok(\"\")",
        method => "Ok(\"tide of 1 (7)\") Ok(\"tide of 1 (7)\") Err(Down)",
    }
    fan_out {
        free => "[Ok(2), Ok(4), Ok(6)]",
        method => "[Ok(\"aa\"), Ok(\"bb\"), Ok(\"cc\")]",
        stream => "[Ok(\"3 letters\"), Ok(\"5 letters\")] Ok([\"3 letters\", \"5 letters\"])",
        spawn => "[Ok(3), Ok(6), Ok(3)]",
    }
    batch {
        bare => "(Ok(Some(2)), Ok(Some(4)), Ok(Some(2)))",
        method => "(Ok(\"1m\"), Ok(\"2m\"), Ok(\"2m\"), Ok(\"1m\")) in 3",
        key => "(Ok(Some(2010)), Ok(Some(1022)), Ok(Some(2030)), Ok(Some(1040))) (Ok(2), Ok(2), Ok(1))",
    }
    resilient {
        stack => "Ok(\"words at attempt 2\")",
        boxed => "Ok(\"words\")",
        blocking => "Ok(\"words\") Ok(\"words after Down\")",
    }
    enforce {
        rules => "Ok(3) 7",
    }
    profile {
        changed => "Ok(2) Err(Down)",
    }
    classify {
        marks => "Transient Throttled { after: Some(1s) } Throttled { after: None } Permanent Transient",
        waits => "Transient Some(2s) Throttled { after: None } None Permanent None",
    }
}

#[test]
fn every_case_is_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("expand");
    let mut found = Vec::new();
    for attribute in std::fs::read_dir(&folder).unwrap() {
        for case in std::fs::read_dir(attribute.unwrap().path()).unwrap() {
            let path = case.unwrap().path();
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
            if !name.ends_with(".expanded.rs") {
                found.push(name);
            }
        }
    }
    found.sort();

    let mut run = CASES.to_vec();
    run.sort_unstable();

    assert_eq!(found, run);
}
