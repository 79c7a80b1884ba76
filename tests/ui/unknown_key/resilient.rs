use resilient::resilient;

struct Error;

#[resilient(retyr(max = 3), time_out("2s"), cache)]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[resilient(retry(mx = 3), timeout(totl = "2s"))]
async fn arguments_inside() -> Result<(), Error> {
    Ok(())
}

#[resilient]
async fn nothing() -> Result<(), Error> {
    Ok(())
}

#[resilient()]
async fn nothing_in_parentheses() -> Result<(), Error> {
    Ok(())
}

#[resilient(timeout = "2s", "2s")]
async fn not_a_list() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = misspelt();
    let _ = arguments_inside();
    let _ = nothing();
    let _ = nothing_in_parentheses();
    let _ = not_a_list();
}
