use resilient::circuit_breaker;

use crate::support::{Error, Script};

#[circuit_breaker(name = "expand: archive", consecutive = 2)]
pub async fn read(script: &Script) -> Result<(), Error> {
    script.next()
}

#[circuit_breaker(name = "expand: parts", key = id)]
pub async fn read_part(id: u32, script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    format!("{:?} {:?}", read(&Script::fine()).await, read_part(7, &Script::fine()).await)
}
