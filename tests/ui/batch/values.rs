use std::collections::HashMap;
use std::fmt::Error;

use resilient::batch;

type Found = Result<HashMap<u32, u32>, Error>;

macro_rules! function {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        async fn $name(keys: Vec<u32>) -> Found {
            Ok(keys.into_iter().map(|key| (key, key)).collect())
        }
    };
}

function!(#[batch(max_size = 0)] zero);
function!(#[batch(max_size = 1)] one);
function!(#[batch(max_size = "100")] text);
function!(#[batch(max_size = -1)] negative);
function!(#[batch(max_size)] nothing);
function!(#[batch(100)] positional);
function!(#[batch(max_wait = 2)] without_a_unit);
function!(#[batch(max_wait = "-2ms")] before);
function!(#[batch(max_siez = 3)] mistyped);
function!(#[batch(size = 3)] unknown);
function!(#[batch(max_size = 3, max_size = 4)] twice);
function!(#[batch(companion = "one")] quoted);
function!(#[batch(companion = same)] same);
function!(#[batch(group = 7)] constant);
function!(#[batch(key)] no_key);
function!(#[batch(with = SHARED, max_size = 3, max_wait = "1s")] configured);
function!(#[batch(with)] with_nothing);
function!(#[batch(crate = resilient)] relative);
function!(#[batch] #[batch] doubled);

static SHARED: resilient::Batch = resilient::Batch::named("shared");

struct Api {
    size: u32,
}

impl Api {
    #[batch(max_size = self.size)]
    async fn of_the_call(&self, keys: Vec<u32>) -> Found {
        zero(keys).await
    }
}

fn main() {}
