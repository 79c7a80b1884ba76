use resilient::{Error, fan_out};

#[fan_out(limit = "adaptiv")]
async fn misspelt(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out(limit = "16")]
async fn quoted(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out(limit = "codel")]
async fn unknown(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out(executor = "spwan")]
async fn on_misspelt(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out(executor = spawn)]
async fn on_unquoted(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[fan_out(stream = true, dedup = "yes")]
async fn flags(item: u32) -> Result<u32, Error> {
    Ok(item)
}

struct Api;

impl Api {
    #[fan_out(executor = "spawn")]
    async fn borrowed(&self, item: u32) -> Result<u32, Error> {
        Ok(item)
    }

    #[fan_out(executor = "blocking")]
    async fn behind(self: &std::sync::Arc<Self>, #[each] item: u32, prefix: &str) -> Result<u32, Error> {
        Ok(item + prefix.len() as u32)
    }
}

#[fan_out(executor = "spawn")]
async fn borrowed_item(item: &str) -> Result<usize, Error> {
    Ok(item.len())
}

fn main() {}
