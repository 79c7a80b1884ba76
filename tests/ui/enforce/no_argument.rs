use resilient::enforce;

#[enforce(retry(everything <= 3))]
mod api {}

fn main() {}
