use std::time::Duration;

use resilient::{Coalesce, coalesce};

static FLIGHTS: Coalesce = Coalesce::named("flights");
const NOTHING: Duration = Duration::ZERO;

#[coalesce(hold = "0s")]
async fn holds_nothing() {}

#[coalesce(hold = NOTHING)]
async fn holds_a_constant_of_nothing() {}

#[coalesce(max_wait = "0s")]
async fn waits_for_nothing() {}

#[coalesce(max_wait = NOTHING)]
async fn waits_for_a_constant_of_nothing() {}

#[coalesce(hold = 100)]
async fn no_unit() {}

#[coalesce(mode = "observ")]
async fn misspelt() {}

#[coalesce(name = search)]
async fn not_a_string() {}

#[coalesce(with = FLIGHTS, hold = "1s")]
async fn settings_beside_with() {}

#[coalesce(with = FLIGHTS, name = "flights")]
async fn name_beside_with() {}

#[coalesce(with = 5)]
async fn no_policy() {}

#[coalesce(ttl = "1s")]
async fn unknown() {}

#[coalesce(crate = resilient)]
async fn relative() {}

#[coalesce]
#[coalesce]
async fn twice() {}

fn main() {}
