use resilient::rate_limit;

struct Error;

#[rate_limit("100")]
async fn no_period() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(100)]
async fn a_number() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("0/s")]
async fn never() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(0, per = "1s")]
async fn never_again() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("-5/s")]
async fn negative() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(-5, per = "1s")]
async fn a_negative_number() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("0.5/s")]
async fn half_a_call() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("5/secnd")]
async fn unknown_period() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("5/fortnight")]
async fn unheard_of_period() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("5/0s")]
async fn no_time() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("adaptiv")]
async fn nearly_adaptive() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("fast")]
async fn a_word() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(true)]
async fn a_truth() -> Result<(), Error> {
    Ok(())
}

#[rate_limit]
async fn nothing() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(burst = 5)]
async fn only_a_burst() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", per = "1s")]
async fn twice() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(100, per = "0s")]
async fn a_period_of_zero() -> Result<(), Error> {
    Ok(())
}

const CALLS: u32 = 5;

#[rate_limit(CALLS)]
async fn a_constant() -> Result<(), Error> {
    Ok(())
}

fn main() {}
