//! Values that are no policies of a stack.

use std::sync::Arc;

use resilient::tower::policies;
use resilient::{Bulkhead, CircuitBreaker, PerKey, Retry};

static RETRY: Retry = Retry::named("articles");
static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("articles"));

fn main() {
    let _ = policies((&RETRY,));
    let _ = policies(&HOSTS);
    let _ = policies((Arc::new(Bulkhead::named("articles")),));
}
