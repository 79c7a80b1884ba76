use resilient::fan_out;

const NONE: u32 = 0;
const MANY: u32 = 500;

#[fan_out(limit = 8, min_limit = 2, max_limit = 9, initial_limit = 4)]
async fn bounds_of_nothing(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(max_limit = 9)]
async fn without_a_limit(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "adaptive", min_limit = 20, max_limit = 10)]
async fn crossed(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "vegas", min_limit = 2, initial_limit = 1)]
async fn outside(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "aimd", min_limit = 0, max_limit = "many", initial_limit = 2.5)]
async fn no_numbers(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "aimd", min_limit = item)]
async fn of_the_call(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "gradient", min_limit = NONE)]
async fn constant(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "gradient", initial_limit = MANY)]
async fn too_many_at_first(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[fan_out(limit = "aimd", initial_limit = 900)]
async fn more_than_the_usual_most(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

fn main() {}
