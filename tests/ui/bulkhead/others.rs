use resilient::bulkhead;

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[bulkhead(weight = 0)]
async fn weightless() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(weight = "heavy")]
async fn wordy() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(weight = items.len())]
async fn not_a_u32(items: Vec<u8>) -> Result<(), Error> {
    Ok(drop(items))
}

#[bulkhead(priority = "lowest")]
async fn lowest() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(max_wait = 50)]
async fn unitless() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(permits = 5)]
async fn by_another_name() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(with = SHARED, limit = 5)]
async fn two_limits() -> Result<(), Error> {
    Ok(())
}

static SHARED: resilient::Bulkhead = resilient::Bulkhead::named("shared");

struct Unclassified;

impl From<resilient::Error> for Unclassified {
    fn from(_: resilient::Error) -> Self {
        Self
    }
}

#[bulkhead(limit = "gradient")]
async fn means_nothing() -> Result<(), Unclassified> {
    Ok(())
}

#[bulkhead(limit = 5)]
async fn need_mean_nothing() -> Result<(), Unclassified> {
    Ok(())
}

fn main() {}
