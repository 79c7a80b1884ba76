//! Functions over any type, length, lifetime and closure.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::ops::Deref;
use std::pin::Pin;

use resilient::{bulkhead, circuit_breaker, fan_out, resilient, retry, timeout};

use crate::{Connection, Error};

/// Shows any value.
#[timeout(total = "1s", attempt = "100ms")]
#[retry]
#[circuit_breaker]
pub async fn show<T: Display + Sync>(value: &T) -> Result<String, Error> {
    Ok(value.to_string())
}

/// Shows any value, whatever its size.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
#[bulkhead]
pub async fn show_unsized<T>(value: &T) -> Result<String, Error>
where
    T: ?Sized + Debug + Sync,
{
    Ok(format!("{value:?}"))
}

/// Returns the sum of an array.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn sum<const N: usize>(numbers: [u32; N]) -> Result<u32, Error> {
    numbers.iter().try_fold(0_u32, |sum, n| sum.checked_add(*n)).ok_or(Error::NotFound)
}

/// Returns the chunks of a buffer.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn chunk<const SIZE: usize, const ROUND_UP: bool>(buffer: &[u8]) -> Result<Vec<[u8; SIZE]>, Error> {
    let mut chunks: Vec<[u8; SIZE]> = Vec::new();
    for chunk in buffer.chunks(SIZE) {
        match <[u8; SIZE]>::try_from(chunk) {
            Ok(whole) => chunks.push(whole),
            Err(_) if ROUND_UP => chunks.push([0; SIZE]),
            Err(error) => return Err(Error::Malformed(error.to_string())),
        }
    }
    Ok(chunks)
}

/// Returns the longer of two texts.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn longer<'a>(one: &'a str, other: &'a str) -> Result<&'a str, Error> {
    Ok(if one.len() < other.len() { other } else { one })
}

/// Returns one text from the first match of another on.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn within<'text, 'word>(text: &'text str, word: &'word str) -> Result<&'text str, Error>
where
    'text: 'word,
{
    text.find(word).map(|at| &text[at..]).ok_or(Error::NotFound)
}

/// Applies a function to a row that lives only during the call.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn with_row<F, R>(connection: &Connection, key: &str, read: F) -> Result<R, Error>
where
    F: for<'row> Fn(&'row str) -> R + Send + Sync,
    R: Send,
{
    let row = connection.ask(key).await?;
    Ok(read(&row))
}

/// Runs an async function of the caller's.
#[timeout("1s")]
#[retry(backoff = "none")]
#[circuit_breaker]
pub async fn run<F, Fut, T>(operation: F) -> Result<T, Error>
where
    F: Fn(u32) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, Error>> + Send,
    T: Send,
{
    operation(1).await
}

/// Runs an async closure of the caller's.
#[timeout("1s")]
#[retry(backoff = "none")]
#[circuit_breaker]
pub async fn run_closure<T>(operation: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    operation().await
}

/// Runs a boxed future.
#[timeout("1s")]
#[circuit_breaker]
#[bulkhead(limit = 100)]
pub async fn run_boxed<'a, T>(future: Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>) -> Result<T, Error> {
    future.await
}

/// Asks for any value that can be read as text.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn ask(connection: &Connection, key: impl AsRef<str> + Send + Sync) -> Result<String, Error> {
    connection.ask(key.as_ref()).await
}

/// Returns the words as an iterator.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn words(text: &str) -> Result<impl Iterator<Item = &str> + Debug, Error> {
    Ok(text.split_whitespace())
}

/// Finds a value by a borrowed form of its key.
#[resilient(timeout("1s"), retry, circuit_breaker)]
pub async fn find<'map, K, V, Q, S>(map: &'map HashMap<K, V, S>, key: &Q) -> Result<&'map V, Error>
where
    K: Borrow<Q> + Eq + Hash + Sync,
    Q: Eq + Hash + Sync + ?Sized,
    V: Sync,
    S: BuildHasher + Sync,
{
    map.get(key).ok_or(Error::NotFound)
}

/// Returns an error of the caller's choice in a box.
#[timeout("1s")]
#[retry(when = |_| false)]
#[bulkhead]
pub async fn boxed_error<E>(fail: Option<fn() -> E>) -> Result<(), Box<dyn StdError + Send + Sync>>
where
    E: StdError + Send + Sync + 'static,
{
    fail.map_or(Ok(()), |fail| Err(fail().into()))
}

