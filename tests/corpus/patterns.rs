//! Patterns, attributes and conditions on arguments, and bodies of every form.

use std::collections::BTreeMap;

use resilient::{bulkhead, cancel, circuit_breaker, fan_out, resilient, retry, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

/// A point of a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The distance from the left edge.
    pub x: f64,
    /// The distance from the top edge.
    pub y: f64,
}

/// Takes a tuple apart.
#[timeout(total = "1s", attempt = "100ms")]
#[retry]
#[circuit_breaker]
pub async fn tuple((width, height): (u32, u32)) -> Result<u32, Error> {
    width.checked_mul(height).ok_or(Error::NotFound)
}

/// Takes a struct apart.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn structure(Point { x, y: height, .. }: Point) -> Result<f64, Error> {
    Ok(x.hypot(height))
}

/// Takes an array apart, and another one that is bound as a whole too.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn array([first, .., last]: [u8; 4], whole @ [_, second]: [u8; 2]) -> Result<u8, Error> {
    Ok(first + last + second + whole[0])
}

/// Takes a reference apart.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn reference(&(n, ref text): &(u32, String)) -> Result<String, Error> {
    Ok(text.repeat(usize::try_from(n).unwrap_or_default()))
}

/// Changes its arguments, in each attempt anew.
#[timeout("1s")]
#[retry(clone(left, right))]
#[circuit_breaker]
pub async fn mutable((mut left, right): (Vec<u8>, Vec<u8>), mut more: &[u8]) -> Result<Vec<u8>, Error> {
    left.extend(right);
    while let [first, rest @ ..] = more {
        left.push(*first);
        more = rest;
    }
    Ok(left)
}

/// Has arguments that depend on the target.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn conditional(
    #[cfg(not(windows))] path: &str,
    #[cfg(windows)] path: &std::path::Path,
    #[cfg(any())] nothing: Nothing,
) -> Result<usize, Error> {
    Ok(path.len())
}

/// Has attributes and statements that depend on the configuration.
#[cfg_attr(all(), timeout("1s"))]
#[cfg_attr(any(), retry(max = 0))]
#[circuit_breaker]
pub async fn conditional_attributes(n: u32) -> Result<u32, Error> {
    #[cfg(any())]
    return Err(Error::NotFound);
    Ok(n)
}

/// Has attributes that speak to the compiler.
#[inline]
#[deprecated = "only for its attribute"]
#[cfg_attr(all(), doc = "And more words.")]
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[expect(clippy::unreadable_literal, reason = "for the attribute")]
pub async fn attributes() -> Result<u32, Error> {
    Ok(1000000)
}

/// Has an attribute inside.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn inner_attributes(n: u64) -> Result<u32, Error> {
    #![expect(clippy::cast_possible_truncation, reason = "for the attribute")]
    Ok(n as u32)
}

/** Words in a block. */
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[doc(alias = "blocky")]
pub async fn block_comment(/* nothing */) -> Result<(), Error> {
    /* nothing */
    Ok(())
}

/// Leaves early, in every way.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn early(connection: &Connection, keys: &[&str]) -> Result<Option<String>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return Err(Error::NotFound);
    };
    let found = match connection.ask(first).await {
        Ok(found) => found,
        Err(Error::NotFound) => connection.ask(last).await?,
        Err(error) => return Err(error),
    };
    Ok(Some(found))
}

/// Returns nothing but an error.
#[timeout("1s")]
#[retry(max = 1, backoff = "none")]
#[circuit_breaker]
pub async fn fails() -> Result<(), Error> {
    Err(Error::Busy { after: None })?
}

/// Consists of a single expression.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn expression(connection: &Connection) -> Result<String, Error> {
    match connection.ask("a").await {
        Ok(found) if found.len() > 2 => Ok(found[..2].to_owned()),
        other => other,
    }
}

/// Has blocks in blocks.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn blocks(n: u32) -> Result<u32, Error> {
    let parsed = 'parsed: {
        if n == 0 {
            break 'parsed Err(Error::NotFound);
        }
        Ok(n)
    };
    let doubled = async { Ok::<_, Error>(parsed? * 2) }.await?;
    let tripled = (|| Some(doubled.checked_mul(3)?.max(1)))().ok_or(Error::NotFound)?;
    Ok({
        let half = tripled / 2;
        half + 1
    })
}

/// Collects many values by name.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn collected(connection: &Connection, keys: &[&str]) -> Result<BTreeMap<String, String>, Error> {
    let mut all = BTreeMap::new();
    for key in keys.iter().filter(|key| !key.is_empty()) {
        let value = connection.ask(key).await.unwrap_or_default();
        all.entry((*key).to_owned()).or_insert(value);
    }
    (!all.is_empty()).then_some(all).ok_or(Error::NotFound)
}

/// Calls itself.
#[timeout("1s")]
#[circuit_breaker]
#[bulkhead]
pub async fn recursive(n: u32) -> Result<u32, Error> {
    if n == 0 { Ok(0) } else { Ok(1 + Box::pin(recursive(n - 1)).await?) }
}

/// Returns its argument, and is `unsafe` for the sake of the signature.
///
/// # Safety
///
/// Always safe.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[expect(unsafe_code, reason = "for the signature")]
pub async unsafe fn dangerous(n: u32) -> Result<u32, Error> {
    Ok(n)
}

/// Is stopped by an argument.
#[cancel(on = stop)]
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[bulkhead]
pub async fn stopped(stop: CancellationToken, (a, b): (u32, u32)) -> Result<u32, Error> {
    Ok(a + b)
}

/// Has its item in the middle of the arguments.
#[fan_out(limit = 3)]
#[resilient(timeout("1s"), retry, circuit_breaker)]
pub async fn item(
    connection: &Connection,
    #[each] (key, default): (&'static str, u32),
    bonus: u32,
) -> Result<u32, Error> {
    let text = connection.ask(key).await;
    Ok(text.ok().and_then(|text| text.parse().ok()).unwrap_or(default) + bonus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn patterns_bind() {
        let connection = Connection::with("a", "123");

        assert_eq!(sent(tuple((2, 3))).await.unwrap(), 6);
        assert!((sent(structure(Point { x: 3.0, y: 4.0 })).await.unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(sent(array([1, 0, 0, 2], [3, 4])).await.unwrap(), 10);
        assert_eq!(sent(reference(&(2, "ab".to_owned()))).await.unwrap(), "abab");
        assert_eq!(sent(mutable((vec![1], vec![2]), &[3])).await.unwrap(), [1, 2, 3]);
        assert_eq!(sent(conditional("ab")).await.unwrap(), 2);
        assert_eq!(sent(conditional_attributes(2)).await.unwrap(), 2);
        assert_eq!(sent(inner_attributes(2)).await.unwrap(), 2);
        sent(block_comment()).await.unwrap();
        assert_eq!(sent(early(&connection, &["b", "a"])).await.unwrap().as_deref(), Some("123"));
        assert!(sent(fails()).await.is_err());
        assert_eq!(sent(expression(&connection)).await.unwrap(), "12");
        assert_eq!(sent(blocks(2)).await.unwrap(), 7);
        assert_eq!(sent(collected(&connection, &["a", ""])).await.unwrap().len(), 1);
        assert_eq!(recursive(3).await.unwrap(), 3);
        assert_eq!(sent(stopped(CancellationToken::new(), (1, 2))).await.unwrap(), 3);
        assert_eq!(sent(item(&connection, ("a", 1), 1)).await.unwrap(), 124);
        assert_eq!(sent(item_all(&connection, [("b", 1)], 1)).await, [Ok(2)]);
    }
}
