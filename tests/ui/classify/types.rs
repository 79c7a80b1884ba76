use resilient::Classify;

struct Unclassified;

#[derive(Classify)]
enum Error {
    #[transparent]
    Inner(Unclassified),
    #[throttled(after = wait)]
    Busy { wait: u32 },
}

fn main() {}
