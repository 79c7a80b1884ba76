use resilient::hedge;

struct Unclassified;

#[hedge(idempotent)]
async fn unclassified() -> Result<(), Unclassified> {
    Ok(())
}

#[hedge(idempotent)]
async fn no_result() -> u32 {
    1
}

#[hedge(idempotent, with = 7)]
async fn no_hedge() -> Result<(), std::io::Error> {
    Ok(())
}

#[hedge(idempotent)]
async fn used_up(text: String) -> Result<String, std::io::Error> {
    Ok(text)
}

const NEVER: f64 = 0.0;

#[hedge(idempotent, ratio = NEVER)]
async fn constant() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {
    let _ = unclassified();
    let _ = no_result();
    let _ = no_hedge();
    let _ = used_up(String::new());
    let _ = constant();
}
