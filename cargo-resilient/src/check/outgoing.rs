//! Calls to other programs, by the clients that make them.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprMethodCall, Member};

use super::source::Crates;

/// A call to another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The client.
    pub client: &'static str,
    /// The function or method.
    pub call: String,
    /// The line.
    pub line: usize,
}

/// A row of the table: a client, the crate that a file names where it uses it, and its calls.
struct Known {
    client: &'static str,
    /// Empty where any file may.
    package: &'static str,
    /// The methods that, awaited, ask the other program.
    methods: &'static [&'static str],
    /// The methods of which one comes before them in the chain; empty if any may.
    after: &'static [&'static str],
    /// The methods that do so wherever they stand, if their only argument has the name of a connection.
    on_a_connection: &'static [&'static str],
    /// The functions that do so.
    functions: &'static [&'static str],
}

/// Returns the call to another program that is awaited here, if it is one.
pub(crate) fn of(awaited: &Expr, crates: &Crates) -> Option<Outgoing> {
    let at = |client: &'static str, call: String, span: Span| Outgoing { client, call, line: span.start().line };
    match awaited {
        Expr::MethodCall(call) => {
            let method = call.method.to_string();
            let chain = chain(call);
            let is_known = |known: &&Known| {
                let by_chain = || {
                    known.methods.contains(&method.as_str())
                        // what a channel sends is its argument
                        && (method != "send" || call.args.is_empty())
                        && (known.after.is_empty() || chain.iter().any(|earlier| known.after.contains(&earlier.as_str())))
                };
                let by_argument = || {
                    known.on_a_connection.contains(&method.as_str())
                        && call.args.len() == 1
                        && call.args.first().is_some_and(is_connection)
                };
                crates.has(known.package) && (by_chain() || by_argument())
            };
            let known = KNOWN.iter().find(is_known)?;
            Some(at(known.client, format!(".{method}()"), call.method.span()))
        }
        Expr::Call(ExprCall { func, .. }) => {
            let Expr::Path(path) = &**func else { return None };
            let written: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let written = written.join("::");
            let is_known = |known: &&Known| {
                crates.has(known.package)
                    && known.functions.iter().any(|name| written == *name || written.ends_with(&format!("::{name}")))
            };
            let known = KNOWN.iter().find(is_known)?;
            Some(at(known.client, format!("{written}()"), func.span()))
        }
        _ => None,
    }
}

/// Returns whether an argument has the name of a connection to a database.
fn is_connection(argument: &Expr) -> bool {
    let name = match argument {
        Expr::Reference(inner) => return is_connection(&inner.expr),
        Expr::Unary(inner) => return is_connection(&inner.expr),
        Expr::Paren(inner) => return is_connection(&inner.expr),
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.to_string()),
            Member::Unnamed(_) => None,
        },
        Expr::MethodCall(call) if call.method == "clone" || call.method == "as_ref" => {
            return is_connection(&call.receiver);
        }
        Expr::MethodCall(call) => Some(call.method.to_string()),
        _ => None,
    };
    name.is_some_and(|name| CONNECTIONS.contains(&name.as_str()))
}

/// Returns the methods and functions before the last of a chain.
fn chain(call: &ExprMethodCall) -> Vec<String> {
    let mut names = Vec::new();
    let mut receiver = &*call.receiver;
    loop {
        match receiver {
            Expr::MethodCall(call) => {
                names.push(call.method.to_string());
                receiver = &call.receiver;
            }
            Expr::Try(inner) => receiver = &inner.expr,
            Expr::Await(inner) => receiver = &inner.base,
            Expr::Paren(inner) => receiver = &inner.expr,
            Expr::Call(call) => {
                if let Expr::Path(path) = &*call.func
                    && let Some(last) = path.path.segments.last()
                {
                    names.push(last.ident.to_string());
                }
                return names;
            }
            Expr::Macro(call) => {
                if let Some(last) = call.mac.path.segments.last() {
                    names.push(last.ident.to_string());
                }
                return names;
            }
            _ => return names,
        }
    }
}

/// The beginnings of a request to a server of HTTP.
const VERBS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];
/// The beginnings of a query of sea-orm.
const ENTITIES: [&str; 8] =
    ["find", "find_by_id", "find_by_statement", "find_related", "insert", "insert_many", "update_many", "delete_many"];

/// The usual names of a connection to a database, or of a transaction.
const CONNECTIONS: [&str; 9] =
    ["db", "conn", "connection", "database", "database_connection", "pool", "transaction", "tx", "txn"];

/// The first row that fits counts, so the rows that are the least certain come last.
const KNOWN: [Known; 13] = [
    known("sqlx", "sqlx", &["fetch_one", "fetch_all", "fetch_optional", "execute"]).opens(&[
        "PgPool::connect",
        "PgConnection::connect",
        "MySqlPool::connect",
        "SqlitePool::connect",
    ]),
    // a query may be begun elsewhere, and a model is written by a method of its own
    known("sea-orm", "sea_orm", &["one", "all", "count", "exec"]).after(&ENTITIES).on_a_connection(&[
        "one",
        "all",
        "count",
        "exec",
        "exec_with_returning",
        "insert",
        "update",
        "save",
        "delete",
    ]),
    known("diesel-async", "diesel_async", &["execute", "load", "first", "get_result", "get_results"]),
    known("tokio-postgres", "tokio_postgres", &["query", "query_one", "query_opt", "execute", "batch_execute"])
        .opens(&["tokio_postgres::connect"]),
    known("AWS SDK", "aws_sdk_", &["send"]),
    known("reqwest", "reqwest", &["send", "execute"]).opens(&["reqwest::get"]),
    // a client that another file has built
    known("reqwest", "", &["send"]).after(&VERBS),
    known("redis", "redis", &["query_async", "exec_async"]),
    known("redis", "redis", &["get_multiplexed_async_connection", "get_async_connection"]),
    known("hyper", "hyper", &["request", "send_request"]),
    known("tonic", "tonic", &["unary", "server_streaming", "connect"]),
    known("tonic", "tonic", &[]).opens(&["Channel::connect"]),
    known("TCP", "tokio", &[]).opens(&["TcpStream::connect"]),
];

const fn known(client: &'static str, package: &'static str, methods: &'static [&'static str]) -> Known {
    Known { client, package, methods, after: &[], on_a_connection: &[], functions: &[] }
}

impl Known {
    const fn after(self, after: &'static [&'static str]) -> Self {
        Self { after, ..self }
    }

    const fn on_a_connection(self, on_a_connection: &'static [&'static str]) -> Self {
        Self { on_a_connection, ..self }
    }

    const fn opens(self, functions: &'static [&'static str]) -> Self {
        Self { functions, ..self }
    }
}
