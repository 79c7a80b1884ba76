//! reqwest with two proxies.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use resilient::Class;
use resilient::Class::{Permanent, Transient};
use resilient::http::{CallError, check};
use resilient::{circuit_breaker, retry, timeout};
use tokio::time::sleep;

use crate::servers::{self, Server, folder, free_port, run, write};
use crate::{BUSY, Table};

#[tokio::test(flavor = "multi_thread")]
async fn nginx() {
    if !servers::can_start("nginx") {
        return;
    }
    let mut table = Table::of("real nginx");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = start_nginx(&format!(
        "limit_req_zone $server_port zone=asked:1m rate=1r/m;
         limit_req_zone $server_port zone=unasked:1m rate=1r/m;
         limit_conn_zone $server_port zone=open:1m;
         server {{
             listen 127.0.0.1:PORT;
             large_client_header_buffers 2 1k;
             location /well {{ return 200; }}
             location /down {{ proxy_pass http://127.0.0.1:{nobody}; }}
             location /slow {{ proxy_pass http://127.0.0.1:{silent}; proxy_read_timeout 100ms; }}
             location /forever {{ proxy_pass http://127.0.0.1:{silent}; }}
             location /limited {{ limit_req zone=asked; limit_req_status 429; try_files /none @well; }}
             location /refused {{ limit_req zone=unasked; try_files /none @well; }}
             location @well {{ return 200; }}
             location /large {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{nobody}; }}
             location /hangs-up {{ return 444; }}
             location /forbidden {{ deny all; }}
         }}",
        nobody = NOBODY,
        silent = silent.local_addr().unwrap().port(),
    ));
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    let faults: &[(&str, &str, &str, Class, &str)] = &[
        ("nobody listens behind it", "down", "502", Transient, "it comes back"),
        ("slow behind it", "slow", "504", Transient, "the next call may be quicker"),
        ("`return 444`", "hangs-up", "connection closed", Transient, "as any server that hangs up"),
        ("`deny`", "forbidden", "403", Permanent, "a configuration"),
        ("no such page", "nowhere", "404", Permanent, "the caller's mistake"),
    ];
    for (fault, path, comes, class, why) in faults {
        let error = get(&client(), &url(path)).await.unwrap_err();
        table.add(fault, &error, comes, *class, why);
    }
    get(&client(), &url("limited")).await.unwrap();
    let error = get(&client(), &url("limited")).await.unwrap_err();
    table.add("`limit_req` with `limit_req_status 429`", &error, "429", BUSY, "the server wants less");
    get(&client(), &url("refused")).await.unwrap();
    let error = get(&client(), &url("refused")).await.unwrap_err();
    table.add(
        "`limit_req` with the default status",
        &error,
        "503",
        Transient,
        "cannot be told from a server that is down",
    );
    let error = sent(client().post(url("large")).body("much".repeat(1_000))).await.unwrap_err();
    table.add("a body that is too large", &error, "413", Permanent, "it stays too large");
    let error = sent(client().get(url("well")).header("much", "much".repeat(1_000))).await.unwrap_err();
    table.add("headers that are too large", &error, "400", Permanent, "they stay too large");

    let asking = tokio::spawn({
        let url = url("forever");
        async move { get(&client(), &url).await.unwrap_err() }
    });
    sleep(Duration::from_millis(200)).await;
    let nowhere = url("well");
    server.signal("-TERM");
    server.stop();
    table.add("it stops during a call", &asking.await.unwrap(), "connection closed", Transient, "it comes back");
    let error = get(&client(), &nowhere).await.unwrap_err();
    table.add("nobody listens", &error, "refused", Transient, "it comes back");
    table.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy() {
    if !servers::can_start("haproxy") {
        return;
    }
    let mut table = Table::of("real haproxy");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (folder, port) = (folder(), free_port());
    let text = format!(
        "defaults
             mode http
             timeout connect 200ms
             timeout client 5s
             timeout server 300ms
             timeout queue 100ms
             retries 0
         frontend all
             bind 127.0.0.1:{port}
             http-request deny deny_status 429 if {{ path /limited }}
             http-request deny if {{ path /forbidden }}
             http-request silent-drop if {{ path /dropped }}
             http-request reject if {{ path /hangs-up }}
             use_backend down if {{ path /down }}
             use_backend slow if {{ path /slow }}
             use_backend full if {{ path /full }}
             default_backend empty
         backend down
             server one 127.0.0.1:{nobody}
         backend slow
             server one 127.0.0.1:{silent}
         backend full
             server one 127.0.0.1:{silent} maxconn 1
         backend empty\n",
        nobody = NOBODY,
        silent = silent.local_addr().unwrap().port(),
    );
    let configuration = write(&folder, "haproxy.cfg", &text);
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(configuration);
    let server = Server::start(folder, port, "-TERM", command);
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    let faults: &[(&str, &str, &str, Class, &str)] = &[
        ("nobody listens behind it", "down", "503", Transient, "it comes back"),
        ("no server behind it", "none", "503", Transient, "cannot be told from the next"),
        ("slow behind it", "slow", "504", Transient, "the next call may be quicker"),
        ("`deny_status 429`", "limited", "429", BUSY, "the server wants less"),
        ("`deny`", "forbidden", "403", Permanent, "a configuration"),
        ("`reject`", "hangs-up", "connection closed", Transient, "as any server that hangs up"),
    ];
    for (fault, path, comes, class, why) in faults {
        let error = get(&client(), &url(path)).await.unwrap_err();
        table.add(fault, &error, comes, *class, why);
    }
    let first = tokio::spawn({
        let url = url("full");
        async move { get(&client(), &url).await.map(drop) }
    });
    sleep(Duration::from_millis(50)).await;
    let error = get(&client(), &url("full")).await.unwrap_err();
    table.add(
        "a queue in which the time runs out",
        &error,
        "503",
        Transient,
        "cannot be told from a server that is down",
    );
    let _ = first.await;
    let error = sent(client().get(url("dropped")).timeout(Duration::from_millis(200))).await.unwrap_err();
    table.add("`silent-drop`", &error, "timed out", Transient, "as any server that says nothing");
    table.check();
}

/// A port on which nobody listens.
const NOBODY: u16 = 1;

/// The number of tasks that call, the least time for which they do, and the least number of their calls.
const CALLERS: usize = 16;
const LASTS: Duration = Duration::from_secs(4);
const ENOUGH: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_reloads_costs_no_call_and_runs_none_twice() {
    if !servers::can_start("nginx") {
        return;
    }
    for version in [1, 2] {
        let (calls, failed, twice) = during_reloads(version).await;
        assert_eq!((failed, twice), (Vec::new(), 0), "of {calls} calls over HTTP/{version}");
    }
}

/// The number of calls, the failures of those that failed, and the number of those that the server behind the proxy got twice.
async fn during_reloads(version: u8) -> (u64, Vec<String>, usize) {
    #[timeout(total = "10s", attempt = "5s")]
    #[retry(max = 3, base = "10ms")]
    #[circuit_breaker]
    async fn order(client: &reqwest::Client, url: &str, id: u64) -> Result<(), CallError> {
        check(client.post(url).header("order", id).body("one").send().await?)?.bytes().await?;
        Ok(())
    }

    let shop = start_nginx(
        "log_format orders '$http_order';
         server { listen 127.0.0.1:PORT; access_log FOLDER/orders.log orders; location / { return 200 well; } }",
    );
    let proxy = start_nginx(&format!(
        "server {{ listen 127.0.0.1:PORT{}; keepalive_requests 1000; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        if version == 2 { " http2" } else { "" },
        shop.port
    ));
    let client =
        if version == 2 { reqwest::Client::builder().http2_prior_knowledge() } else { reqwest::Client::builder() };
    let client = client.no_proxy().build().unwrap();
    let (next, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, next, over) = (client.clone(), next.clone(), over.clone());
            let url = format!("http://127.0.0.1:{}/", proxy.port);
            tokio::spawn(async move {
                let mut failed = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    failed.extend(order(&client, &url, id).await.err().map(|error| format!("{id}: {error:?}")));
                }
                failed
            })
        })
        .collect();
    let begin = tokio::time::Instant::now();
    // as slow as the machine may be
    while begin.elapsed() < LASTS || next.load(Ordering::Relaxed) < ENOUGH {
        sleep(Duration::from_millis(200)).await;
        proxy.signal("-HUP");
    }
    over.store(true, Ordering::Relaxed);
    let mut failed = Vec::new();
    for caller in callers {
        failed.extend(caller.await.unwrap());
    }
    let calls = next.load(Ordering::Relaxed);
    let mut runs: HashMap<String, u32> = HashMap::new();
    // nginx answers a request before it writes the line of it
    for _ in 0..100 {
        runs.clear();
        for line in fs::read_to_string(shop.folder().join("orders.log")).unwrap().lines() {
            *runs.entry(line.to_owned()).or_default() += 1;
        }
        if runs.len() as u64 + failed.len() as u64 >= calls {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert!(runs.len() as u64 + failed.len() as u64 >= calls, "the log has {} of {calls}", runs.len());
    (calls, failed, runs.values().filter(|runs| **runs > 1).count())
}

/// Starts nginx with these servers, in which `PORT` and `FOLDER` stand for its own.
fn start_nginx(servers: &str) -> Server {
    let (folder, port) = (folder(), free_port());
    let home = folder.path().display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {home}/{kind};\n"))
        .concat();
    let user = if servers::is_root() { "user root;" } else { "" };
    let text = format!(
        "daemon off; pid {home}/pid; error_log {home}/error.log; {user} worker_processes 1;
         events {{ worker_connections 1000; }}
         http {{ access_log off; {temporary} {} }}",
        servers.replace("PORT", &port.to_string()).replace("FOLDER", &home),
    );
    let configuration = write(&folder, "nginx.conf", &text);
    run(Command::new("nginx")
        .arg("-t")
        .arg("-q")
        .arg("-e")
        .arg(folder.path().join("error.log"))
        .arg("-c")
        .arg(&configuration));
    let mut command = Command::new("nginx");
    command.arg("-e").arg(folder.path().join("error.log")).arg("-c").arg(configuration);
    Server::start(folder, port, "-TERM", command)
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn get(client: &reqwest::Client, url: &str) -> Result<(), CallError> {
    sent(client.get(url)).await
}

async fn sent(request: reqwest::RequestBuilder) -> Result<(), CallError> {
    check(request.send().await?)?.bytes().await?;
    Ok(())
}
