//! The numbers of attempts, for bodies that want them.

use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::Relaxed;

/// One attempt of a hedged call, which knows its number; from [`numbered`].
#[derive(Debug)]
pub struct HedgeAttempt {
    number: u32,
}

impl HedgeAttempt {
    /// Returns its number: zero for the first of the call, one for the first that was started beside it.
    ///
    /// It takes the attempt itself, so that the `async` block in which it is called owns that.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }
}

/// Makes the attempts of a hedge by a function of the attempt, for [`Hedge::run`](crate::Hedge::run) and its likes.
///
/// Each attempt has the number in which it was started, and may go to another server by it.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
///
/// use resilient::Hedge;
/// use resilient::call::numbered;
///
/// static SEARCH: Hedge = Hedge::named("search").after(Duration::from_millis(50)).ratio(1.0);
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let servers = ["slow", "fast"];
///
/// let answer = SEARCH.run(numbered(|attempt| async {
///     let server = servers[attempt.number() as usize % servers.len()];
///     if server == "slow" {
///         tokio::time::sleep(Duration::from_secs(9)).await;
///     }
///     Ok::<_, Infallible>(server)
/// }));
///
/// assert_eq!(answer.await, Ok("fast"));
/// # }
/// ```
pub fn numbered<A, F>(attempt: A) -> impl Fn() -> F
where
    A: Fn(HedgeAttempt) -> F, // an argument that an attempt uses up is cloned for each: `#[hedge(clone(argument))]`
{
    let started = AtomicU32::new(0);
    // relaxed: one task starts them all
    move || attempt(HedgeAttempt { number: started.fetch_add(1, Relaxed) })
}
