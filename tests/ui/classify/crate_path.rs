use resilient::Classify;

#[derive(Classify)]
#[classify(crate = resilient)]
#[transient]
struct Relative;

#[derive(Classify)]
#[classify(krate = ::resilient)]
#[transient]
struct Unknown;

#[derive(Classify)]
#[classify]
#[transient]
struct Bare;

#[derive(Classify)]
#[classify(crate = "::resilient")]
#[transient]
struct Quoted;

fn main() {}
