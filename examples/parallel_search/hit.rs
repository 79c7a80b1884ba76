//! A provider's answer, decoded in place: the texts of the hits stay in the buffer that came off the socket.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

/// One character that a provider found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) char: char,
    pub(crate) score: u32,
    pub(crate) name: Text,
    pub(crate) block: Text,
}

/// A piece of the answer that brought it; cloning it copies no text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(Bytes);

/// Returns the hits in `body`.
///
/// # Errors
///
/// If it is not JSON of the shape `{"hits": [{"code": 9731, "score": 1000, "name": "…", "block": "…"}]}`. `block`
/// may be missing, and unknown fields are ignored.
pub(crate) fn decode(body: &Bytes) -> Result<Vec<Hit>, serde_json::Error> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    answer.hits.into_iter().map(|found| found.into_hit(body)).collect()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    hits: Vec<Found<'a>>,
}

#[derive(Deserialize)]
struct Found<'a> {
    code: u32,
    score: u32,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    block: Cow<'a, str>,
}

impl Found<'_> {
    fn into_hit(self, body: &Bytes) -> Result<Hit, serde_json::Error> {
        let char = char::from_u32(self.code)
            .ok_or_else(|| serde::de::Error::custom(format_args!("{} is not the number of a character", self.code)))?;
        Ok(Hit {
            char,
            score: self.score,
            name: Text::part_of(body, self.name),
            block: Text::part_of(body, self.block),
        })
    }
}

impl Text {
    /// The decoder rewrites text with escapes in it, which is then no longer a part of the body.
    fn part_of(body: &Bytes, text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed("") => Self(Bytes::new()),
            Cow::Borrowed(text) => Self(body.slice_ref(text.as_bytes())),
            Cow::Owned(text) => Self(text.into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_texts_out_of_the_body_without_a_copy() {
        let body = Bytes::from_static(br#"{"hits":[{"code":9731,"char":"x","name":"SNOWMAN","block":"","score":7}]}"#);

        let hits = decode(&body).unwrap();

        assert_eq!(hits, [Hit { char: '☃', score: 7, name: "SNOWMAN".into(), block: "".into() }]);
        assert!(body.as_ptr_range().contains(&hits[0].name.0.as_ptr()));
    }

    #[test]
    fn reads_escapes_and_does_without_a_block() {
        let body = Bytes::from_static(br#"{"hits":[{"code":65,"name":"\u0041 \"a\"","score":7}]}"#);

        assert_eq!(decode(&body).unwrap()[0].name.as_str(), "A \"a\"");
    }

    #[test]
    fn refuses_what_is_no_character() {
        for body in [r#"{"hits":[{"code":55296,"name":"","score":7}]}"#, r#"{"hits":7}"#, "", "<html>"] {
            assert!(decode(&Bytes::from_static(body.as_bytes())).is_err(), "{body}");
        }
    }
}
