use resilient::enforce;

#[enforce]
async fn none() {}

#[enforce()]
async fn empty() {}

#[enforce(time_out, retri(max <= 3), everything, frobid(fan_out))]
async fn unknown() {}

#[enforce(retry(mx <= 3), retry(most <= 3), retry(), timeout("1s"))]
async fn arguments() {}

#[enforce(bulkhead(min >= 3), hedge(budget <= 0.1), batch(key))]
async fn renamed() {}

#[enforce(retry = 3, retry(max = 3), retry(max < = 3), retry(max + 3), retry(max <= ))]
async fn operators() {}

#[enforce(retry(max <= LIMIT), retry(max <= "many"), retry(backoff > "exp"), "timeout", 5)]
async fn values() {}

#[enforce(retry(max <= "5s"), timeout(total <= 5), circuit_breaker(failure_rate <= "1s"), rate_limit(rate <= "100"))]
async fn sorts() {}

#[enforce(not(fan_out), forbid(retry(max > 3)), forbid, any, any(), optional(nothing))]
async fn groups() {}

#[enforce(timeout, forbid(timeout), crate = relative)]
async fn contradiction() {}

#[enforce = "timeout"]
async fn value() {}

#[enforce(timeout retry)]
async fn comma() {}

struct Client;

#[enforce(time_out)]
impl Client {
    async fn one(&self) {}

    async fn two(&self) {}
}

fn main() {
    let _ = (none(), empty(), unknown(), arguments(), operators(), values(), sorts(), groups(), contradiction());
    let _ = (value(), comma(), Client.one(), Client.two());
}
