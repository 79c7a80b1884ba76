use resilient::{profile, resilient};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

profile! {}

profile! { missing }

profile! { empty = }

profile! { 3 = retry }

profile! { colon: retry }

profile! { pub everywhere = retry }

profile! { faulty = timeout("5 sconds"), retri(max = 3), retry(mx = 3, base = "10s", cap = "1s") }

profile! { order = retry, timeout(total = "1s"), fallback(value = ()) }

profile! { beside = retry(clone(request)), fan_out }

profile! { output = coalesce(key = id, share) }

profile! { other = profile = faulty, without(retry) }

profile! { value = retry = 3, "2s" }

#[resilient(profile = faulty)]
async fn uses_a_faulty_one() -> Result<(), Error> {
    Err(Error::Gone)
}

fn main() {
    let _ = uses_a_faulty_one();
}
