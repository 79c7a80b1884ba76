use resilient::retry;

fn main() {}

#[retry]
