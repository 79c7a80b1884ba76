//! The records of all policies that have been used.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::Record;
use crate::vocabulary::PolicyKind;

/// The identity of a record: the kind, the name, the place in the source, and the number of the function's layer.
type Identity = (PolicyKind, &'static str, (&'static str, u32, u32), usize);

/// The record of the policies of this kind and name that are written at this place, as that layer of an annotated function.
///
/// There are no more than a program has text, unless it makes up names. Of those, the first [`MOST`] have records of their own, and
/// the others of one kind share one.
pub(crate) fn record(
    kind: PolicyKind,
    name: &'static str,
    place: &'static Location<'static>,
    layer: usize,
) -> &'static Record {
    let mut records = records();
    let number = records.all.len();
    let identity = (kind, name, (place.file(), place.line(), place.column()), layer);
    if let Some(record) = records.by_identity.get(&identity) {
        return record;
    }
    let (identity, name) = if number < MOST { (identity, name) } else { ((kind, OTHERS, ("", 0, 0), 0), OTHERS) };
    if let Some(record) = records.by_identity.get(&identity) {
        return record;
    }
    let record: &'static Record = Box::leak(Box::new(Record::new(kind, name, place, layer)));
    records.by_identity.insert(identity, record);
    records.all.push(record);
    record
}

/// All records, in the order in which they were made.
pub(crate) fn all() -> Vec<&'static Record> {
    records().all.clone()
}

/// All records, and by what they are found.
#[derive(Default)]
struct Records {
    by_identity: HashMap<Identity, &'static Record>,
    all: Vec<&'static Record>,
}

fn records() -> MutexGuard<'static, Records> {
    static RECORDS: LazyLock<Mutex<Records>> = LazyLock::new(Mutex::default);
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of records that there are at the most, but for one of each kind.
const MOST: usize = 10_000;
const OTHERS: &str = "others";
