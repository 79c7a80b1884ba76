use resilient::{Coalesce, coalesce};

static FLIGHTS: Coalesce = Coalesce::named("flights");

#[coalesce(key = id)]
async fn whose(id: u32, token: &str) -> usize {
    token.len() + id as usize
}

#[coalesce(key = (id, api_key.len()))]
async fn two_of_them(id: u32, api_key: &str, user_id: u64, tenant: u32) -> u64 {
    user_id + u64::from(id + tenant) + api_key.len() as u64
}

#[coalesce(key = format!("{id}/{tenant}"), shared_across(session))]
async fn fine(id: u32, tenant: u32, session: &str, timeout_hint: u32) -> u32 {
    id + tenant + timeout_hint + session.len() as u32
}

#[coalesce(key = id, shared_across(toke))]
async fn misspelt(id: u32) -> u32 {
    id
}

#[coalesce(key = id, shared_across(self))]
async fn no_method(id: u32) -> u32 {
    id
}

#[coalesce(key = id, shared_across)]
async fn nobody(id: u32) -> u32 {
    id
}

struct Api;

impl Api {
    #[coalesce(key = id)]
    async fn exclusive(&mut self, id: u32) -> u32 {
        id
    }

    #[coalesce]
    async fn consumed(self) -> u32 {
        7
    }

    #[coalesce(key = id, hold = "100ms")]
    async fn held(&self, id: u32) -> u32 {
        id
    }

    #[coalesce(key = id, with = FLIGHTS)]
    async fn of_several(&self, id: u32) -> u32 {
        id
    }
}

fn main() {}
