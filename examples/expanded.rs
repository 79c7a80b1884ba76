//! An expansion in place of its attribute: both functions do the same, and both can be read.

use std::sync::atomic::{AtomicU32, Ordering};

use resilient::{Classify, retry};

#[derive(Debug, Classify)]
#[transient]
struct Busy;

/// A server that is busy for the first two requests.
#[derive(Default)]
struct Server {
    asked: AtomicU32,
}

impl Server {
    async fn ask(&self, question: &str) -> Result<String, Busy> {
        tokio::task::yield_now().await;
        match self.asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(Busy),
            earlier => Ok(format!("{question} Yes, after {earlier} attempts that failed.")),
        }
    }
}

#[retry(max = 3, backoff = "exp", base = "20ms")]
async fn with_the_attribute(server: &Server, question: &str) -> Result<String, Busy> {
    let answer = server.ask(question).await?;
    Ok(answer)
}

// the code that `cargo expand` shows for the function above
async fn with_its_expansion(server: &Server, question: &str) -> Result<String, Busy> {
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("with_its_expansion")
        .max(3)
        .backoff(::resilient::Backoff::exp(::core::time::Duration::from_millis(20)));
    ::resilient::listed!("with_its_expansion": own RETRY_);
    let retry = &RETRY_;
    let mut retry = retry.begin();
    loop {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<Result<String, Busy>> {
                return outcome;
            }
            let answer = server.ask(question).await?;
            Ok(answer)
        };
        let delay = match retry.settle::<Result<String, Busy>>(attempt.await) {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Busy> {
    println!("attribute: {}", with_the_attribute(&Server::default(), "Is it the same?").await?);
    println!("expansion: {}", with_its_expansion(&Server::default(), "Is it the same?").await?);
    Ok(())
}
