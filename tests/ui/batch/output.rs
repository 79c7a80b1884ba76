use resilient::batch;

#[batch]
async fn nothing(keys: Vec<u32>) {
    let _ = keys;
}

#[batch]
async fn number(keys: Vec<u32>) -> usize {
    keys.len()
}

#[batch]
async fn unit(keys: Vec<u32>) -> Result<(), std::fmt::Error> {
    let _ = keys;
    Ok(())
}

#[batch]
async fn values(keys: Vec<u32>) -> Vec<u32> {
    keys
}

fn main() {}
