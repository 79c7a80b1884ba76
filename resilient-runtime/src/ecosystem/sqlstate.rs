//! The five characters by which databases say what went wrong, and their words where five characters are too few.

use crate::Class;

/// | state | class |
/// |---|---|
/// | 08P01 of `PgBouncer`, which was asked for too much | throttled |
/// | 08P01 of `PgBouncer`, which lost its server or ended an idle client | transient |
/// | 08P01 of anything else: a mistake of the client, which `PgBouncer` also calls a wrong password | permanent |
/// | 08: the connection | transient |
/// | 25006: read-only, as after a fail-over | transient |
/// | 25P03, 57P05: idle too long | transient |
/// | 40001, 40P01: a conflict with another transaction, a deadlock | transient |
/// | 53400: a limit that the operator set for one query | permanent |
/// | 53: out of connections, memory, disk | transient |
/// | 55P03: a lock that was not waited for | transient |
/// | 57P01, 57P02, 57P03: shutting down, starting | transient |
/// | 58000, 58030: the system below the database, its I/O | transient |
/// | every other | permanent |
///
/// Among the others is 57014, a cancelled query: an operator's cancelling looks the same as a statement's time-out.
pub(super) fn class(state: &str, message: &str) -> Class {
    match state {
        "08P01" => class_of_pooler(message),
        "53400" => Class::Permanent,
        "25006" | "25P03" | "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03" | "57P05" | "58000" | "58030" => {
            Class::Transient
        }
        _ if matches!(state.get(..2), Some("08" | "53")) => Class::Transient,
        _ => Class::Permanent,
    }
}

/// `PgBouncer` has one state for all that it says itself, and a slow query is as permanent as one that the database ends.
fn class_of_pooler(message: &str) -> Class {
    let says = |phrases: &[&str]| phrases.iter().any(|words| message.contains(words));
    if says(&["query_wait_timeout", "no more connections allowed", "client connections exceeded"]) {
        Class::Throttled { after: None }
    } else if says(&[
        "database removed",
        "idle transaction timeout",
        "idle_transaction_timeout",
        "client_idle_timeout",
        "server login has been failing",
        "server conn crashed",
        "shutting down",
    ]) {
        Class::Transient
    } else {
        Class::Permanent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_class() {
        let transient = [
            "08000", "08001", "08003", "08004", "08006", "08007", "08S01", "25006", "25P03", "40001", "40P01", "53000",
            "53100", "53200", "53300", "55P03", "57P01", "57P02", "57P03", "57P05", "58000", "58030",
        ];
        let permanent = [
            "00000", "01000", "02000", "22001", "22P02", "23000", "23503", "23505", "08P01", "53400", "28P01", "3D000",
            "40000", "40002", "40003", "42601", "42703", "42P01", "54000", "55000", "55006", "57000", "57014", "57P04",
            "58P01", "XX000", "HY000", "", "0", "é8", "4000", "400011",
        ];

        for state in transient {
            assert_eq!(class(state, ""), Class::Transient, "{state}");
        }
        for state in permanent {
            assert_eq!(class(state, ""), Class::Permanent, "{state}");
        }
    }

    #[test]
    fn a_pooler_is_understood_by_its_words() {
        for (message, class_) in [
            ("query_wait_timeout", Class::Throttled { after: None }),
            ("no more connections allowed (max_client_conn)", Class::Throttled { after: None }),
            ("idle transaction timeout", Class::Transient),
            ("server login has been failing, try again later (server_login_retry)", Class::Transient),
            ("query timeout", Class::Permanent),
            ("password authentication failed", Class::Permanent),
            ("bind message supplies 1 parameters, but prepared statement requires 2", Class::Permanent),
        ] {
            assert_eq!(class("08P01", message), class_, "{message}");
        }
    }
}
