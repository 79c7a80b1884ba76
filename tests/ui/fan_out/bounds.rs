use resilient::fan_out;

const NONE: u32 = 0;
const MANY: u32 = 500;

#[fan_out(limit = 8, min = 2, max = 9, initial = 4)]
async fn bounds_of_nothing(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(max = 9)]
async fn without_a_limit(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "adaptive", min = 20, max = 10)]
async fn crossed(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "vegas", min = 2, initial = 1)]
async fn outside(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "aimd", min = 0, max = "many", initial = 2.5)]
async fn no_numbers(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "aimd", min = item)]
async fn of_the_call(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "gradient", min = NONE)]
async fn constant(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "gradient", initial = MANY)]
async fn too_many_at_first(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

fn main() {}
