use resilient::Classify;

#[derive(Classify)]
enum Unmarked {
    #[transient]
    Down,
    Gone,
    Other(u32),
}

#[derive(Classify)]
struct Whole {
    code: u32,
}

#[derive(Classify)]
enum Marked {
    #[transient]
    #[permanent]
    Twice,
    #[transient]
    #[transient]
    TheSameTwice,
    #[transient(true)]
    Arguments,
    #[permanent = 3]
    Equals,
    #[transparent]
    Nothing,
    #[transparent]
    Two(Unmarked, Whole),
}

#[derive(Classify)]
enum Misspelt {
    #[transiant]
    Down,
}

#[derive(Classify)]
#[transient]
enum OnTheEnum {
    Down,
    Gone,
}

#[derive(Classify)]
union Either {
    a: u32,
    b: f32,
}

#[derive(Classify)]
enum Field {
    #[transient]
    Down(#[transparent] u32),
}

#[derive(Classify)]
enum MadeFromOneType {
    #[transparent(from)]
    Read(std::io::Error),
    #[transparent(from)]
    Write(std::io::Error),
}

fn classified<E: Classify>() {}

fn main() {
    classified::<Unmarked>();
    classified::<Whole>();
    classified::<Marked>();
    classified::<Misspelt>();
    classified::<OnTheEnum>();
    classified::<Either>();
    classified::<Field>();
    classified::<MadeFromOneType>();
}
