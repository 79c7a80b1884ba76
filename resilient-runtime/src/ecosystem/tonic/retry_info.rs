//! `google.rpc.RetryInfo` in the details of a status, read from its bytes: it is too little for a Protobuf library.

use std::time::Duration;

/// Returns the longest delay that a `google.rpc.Status` asks for. Bytes that are not one ask for none.
pub(super) fn delay(status: &[u8]) -> Option<Duration> {
    let details = fields(status).filter_map(|field| field.message(DETAILS));
    details.filter_map(delay_of_detail).max()
}

/// A `google.protobuf.Any`.
fn delay_of_detail(detail: &[u8]) -> Option<Duration> {
    let message = |number| fields(detail).filter_map(move |field| field.message(number)).last();
    if !message(TYPE_URL)?.ends_with(b"/google.rpc.RetryInfo") {
        return None;
    }
    let info = message(VALUE).unwrap_or_default();
    let duration = fields(info).filter_map(|field| field.message(RETRY_DELAY)).last()?;
    let integer = |number| fields(duration).filter_map(move |field| field.integer(number)).last().unwrap_or(0);
    // both are signed in the message, and a negative delay is none
    let seconds = u64::try_from(integer(SECONDS).cast_signed()).ok()?;
    let nanos = u32::try_from(integer(NANOS)).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}

const DETAILS: u64 = 3;
const TYPE_URL: u64 = 1;
const VALUE: u64 = 2;
const RETRY_DELAY: u64 = 1;
const SECONDS: u64 = 1;
const NANOS: u64 = 2;

struct Field<'b> {
    number: u64,
    value: Value<'b>,
}

enum Value<'b> {
    Integer(u64),
    Bytes(&'b [u8]),
    Fixed,
}

impl<'b> Field<'b> {
    fn message(&self, number: u64) -> Option<&'b [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }

    fn integer(&self, number: u64) -> Option<u64> {
        match self.value {
            Value::Integer(integer) if self.number == number => Some(integer),
            _ => None,
        }
    }
}

/// The fields of a message, up to the first that is cut off or malformed.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Field<'_>> {
    std::iter::from_fn(move || {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Value::Integer(varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Value::Bytes(take(&mut bytes, length)?)
            }
            5 => take(&mut bytes, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Field { number: tag >> 3, value })
    })
    .fuse()
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
    }

    /// A `google.rpc.Status` with a `RetryInfo` whose delay has these fields.
    pub(crate) fn status(duration: &[u8]) -> Vec<u8> {
        let any = |name: &[u8], value: &[u8]| bytes(3, &[bytes(1, name), bytes(2, value)].concat());
        let info = any(b"type.googleapis.com/google.rpc.RetryInfo", &bytes(1, duration));
        [vec![8, 14], bytes(2, b"busy"), any(b"type.googleapis.com/google.rpc.Help", b"\x0a\x00"), info].concat()
    }

    #[test]
    fn reads_the_delay() {
        assert_eq!(delay(&status(&[8, 7])), Some(Duration::from_secs(7)));
        assert_eq!(delay(&status(&[8, 7, 16, 128, 202, 181, 238, 1])), Some(Duration::from_millis(7_500)));
        assert_eq!(delay(&status(&[])), Some(Duration::ZERO));
        assert_eq!(delay(&[]), None);
    }

    #[test]
    fn takes_no_negative_delay() {
        let minus_one = [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

        assert_eq!(delay(&status(&minus_one)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, duration in proptest::collection::vec(any::<u8>(), 0..30), cut: usize) {
            let _ = delay(&bytes);
            let whole = status(&duration);
            let _ = delay(&whole[..cut % (whole.len() + 1)]);
        }
    }
}
