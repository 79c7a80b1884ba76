//! A profile as the planner writes it, in use.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::resilient;

mod policies {
    include!("planned/policies.rs");
}

#[resilient(profile = crate::policies::search)]
async fn search(attempts: &AtomicU32, failures: u32) -> Result<u32, std::io::Error> {
    let attempt = attempts.fetch_add(1, Relaxed);
    if attempt < failures { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok(attempt) }
}

#[tokio::test(start_paused = true)]
async fn a_planned_profile_retries_as_often_as_it_says() {
    let attempts = AtomicU32::new(0);

    assert_eq!(search(&attempts, 2).await.unwrap(), 2);
    search(&AtomicU32::new(0), u32::MAX).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_planned_profile_ends_in_time() {
    #[resilient(profile = crate::policies::search)]
    async fn hangs() -> Result<(), std::io::Error> {
        std::future::pending().await
    }

    let start = tokio::time::Instant::now();
    hangs().await.unwrap_err();

    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
}
