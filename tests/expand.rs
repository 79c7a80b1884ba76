//! The expansion snapshots: each file compiles, and does what its attribute does.
//!
//! `resilient-macros` compares the files with what it expands to.

use resilient_tests as support;

macro_rules! cases {
    ($($attribute:ident { $($case:ident => $transcript:literal,)* })*) => {
        $(mod $attribute {
            $(#[allow(clippy::unused_async)]
            mod $case {
                mod attribute {
                    include!(concat!("expand/", stringify!($attribute), "/", stringify!($case), ".rs"));
                }
                // the attributes' own imports are left over
                #[allow(unused_imports)]
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
        own_policy => "Ok(()) after 2",
        when => "Err(503) after 4",
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
        adaptive => "true",
        response => "true true true",
    }
    cancel {
        token => "Ok(()) true",
    }
    fallback {
        chain => "Ok(\"tide after Down\") Ok(\"TIDE\") Ok(\"TIDE\") Ok(\"\")",
    }
    fan_out {
        free => "[Ok(2), Ok(4), Ok(6)]",
        method => "[Ok(\"aa\"), Ok(\"bb\"), Ok(\"cc\")]",
    }
    resilient {
        stack => "Ok(\"words at attempt 2\")",
        boxed => "Ok(\"words\")",
    }
    enforce {
        rules => "Ok(3) 7",
    }
    profile {
        changed => "Ok(2) Err(Down)",
    }
    classify {
        marks => "Transient Throttled { after: Some(1s) } Throttled { after: None } Permanent Transient",
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
