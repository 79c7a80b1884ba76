//! The crate `redis`, with a server that speaks its protocol by rote.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError, RedisResult};
use resilient::Class;

use crate::{Table, answering};

#[tokio::test]
async fn redis() {
    let mut table = Table::of("redis");
    answers(&mut table).await;
    several(&mut table).await;
    values(&mut table).await;
    connections(&mut table).await;
    table.check();
}

/// Answers that a command gets, in each of the three forms in which it can be sent.
async fn answers(table: &mut Table) {
    for (fault, answer, comes, class, why) in [
        (
            "the server became a replica",
            "-READONLY You can't write against a read only replica.",
            "ReadOnly",
            Class::Transient,
            "a fail-over; another connection leads to the master",
        ),
        ("a restart", "-LOADING Redis is loading the dataset in memory", "BusyLoading", Class::Transient, "it ends"),
        (
            "the cluster has no owner of a slot",
            "-CLUSTERDOWN Hash slot not served",
            "ClusterDown",
            Class::Transient,
            "it ends",
        ),
        (
            "memory is used up",
            "-OOM command not allowed when used memory > 'maxmemory'.",
            "OOM",
            Class::Throttled { after: None },
            "the server is well and takes no more",
        ),
        (
            "a script keeps the server busy",
            "-BUSY Redis is busy running a script.",
            "BUSY",
            Class::Transient,
            "it ends",
        ),
        (
            "too few replicas",
            "-NOREPLICAS Not enough good replicas to write.",
            "NOREPLICAS",
            Class::Transient,
            "they come back",
        ),
        (
            "the disk is full",
            "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "MISCONF",
            Class::Transient,
            "the server's trouble, as a full disk is with PostgreSQL",
        ),
        (
            "a wrong type",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
            "WRONGTYPE",
            Class::Permanent,
            "the caller's mistake",
        ),
    ] {
        let line = format!("{answer}\r\n");
        let single = get::<String>(&line).await.unwrap_err();
        table.add(fault, &single, comes, class, why);

        let inside = format!("+OK\r\n{line}");
        let mut pipe = redis::pipe();
        pipe.cmd("PING").cmd("GET").arg("key");
        let piped = run(&pipe, &inside).await.unwrap_err();
        table.add(&format!("{fault}, in a pipeline"), &piped, comes, class, "that of the answer inside");

        let aborted = format!("+OK\r\n{line}-EXECABORT Transaction discarded because of previous errors.\r\n");
        let mut atomic = redis::pipe();
        atomic.atomic().cmd("GET").arg("key");
        let aborted = run(&atomic, &aborted).await.unwrap_err();
        table.add(&format!("{fault}, in `atomic()`"), &aborted, comes, class, "that of the answer inside");
    }
}

async fn several(table: &mut Table) {
    let mut pipe = redis::pipe();
    pipe.cmd("GET").arg("a").cmd("GET").arg("b");
    let both = run(&pipe, "-LOADING Redis is loading\r\n-WRONGTYPE Operation against a key\r\n").await.unwrap_err();
    table.add("two failures in a pipeline", &both, "WRONGTYPE", Class::Permanent, "one of them fails again");

    let mut atomic = redis::pipe();
    atomic.atomic().cmd("GET").arg("key");
    let busy =
        "+OK\r\n+QUEUED\r\n-EXECABORT Transaction discarded because of: BUSY Redis is busy running a script.\r\n";
    let busy = run(&atomic, busy).await.unwrap_err();
    table.add(
        "`EXEC` itself is refused",
        &busy,
        "Invalid response when parsing multi response",
        Class::Transient,
        "the commands were fit to be queued; the client loses the reason",
    );
    let unknown =
        "+OK\r\n-ERR unknown command 'GOT'\r\n-EXECABORT Transaction discarded because of previous errors.\r\n";
    let unknown = run(&atomic, unknown).await.unwrap_err();
    table.add("a bad command in `atomic()`", &unknown, "unknown command", Class::Permanent, "the caller's mistake");
}

async fn values(table: &mut Table) {
    let missing = get::<u64>("$-1\r\n").await.unwrap_err();
    table.add(
        "a missing key, read as a number",
        &missing,
        "nil",
        Class::Permanent,
        "the answer was right, its type is not",
    );
    let text = get::<u64>("$3\r\nabc\r\n").await.unwrap_err();
    table.add("text, read as a number", &text, "abc", Class::Permanent, "the same");
    let list = get::<(u8, u8)>("*1\r\n:1\r\n").await.unwrap_err();
    table.add("a list of another length", &list, "Incompatible type", Class::Permanent, "the same");
    let html = get::<String>("HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap_err();
    table.add(
        "bytes that are no answer",
        &html,
        "Parse error at",
        Class::Transient,
        "out of step; the next connection is not",
    );

    let moved = get::<String>("-MOVED 3999 127.0.0.1:6381\r\n").await.unwrap_err();
    table.add("`MOVED`, without a client for clusters", &moved, "Moved", Class::Permanent, "the same answer for ever");
    let ask = get::<String>("-ASK 3999 127.0.0.1:6381\r\n").await.unwrap_err();
    table.add("`ASK`, the same", &ask, "Ask", Class::Permanent, "the same");
}

async fn connections(table: &mut Table) {
    let full = get::<String>("-ERR max number of clients reached\r\n").await.unwrap_err();
    table.add("too many clients", &full, "max number of clients", Class::Transient, "some of them leave");
    let gone = get::<String>("").await.unwrap_err();
    table.add("the server goes away", &gone, "broken pipe", Class::Transient, "it comes back");
    let port = answering(&[b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL.\r\n"]).await;
    let select = connect(&format!("redis://127.0.0.1:{port}/1")).await.err().unwrap();
    table.add(
        "busy when a database is selected",
        &select,
        "refused to switch database",
        Class::Transient,
        "by its words: the code is lost",
    );
    let refused = connect("redis://127.0.0.1:1").await.err().unwrap();
    table.add("nobody listens", &refused, "refused", Class::Transient, "it comes back");
    let unnamed = connect("redis://name.invalid").await.err().unwrap();
    table.add("the name is not found", &unnamed, "failed to lookup", Class::Transient, "as with every client");
}

async fn connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let mut info = redis::IntoConnectionInfo::into_connection_info(url)?;
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    info = info.set_redis_settings(settings);
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
}

async fn get<T: redis::FromRedisValue>(answer: &str) -> Result<T, RedisError> {
    let port = answering(&[answer.as_bytes()]).await;
    let mut connection = connect(&format!("redis://127.0.0.1:{port}")).await?;
    Cmd::get("key").query_async(&mut connection).await
}

async fn run(pipe: &Pipeline, answer: &str) -> Result<(), RedisError> {
    let port = answering(&[answer.as_bytes()]).await;
    let mut connection = connect(&format!("redis://127.0.0.1:{port}")).await?;
    pipe.query_async(&mut connection).await
}
