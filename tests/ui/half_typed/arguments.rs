use resilient::{resilient, retry, timeout};

struct Error;

#[retry(max = )]
async fn no_value() -> Result<(), Error> {
    Ok(())
}

#[retry(max = , base = "1s", cpa = "2s")]
async fn no_value_before_others() -> Result<(), Error> {
    Ok(())
}

#[retry(max)]
async fn no_equals() -> Result<(), Error> {
    Ok(())
}

#[retry(,)]
async fn only_a_comma() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 3,, base = "1s")]
async fn two_commas() -> Result<(), Error> {
    Ok(())
}

#[retry(= 3)]
async fn no_key() -> Result<(), Error> {
    Ok(())
}

#[retry(m)]
async fn part_of_a_key() -> Result<(), Error> {
    Ok(())
}

#[retry(when = |)]
async fn part_of_a_closure() -> Result<(), Error> {
    Ok(())
}

#[retry(when = |error|)]
async fn closure_without_a_body() -> Result<(), Error> {
    Ok(())
}

#[timeout]
async fn no_limit() -> Result<(), Error> {
    Ok(())
}

#[timeout()]
async fn no_limit_in_parentheses() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "1s", attempt = )]
async fn no_attempt() -> Result<(), Error> {
    Ok(())
}

#[timeout(if)]
async fn part_of_an_expression() -> Result<(), Error> {
    Ok(())
}

#[resilient(retry(max = ), timeout())]
async fn inside_a_list() -> Result<(), Error> {
    Ok(())
}

#[resilient(retry(max = 2), ti)]
async fn part_of_a_policy() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = no_value();
    let _ = no_value_before_others();
    let _ = no_equals();
    let _ = only_a_comma();
    let _ = two_commas();
    let _ = no_key();
    let _ = part_of_a_key();
    let _ = part_of_a_closure();
    let _ = closure_without_a_body();
    let _ = no_limit();
    let _ = no_limit_in_parentheses();
    let _ = no_attempt();
    let _ = part_of_an_expression();
    let _ = inside_a_list();
    let _ = part_of_a_policy();
}
