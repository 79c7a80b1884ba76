//! Files that are watched: written in place, replaced, gone, and changed all the time.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use resilient::config::{self, Watch};
use tokio::time::sleep;

use crate::{alone, value};

fn file(hold: &str) -> String {
    format!("[stock.coalesce]\nhold = \"{hold}\"\n\n[end]\n")
}

/// Waits until the file that was written last has been settled.
async fn settled() {
    sleep(Duration::from_secs(3)).await;
}

fn hold() -> String {
    let stock = crate::policy("stock", "coalesce");
    stock.settings.iter().find(|setting| setting.key == "hold").map_or("unset".to_owned(), |hold| hold.value.clone())
}

fn said(watch: &Watch) -> String {
    watch.last().map_or_else(|refused| refused.to_string(), |_| "applied".to_owned())
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_file_is_read_at_once_and_again_when_it_changes() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resilient.toml");
    fs::write(&path, file("1s")).unwrap();

    let watch = config::watch(&path);
    assert_eq!(value("stock", "coalesce", "hold"), "1s", "before the watch returns");

    fs::write(&path, file("2s")).unwrap();
    settled().await;
    assert_eq!(hold(), "2s");

    // one bad file does not end it
    fs::write(&path, "[stock.coalesce]\nhold = 2\n\n[end]\n").unwrap();
    settled().await;
    assert_eq!(hold(), "2s");
    assert_eq!(
        said(&watch),
        format!("{}:2:8: a duration needs a unit: write `hold = \"2s\"` or `hold = \"2ms\"`", path.display())
    );
    let refused = config::reloads().refused;
    settled().await;
    assert_eq!(config::reloads().refused, refused, "the same file is refused once");

    let next = folder.path().join("next");
    fs::write(&next, file("3s")).unwrap();
    fs::rename(&next, &path).unwrap();
    settled().await;
    assert_eq!((hold(), said(&watch)), ("3s".to_owned(), "applied".to_owned()));

    fs::remove_file(&path).unwrap();
    settled().await;
    assert_eq!(hold(), "3s", "what was in force stays");
    assert!(said(&watch).contains("it cannot be read: "), "{}", said(&watch));

    fs::write(&path, file("4s")).unwrap();
    settled().await;
    assert_eq!(hold(), "4s");

    drop(watch);
    fs::write(&path, file("5s")).unwrap();
    settled().await;
    assert_eq!(hold(), "4s", "and nothing changes after it is dropped");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_link_that_is_swapped_is_followed() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let put = |version: &str, hold: &str| {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("resilient.toml"), file(hold)).unwrap();
    };
    let swap = |version: &str| {
        symlink(version, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    // as a mounted ConfigMap is laid out
    put("..2026_1", "1s");
    swap("..2026_1");
    symlink(Path::new("..data").join("resilient.toml"), at("resilient.toml")).unwrap();

    let watch = config::watch(at("resilient.toml"));
    assert_eq!(hold(), "1s");
    put("..2026_2", "2s");
    swap("..2026_2");
    fs::remove_dir_all(at("..2026_1")).unwrap();
    settled().await;

    assert_eq!((hold(), said(&watch)), ("2s".to_owned(), "applied".to_owned()));
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_file_that_changes_all_the_time_is_applied_a_few_times() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (path, next) = (folder.path().join("resilient.toml"), folder.path().join("next"));
    fs::write(&path, file("1s")).unwrap();
    let _watch = config::watch(&path);
    let before = config::reloads();

    for round in 0..1_000 {
        fs::write(&next, file(&format!("{}ms", 1_000 + round))).unwrap();
        fs::rename(&next, &path).unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    let during = config::reloads();
    assert!((3..=20).contains(&(during.applied - before.applied)), "{during:?} after {before:?}");
    assert_eq!(during.refused, before.refused);

    settled().await;
    assert_eq!(hold(), "1.999s", "the last one counts in the end");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn what_is_no_settings_file_says_so() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resilient.toml");

    let watch = config::watch(&path);
    assert!(said(&watch).contains("it cannot be read: No such file"), "{}", said(&watch));
    assert_eq!(hold(), "unset");

    fs::write(&path, vec![b'#'; 10 << 20]).unwrap();
    settled().await;
    assert!(
        said(&watch).ends_with("it has more than 1048576 bytes, the most that settings have: is it the right file?"),
        "{}",
        said(&watch)
    );

    fs::write(&path, b"[stock]\xff\n").unwrap();
    settled().await;
    assert!(said(&watch).ends_with("it is no text in UTF-8, from byte 7 on"), "{}", said(&watch));

    fs::write(&path, file("1s")).unwrap();
    settled().await;
    assert_eq!(hold(), "1s");
}
