use resilient::profile;

profile! { pub(crate) at_the_end = retry, $ }
profile! { pub(crate) inside = retry(max = $most) }

fn main() {}
