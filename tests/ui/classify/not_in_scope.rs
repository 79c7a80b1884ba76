fn is_hopeless(error: Box<dyn std::error::Error>) -> bool {
    error.class() == resilient::Class::Permanent
}

fn is_worth_it(error: std::io::Error) -> bool {
    error.class() == resilient::Class::Transient
}

fn main() {}