/// Returns the last item. Its type is an associated type of the argument's.
#[timeout("1s")]
#[retry(clone(items))]
#[circuit_breaker]
pub async fn last<I>(items: I) -> Result<<I as IntoIterator>::Item, Error>
where
    I: IntoIterator<IntoIter: DoubleEndedIterator<Item = I::Item>, Item: Send> + Clone + Send + Sync,
{
    items.into_iter().next_back().ok_or(Error::NotFound)
}

/// Returns the length behind any pointer.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn behind<P>(pointer: P) -> Result<usize, Error>
where
    P: Deref<Target = [u8]> + Send + Sync,
{
    Ok(pointer.len())
}

/// Returns the length behind a trait object.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn behind_dyn(value: &(dyn Display + Send + Sync)) -> Result<usize, Error> {
    Ok(format!("{value}").len())
}

/// A type of any size and content.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<T, const ROWS: usize, const COLUMNS: usize>(pub [[T; COLUMNS]; ROWS]);

impl<T, const ROWS: usize, const COLUMNS: usize> Matrix<T, ROWS, COLUMNS>
where
    T: Copy + Default + Send + Sync + PartialEq,
{
    /// Returns the matrix with rows and columns exchanged.
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    pub async fn transposed(&self) -> Result<Matrix<T, COLUMNS, ROWS>, Error> {
        let mut turned = [[T::default(); ROWS]; COLUMNS];
        for (y, row) in self.0.iter().enumerate() {
            for (x, cell) in row.iter().enumerate() {
                turned[x][y] = *cell;
            }
        }
        Ok(Matrix(turned))
    }

    /// Returns the row that holds a cell. The companion looks for many cells at once.
    #[fan_out(limit = 2)]
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    pub async fn row_of(&self, cell: T) -> Result<usize, Error> {
        self.0.iter().position(|row| row.contains(&cell)).ok_or(Error::NotFound)
    }

    /// Returns a cell for a change.
    #[timeout("1s")]
    #[circuit_breaker]
    #[bulkhead]
    pub async fn cell(&mut self, row: usize, column: usize) -> Result<&mut T, Error> {
        self.0.get_mut(row).and_then(|row| row.get_mut(column)).ok_or(Error::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn generics_stay_generic() {
        let connection = Connection::with("k", "v w");

        assert_eq!(sent(show(&1.5)).await.unwrap(), "1.5");
        assert_eq!(sent(show_unsized("a")).await.unwrap(), "\"a\"");
        assert_eq!(sent(show_unsized(&[1, 2][..])).await.unwrap(), "[1, 2]");
        assert_eq!(sent(sum([1, 2, 3])).await.unwrap(), 6);
        assert_eq!(sent(chunk::<2, true>(b"abc")).await.unwrap(), [*b"ab", [0, 0]]);
        assert_eq!(sent(longer("a", "bc")).await.unwrap(), "bc");
        assert_eq!(sent(within("abcd", "c")).await.unwrap(), "cd");
        assert_eq!(sent(with_row(&connection, "k", str::len)).await.unwrap(), 3);
        assert_eq!(sent(run(|n| async move { Ok(n) })).await.unwrap(), 1);
        assert_eq!(run_closure(async || Ok(2)).await.unwrap(), 2);
        assert_eq!(sent(run_boxed(Box::pin(async { Ok(3) }))).await.unwrap(), 3);
        assert_eq!(sent(ask(&connection, "k".to_owned())).await.unwrap(), "v w");
        assert_eq!(sent(words("v w")).await.unwrap().count(), 2);
        assert_eq!(sent(find(&HashMap::from([("a".to_owned(), 1)]), "a")).await.unwrap(), &1);
        assert!(sent(boxed_error::<std::io::Error>(None)).await.is_ok());
        assert_eq!(sent(last(vec![1, 2])).await.unwrap(), 2);
        assert_eq!(sent(behind(vec![1])).await.unwrap(), 1);
        assert_eq!(sent(behind_dyn(&42)).await.unwrap(), 2);
        let mut matrix = Matrix([[1, 2, 3]]);
        assert_eq!(sent(matrix.transposed()).await.unwrap().0, [[1], [2], [3]]);
        assert_eq!(sent(matrix.row_of_all([2, 9])).await, [Ok(0), Err(Error::NotFound)]);
        *sent(matrix.cell(0, 0)).await.unwrap() = 5;
        assert_eq!(matrix.0[0][0], 5);
    }
}
