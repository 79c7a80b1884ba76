#!/usr/bin/env bash
# `query_timeout` of PgBouncer is documented to cancel queries that run for longer. It closes its connection to the server, and sends no request to cancel. PostgreSQL
# does not look at a connection while a query runs: the query goes on to its end, and commits, unless a `statement_timeout` of the server, which the documentation advises
# as well, is shorter. So a client is told that its INSERT has timed out, and some seconds later the row is there; one that tries again has it twice. Each query that is
# given up goes on using the server, on a connection that the pool does not count any more: with a pool of one, two run at once.
#
# Seen with Debian's packages pgbouncer 1.18.0-1+deb12u1 and postgresql-15 15.18-0+deb12u1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
cd "$folder"
server=
pool=
finish() {
    [ -z "$pool" ] || kill "$pool" 2> /dev/null || true
    [ -z "$server" ] || kill -INT "$server" 2> /dev/null || true
    wait
    rm -rf "$folder"
}
trap finish EXIT
command -v pgbouncer > /dev/null || apt-get install -qq -y --no-install-recommends pgbouncer > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
[ -x /usr/lib/postgresql/15/bin/postgres ] || apt-get install -qq -y --no-install-recommends postgresql-15 > /dev/null 2>&1 || { echo 'the package cannot be installed' >&2; exit 2; }
pgbouncer --version | sed -n 1p
/usr/lib/postgresql/15/bin/postgres --version
as_user=()
if [ "$(id -u)" = 0 ]; then
    # neither of the two runs as root
    chown nobody "$folder"
    as_user=(setpriv --reuid nobody --regid nogroup --clear-groups)
fi
export PATH="/usr/lib/postgresql/15/bin:$PATH" PGUSER=shop PGDATABASE=postgres
"${as_user[@]}" initdb -D data -U shop -A trust > /dev/null
"${as_user[@]}" postgres -D data -c listen_addresses= -c unix_socket_directories="$folder" -c port=5432 2> server.log &
server=$!
cat > pool.ini <<INI
[databases]
postgres = host=$folder port=5432 user=shop
[pgbouncer]
unix_socket_dir = $folder
listen_port = 6432
auth_type = any
default_pool_size = 1
query_timeout = 1
INI
"${as_user[@]}" pgbouncer -q pool.ini 2> pool.log &
pool=$!
for port in 5432 6432; do
    for _ in {1..100}; do
        psql -h "$folder" -p $port -c 'SELECT 1' > /dev/null 2>&1 && break
        sleep 0.1
    done
done
ask() {
    psql -h "$folder" -p 5432 -qAt -c "$1"
}
ask 'CREATE TABLE orders (number int)'
{
    for try in 1 2; do
        psql -h "$folder" -p 6432 -c 'INSERT INTO orders SELECT 1 FROM pg_sleep(3)' 2>&1 | sed -n "1s/^/try $try: /p" || true
    done
    echo "orders: $(ask 'SELECT count(*) FROM orders')"
    echo "still running: $(ask "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT%'")"
    sleep 4
    echo "orders later: $(ask 'SELECT count(*) FROM orders')"
} | tee output
grep -qx 'try 1: FATAL:  query timeout' output
grep -qx 'try 2: FATAL:  query timeout' output
grep -qx 'orders: 0' output
grep -qx 'still running: 2' output
grep -qx 'orders later: 2' output
echo 'as found'
