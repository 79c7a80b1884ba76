//! A settings file that is read again when it changes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::sleep;

use super::file::LONGEST;
use super::report::{Applied, Refused};
use super::state::{apply, refuse};

/// The time between two looks at the file.
const EACH: Duration = Duration::from_secs(1);
/// The time for which a file must not change before it is applied.
const CALM: Duration = Duration::from_millis(200);
/// The number of looks after which a file that changes all the time is applied as it is.
const MOST_LOOKS: u32 = 5;

/// Applies a settings file now, and again whenever it changes, until the [`Watch`] is dropped.
///
/// The file is read once a second, whole, and compared with what was read before. So it does not matter how it is changed: written in place,
/// replaced by a rename, or by another target of a symbolic link, as Kubernetes does with a `ConfigMap`. A change is applied when the file is the same
/// for 200 ms; one that changes all the time, as it is after a second. If the file is gone or has a mistake, the settings in force stay, and
/// it is read on. The first read is before this returns, and the result of the last is [`Watch::last`].
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let watch = resilient::config::watch("/etc/shop/resilient.toml");
/// if let Err(refused) = watch.last() {
///     eprintln!("{refused}");
/// }
/// # }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime. The runtime must have timers.
pub fn watch(path: impl Into<PathBuf>) -> Watch {
    let path = path.into();
    let name = path.display().to_string();
    let seen = read(&path);
    let last = Arc::new(Mutex::new(settle(&name, &seen)));
    let task = tokio::spawn(look_on(path, name, seen, last.clone()));
    Watch { last, task: task.abort_handle() }
}

/// A file that is watched; from [`watch`]. Dropping it ends that, and the settings in force stay.
#[derive(Debug)]
#[must_use = "dropping it ends the watching"]
pub struct Watch {
    last: Arc<Mutex<Result<Applied, Refused>>>,
    task: AbortHandle,
}

impl Watch {
    /// The result of the last file that was applied or refused.
    ///
    /// # Errors
    ///
    /// [`Refused`] if that was refused, or could not be read.
    pub fn last(&self) -> Result<Applied, Refused> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The content of the file, or why it cannot be read.
type Content = Result<Vec<u8>, String>;

async fn look_on(path: PathBuf, name: String, mut seen: Content, last: Arc<Mutex<Result<Applied, Refused>>>) {
    loop {
        sleep(EACH).await;
        let Some(mut content) = read_again(&path).await else { continue };
        let mut looks = 0;
        while content != seen && looks < MOST_LOOKS {
            sleep(CALM).await;
            let Some(later) = read_again(&path).await else { continue };
            let is_calm = later == content;
            content = later;
            looks = if is_calm { MOST_LOOKS } else { looks + 1 };
        }
        if content != seen {
            let result = settle(&name, &content);
            *last.lock().unwrap_or_else(PoisonError::into_inner) = result;
            seen = content;
        }
    }
}

/// Reads the file where that may take time; `None` if the runtime shuts down.
async fn read_again(path: &Path) -> Option<Content> {
    let path = path.to_owned();
    spawn_blocking(move || read(&path)).await.ok()
}

fn read(path: &Path) -> Content {
    let read = |path: &Path| -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        // one byte more than there may be, so that a longer file is known to be one
        File::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut content)?;
        Ok(content)
    };
    read(path).map_err(|error| format!("it cannot be read: {error}; the settings in force stay"))
}

fn settle(name: &str, content: &Content) -> Result<Applied, Refused> {
    let text = match content {
        Ok(content) if content.len() > LONGEST => {
            return refuse(
                name,
                format!("it has more than {LONGEST} bytes, the most that settings have: is it the right file?"),
            );
        }
        Ok(content) => std::str::from_utf8(content),
        Err(message) => return refuse(name, message.clone()),
    };
    match text {
        Ok(text) => apply(name, text),
        Err(error) => refuse(name, format!("it is no text in UTF-8, from byte {} on", error.valid_up_to())),
    }
}
