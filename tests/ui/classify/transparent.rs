use resilient::Classify;

#[derive(Classify)]
enum Error {
    #[transparent(into)]
    Refused(resilient::Error),
}

fn main() {
    let _ = Error::Refused;
}
