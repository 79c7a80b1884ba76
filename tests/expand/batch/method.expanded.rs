// @generated from the case beside it
use std::sync::atomic::{AtomicUsize, Ordering};
use resilient::{batch, retry};
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
    pub calls: AtomicUsize,
}
impl Api {
    /// The lengths of words.
    pub async fn measure_all(
        &self,
        unit: &str,
        words: Vec<String>,
    ) -> Result<Vec<Result<String, Error>>, Error> {
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("measure_all")
            .max(2)
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("measure_all" : own RETRY_);
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(
                    Result < Vec < Result < String, Error > >, Error >
                );
                self.calls.fetch_add(1, Ordering::SeqCst);
                self.script.next()?;
                Ok(
                    words
                        .iter()
                        .map(|word| Ok(format!("{}{unit}", word.len())))
                        .collect(),
                )
            };
            let delay_ = match retry_
                .settle::<Result<Vec<Result<String, Error>>, Error>>(attempt_.await)
            {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
        }
    }
    /// Asks `measure_all` for one key, together with others who ask meanwhile.
    pub async fn measure(&self, unit: &str, key_: String) -> Result<String, Error> {
        static BATCH_: ::resilient::Batch = ::resilient::Batch::named("measure_all")
            .max_size(3)
            .max_wait(::core::time::Duration::from_millis(5));
        ::resilient::listed!("measure" for "measure_all" : own BATCH_);
        BATCH_
            .of(self)
            .of(unit)
            .run(key_, move |keys_| self.measure_all(unit, keys_))
            .await
    }
}
pub async fn transcript() -> String {
    let api = Api {
        script: Script::failing(1),
        calls: AtomicUsize::new(0),
    };
    let word = |word: &str| api.measure("m", word.to_owned());
    let measured = tokio::join!(word("a"), word("bc"), word("bc"), word("d"));
    format!("{measured:?} in {}", api.calls.load(Ordering::SeqCst))
}
