//! The details of a character besides its name, decoded from a provider's answer to a look-up.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;

/// The sort of the character, in a word or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) kind: String,
    /// The same letter in the other case.
    pub(crate) counterpart: Option<char>,
}

/// Returns the details in `body`, by character.
///
/// # Errors
///
/// If it is not JSON of the shape `{"details": [{"code": 97, "kind": "small letter", "counterpart": 65}]}`.
/// `counterpart` may be missing, and unknown fields are ignored.
pub(crate) fn decode(body: &Bytes) -> Result<HashMap<char, Detail>, serde_json::Error> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    answer.details.into_iter().map(Described::into_detail).collect()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    details: Vec<Described<'a>>,
}

#[derive(Deserialize)]
struct Described<'a> {
    code: u32,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    counterpart: Option<u32>,
}

impl Described<'_> {
    fn into_detail(self) -> Result<(char, Detail), serde_json::Error> {
        let char = |code| {
            char::from_u32(code)
                .ok_or_else(|| serde::de::Error::custom(format_args!("{code} is not the number of a character")))
        };
        let counterpart = self.counterpart.map(char).transpose()?;
        Ok((char(self.code)?, Detail { kind: self.kind.into_owned(), counterpart }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_character_with_or_without_a_counterpart() {
        let body = br#"{"details":[{"code":97,"kind":"small letter","counterpart":65},{"code":9731,"kind":"symbol"}]}"#;

        let details = decode(&Bytes::from_static(body)).unwrap();

        assert_eq!(details[&'a'], Detail { kind: "small letter".into(), counterpart: Some('A') });
        assert_eq!(details[&'☃'], Detail { kind: "symbol".into(), counterpart: None });
    }

    #[test]
    fn refuses_what_is_no_character() {
        for body in [r#"{"details":[{"code":55296,"kind":""}]}"#, r#"{"details":7}"#, ""] {
            assert!(decode(&Bytes::from_static(body.as_bytes())).is_err(), "{body}");
        }
    }
}
