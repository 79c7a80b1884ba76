//! The numbers by which `MySQL` and `MariaDB` say what went wrong. Their SQLSTATE is HY000 or 42000 for much that differs.

use crate::Class;

/// Returns the class that the number tells; nothing where the SQLSTATE tells as much.
pub(super) fn class(number: u16, message: &str) -> Option<Class> {
    match number {
        _ if TRANSIENT.iter().any(|numbers| numbers.contains(&number)) => Some(Class::Transient),
        1290 if READ_ONLY.iter().any(|option| message.contains(option)) => Some(Class::Transient),
        // a packet that is too large, which has the SQLSTATE of a lost connection; a transaction that was begun as read-only
        1153 | 1792 => Some(Class::Permanent),
        // quotas of an account or of the server
        1203 | 1226 | 1461 | 1637 => Some(Class::Throttled { after: None }),
        _ => None,
    }
}

/// Reads the number that begins the text of an error, as in `1205 (HY000): Lock wait timeout exceeded`.
#[cfg(any(feature = "sqlx-0-8", feature = "sqlx-0-9"))]
pub(super) fn number(text: &str) -> Option<u16> {
    let (number, rest) = text.split_once(" (")?;
    let (state, _) = rest.split_once("): ")?;
    if state.len() == 5 { number.parse().ok() } else { None }
}

const TRANSIENT: &[&[u16]] = &[
    // a conflict, a lock that was not free, a table that changed since the snapshot
    &[1020, 1205, 1213, 1412, 1613, 1614, 1689, 3101, 3572],
    // shut down, off-line, killed, idle for too long
    &[1053, 1927, 3032, 4031],
    // out of disk, memory, threads
    &[1021, 1037, 1041, 1114, 1135],
    // read-only, as after a fail-over
    &[1836],
];

/// The options that error 1290 names in a server that is read-only. Any other option is a configuration.
const READ_ONLY: &[&str] = &["read-only", "read_only"];

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(any(feature = "sqlx-0-8", feature = "sqlx-0-9"))]
    #[test]
    fn numbers_are_read_from_texts() {
        assert_eq!(number("1205 (HY000): Lock wait timeout exceeded"), Some(1205));
        assert_eq!(number("1205 (HY000)"), None);
        assert_eq!(number("70000 (HY000): "), None);
        assert_eq!(number("relation (x): y"), None);
        assert_eq!(number("1 (x): y"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn the_words_tell_what_1290_is() {
        assert_eq!(class(1290, "running with the --read-only option"), Some(Class::Transient));
        assert_eq!(class(1290, "running with the --secure-file-priv option"), None);
    }
}
