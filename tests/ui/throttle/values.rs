use resilient::{Throttle, throttle};

struct Error;

static THROTTLE: Throttle = Throttle::named("throttle");

#[throttle(k = 0.5)]
async fn small_k() -> Result<(), Error> {
    Ok(())
}

#[throttle(k = "two")]
async fn k_in_words() -> Result<(), Error> {
    Ok(())
}

#[throttle(max_drop = 90)]
async fn a_share_in_percent() -> Result<(), Error> {
    Ok(())
}

#[throttle(max_drop = 0)]
async fn nothing_is_dropped() -> Result<(), Error> {
    Ok(())
}

#[throttle(k = 3.0, with = THROTTLE)]
async fn with_k() -> Result<(), Error> {
    Ok(())
}

#[throttle(2.0)]
async fn no_key() -> Result<(), Error> {
    Ok(())
}

#[throttle(burst = 5)]
async fn unknown_key() -> Result<(), Error> {
    Ok(())
}

#[throttle(mode = "observ")]
async fn unknown_mode() -> Result<(), Error> {
    Ok(())
}

#[throttle(name = search)]
async fn no_string() -> Result<(), Error> {
    Ok(())
}

#[throttle(key = "tenant")]
async fn one_key_for_all(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

#[throttle(with = "throttle")]
async fn no_policy() -> Result<(), Error> {
    Ok(())
}

#[throttle(when)]
async fn when_what() -> Result<(), Error> {
    Ok(())
}

#[throttle(crate = resilient)]
async fn a_relative_path() -> Result<(), Error> {
    Ok(())
}

#[throttle]
#[throttle(k = 3.0)]
async fn twice() -> Result<(), Error> {
    Ok(())
}

fn main() {}
