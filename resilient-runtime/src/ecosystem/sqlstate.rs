//! The five characters by which databases say what went wrong.

use crate::Class;

/// | state | class |
/// |---|---|
/// | 08: the connection | transient |
/// | 40001, 40P01: a conflict with another transaction, a deadlock | transient |
/// | 53: out of connections, memory, disk | transient |
/// | 55P03: a lock that was not waited for | transient |
/// | 57P01, 57P02, 57P03, 57P05: shutting down, starting, idle too long | transient |
/// | 58000, 58030: the system below the database, its I/O | transient |
/// | every other | permanent |
///
/// Among the others is 57014, a cancelled query: an operator's cancelling looks the same as a statement's time-out.
pub(super) fn class(state: &str) -> Class {
    let transient = matches!(state.get(..2), Some("08" | "53"))
        || matches!(state, "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03" | "57P05" | "58000" | "58030");
    if transient { Class::Transient } else { Class::Permanent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_class() {
        let transient = [
            "08000", "08001", "08003", "08004", "08006", "08007", "08P01", "08S01", "40001", "40P01", "53000", "53100",
            "53200", "53300", "53400", "55P03", "57P01", "57P02", "57P03", "57P05", "58000", "58030",
        ];
        let permanent = [
            "00000", "01000", "02000", "22001", "22P02", "23000", "23503", "23505", "25006", "28P01", "3D000", "40000",
            "40002", "40003", "42601", "42703", "42P01", "54000", "55000", "55006", "57000", "57014", "57P04", "58P01",
            "XX000", "HY000", "", "0", "é8", "4000", "400011",
        ];

        for state in transient {
            assert_eq!(class(state), Class::Transient, "{state}");
        }
        for state in permanent {
            assert_eq!(class(state), Class::Permanent, "{state}");
        }
    }
}
