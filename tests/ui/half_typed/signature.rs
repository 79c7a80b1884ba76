use resilient::retry;

#[retry]
async fn no_type() -> {
    Ok(())
}

fn main() {}
