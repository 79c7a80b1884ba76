# Real servers for tests and examples: to be sourced by a script of bash, which says the programs that it needs.
#
#   install_servers program=package…   installs what is missing, on Debian and its like, as root; elsewhere it says what that is
#                                      with REQUIRE_SERVERS=1, what is still missing is an error
#   start_postgres FOLDER              starts a private PostgreSQL with its data in that folder, and prints its address
#   start_redis FOLDER                 the same for Redis
#   stop_servers FOLDER                ends both
#
# The servers listen on loopback only, each on a free port.

export PATH="$PATH:/usr/sbin:/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"

install_servers() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" > /dev/null || missing+=("${pair#*=}")
    done
    ((${#missing[@]})) || return 0
    if [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
        # the packages would start servers for the whole machine
        printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > /dev/null ||
            echo "not all could be installed of: ${missing[*]}" >&2
        rm -f /usr/sbin/policy-rc.d
        export PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"
    else
        echo "for all of it, install the packages: ${missing[*]}" >&2
    fi
    for pair in "$@"; do
        command -v "${pair%%=*}" > /dev/null || required "${pair%%=*} is not there"
    done
}

# Ends the script if nothing may be left out.
required() {
    [[ ${REQUIRE_SERVERS:-} == 1 ]] || return 0
    echo "REQUIRED: $1, and REQUIRE_SERVERS=1 lets nothing be skipped" >&2
    exit 1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Runs a program as a user if this script may choose: PostgreSQL refuses to run as root.
as_user() {
    local user=$1
    shift
    if [[ $(id -u) == 0 ]]; then setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; else "$@"; fi
}

wait_for_port() {
    for _ in {1..300}; do
        (: > "/dev/tcp/127.0.0.1/$1") 2> /dev/null && return 0
        sleep 0.1
    done
    echo "nobody listens on port $1" >&2
    return 1
}

start_postgres() {
    local folder=$1 port
    port=$(free_port)
    chmod 0777 "$folder"
    as_user postgres initdb --auth=trust --username=ada --no-sync -D "$folder/postgres" > "$folder/initdb.log"
    as_user postgres postgres -D "$folder/postgres" -p "$port" -h 127.0.0.1 -k "$folder" -c fsync=off > "$folder/postgres.log" 2>&1 &
    wait_for_port "$port"
    head -n 1 "$folder/postgres/postmaster.pid" > "$folder/postgres.pid"
    echo "postgres://ada@127.0.0.1:$port/postgres"
}

start_redis() {
    local folder=$1 port
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$folder" > "$folder/redis.log" 2>&1 &
    echo $! > "$folder/redis.pid"
    wait_for_port "$port"
    echo "redis://127.0.0.1:$port"
}

stop_servers() {
    local file pid
    for file in "$1"/*.pid; do
        [[ -e $file ]] || continue
        pid=$(cat "$file")
        # the signal of a fast end, to PostgreSQL
        kill -INT "$pid" 2> /dev/null || continue
        for _ in {1..100}; do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.05
        done
    done
}
