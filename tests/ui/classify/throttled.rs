use std::time::Duration;

use resilient::Classify;

#[derive(Classify)]
enum NoSuchField {
    #[throttled(after = nope)]
    Named { wait: Duration },
    #[throttled(after = wiat)]
    Misspelt { wait: Duration },
    #[throttled(after = 1)]
    Numbered(Duration),
    #[throttled(after = wait)]
    Unit,
}

#[derive(Classify)]
enum Malformed {
    #[throttled(wait)]
    NoKey { wait: Duration },
    #[throttled(before = wait)]
    OtherKey { wait: Duration },
    #[throttled(after)]
    NoValue { wait: Duration },
    #[throttled(after = )]
    HalfTyped { wait: Duration },
    #[throttled(after = "1s")]
    Literal { wait: Duration },
    #[throttled()]
    Empty { wait: Duration },
    #[throttled = "wait"]
    Equals { wait: Duration },
    #[throttled(after = wait, before = wait)]
    Two { wait: Duration },
}

#[derive(Classify)]
enum Transient {
    #[transient(after = wiat)]
    Misspelt { wait: Duration },
    #[transient(before = wait)]
    OtherKey { wait: Duration },
    #[transient(wait)]
    NoKey { wait: Duration },
    #[transient = "wait"]
    Equals { wait: Duration },
}

fn classified<E: Classify>() {}

fn main() {
    classified::<NoSuchField>();
    classified::<Malformed>();
    classified::<Transient>();
}
