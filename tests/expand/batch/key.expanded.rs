// @generated from the case beside it
use std::collections::BTreeMap;
use std::sync::Arc;
use resilient::{Batch, batch};
use crate::support::Error;
pub struct Api {
    pub tenant: &'static str,
    pub batch: Batch,
}
impl Api {
    pub async fn scaled(
        self: Arc<Self>,
        keys: Vec<u32>,
        scale: u32,
    ) -> Result<BTreeMap<u32, u32>, Error> {
        ::resilient::disturbs!("scaled" : Result < BTreeMap < u32, u32 >, Error >);
        let count = keys.len() as u32;
        Ok(keys.into_iter().map(|key| (key, key * scale + 1_000 * count)).collect())
    }
    /// Asks `scaled` for one key, together with others who ask meanwhile.
    pub async fn scaled_one(
        self: Arc<Self>,
        key_: u32,
        scale: u32,
    ) -> Result<::core::option::Option<u32>, Error> {
        static BATCH_: ::resilient::Batch = ::resilient::Batch::named("scaled");
        ::resilient::listed!("scaled_one" for "scaled" : own BATCH_);
        BATCH_
            .by(&(&self.tenant, &scale))
            .run(key_, move |keys_| self.scaled(keys_, scale))
            .await
    }
    pub async fn counted<T: Default + Clone + Into<u64> + Send + 'static>(
        &self,
        keys: Vec<u8>,
    ) -> Result<Vec<Result<u64, Error>>, Error> {
        ::resilient::disturbs!(
            "counted" : Result < Vec < Result < u64, Error > >, Error >
        );
        Ok(keys.iter().map(|_| Ok(T::default().into() + keys.len() as u64)).collect())
    }
    /// Asks `counted` for one key, together with others who ask meanwhile.
    pub async fn counted_one<T: Default + Clone + Into<u64> + Send + 'static>(
        &self,
        key_: u8,
    ) -> Result<u64, Error> {
        ::resilient::listed!("counted_one" for "counted" : given BATCH_);
        let batch_: &::resilient::Batch = &self.batch;
        batch_.typed::<T>().run(key_, move |keys_| self.counted::<T>(keys_)).await
    }
}
pub async fn transcript() -> String {
    let api = |tenant| Arc::new(Api {
        tenant,
        batch: Batch::named("api").max_size(4),
    });
    let (one, other, again) = (api("one"), api("other"), api("one"));
    let (first, second) = (one.clone(), one.clone());
    let scaled = tokio::join!(
        first.scaled_one(1, 10), second.scaled_one(2, 11), again.scaled_one(3, 10), other
        .scaled_one(4, 10),
    );
    let counted = tokio::join!(
        one.counted_one::< u8 > (1), one.counted_one::< u8 > (2), one.counted_one::< u16
        > (3)
    );
    format!("{scaled:?} {counted:?}")
}
