use resilient::retry;

struct Error;

#[retry]
async fn one(mut request: String) -> Result<(), Error> {
    request.push('x');
    Ok(())
}

#[retry(clone(first))]
async fn the_other(mut first: String, mut second: String, (mut a, _b): (u32, u32)) -> Result<(), Error> {
    first.push('x');
    second.push('x');
    a += 1;
    let _ = a;
    Ok(())
}

fn main() {
    let _ = one(String::new());
    let _ = the_other(String::new(), String::new(), (1, 2));
}
