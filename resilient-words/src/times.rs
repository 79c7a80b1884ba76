//! The messages about times of one stack that leave no room for each other.
//!
//! Where the attributes are checked, a time may be a constant, whose name stands for it.

use std::fmt::Display;

/// The message for a hedge's delay that cannot pass before `what`, an attempt or the call, ends after `limit`.
pub fn delay_never_passes(delay: impl Display, what: &str, limit: impl Display) -> String {
    format!(
        "the hedge waits for {delay}, and {what} ends after {limit}, so that the delay can never pass: make `after` shorter"
    )
}

/// The message for an attempt's time-out that the time-out of the whole call comes before.
pub fn attempt_never_times_out(attempt: impl Display, total: impl Display) -> String {
    format!(
        "an attempt may take {attempt}, which is not less than the {total} of the whole call, so its time-out can never fire: make it shorter, or the call's longer"
    )
}

/// The message for a call that ends before a retry could begin: after an attempt, if that has a limit, and the first wait.
pub fn no_room_for_a_retry(attempt: Option<impl Display>, delay: impl Display, total: impl Display) -> String {
    let spent = match attempt {
        Some(attempt) => format!("an attempt of {attempt} and a first wait of at least {delay} leave"),
        None => format!("the first wait of at least {delay} leaves"),
    };
    format!("no room for a retry: {spent} nothing of the {total} of the whole call; allow more time, or shorten `base`")
}
