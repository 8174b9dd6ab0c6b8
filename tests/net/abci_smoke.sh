#!/bin/sh
# The real CometBFT drives tests/net/abci_noop over a unix socket: handshake, 5 blocks, a
# transaction; CometBFT restarted while the application lives; then both, so that all is
# replayed.  The order of consensus requests is held against ABCI's grammar.
#
#     abci_smoke.sh ABCI_NOOP [COMETBFT]     exit 77 (skipped) without CometBFT
set -eu

noop=$1
comet=${2:-$(dirname "$0")/../../build/bin/cometbft}
[ -x "$comet" ] || { echo "no CometBFT at $comet: skipped"; exit 77; }
command -v curl >/dev/null || { echo "no curl: skipped"; exit 77; }

dir=$(mktemp -d /tmp/viper.XXXXXX)
app_pid= comet_pid=
stop() { # PID
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
cleanup() {
    stop "$comet_pid"
    stop "$app_pid"
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
fail() {
    echo "FAILED: $1"
    tail -n 15 "$dir/comet.log" "$dir/app.log" 2>/dev/null || true
    exit 1
}

set -- $(python3 -c '
import socket
s = [socket.socket() for _ in range(2)]
for one in s: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in s])')
p2p=$1 rpc=$2

start_app() {
    "$noop" "unix://$dir/app.sock" "$dir/trace" >>"$dir/app.log" 2>&1 &
    app_pid=$!
}
start_comet() {
    "$comet" start --home "$dir/home" --proxy_app "unix://$dir/app.sock" \
        --p2p.laddr "tcp://127.0.0.1:$p2p" --rpc.laddr "tcp://127.0.0.1:$rpc" \
        >>"$dir/comet.log" 2>&1 &
    comet_pid=$!
}
height() {
    curl -s -m 2 "http://127.0.0.1:$rpc/status" |
        sed -n 's/.*"latest_block_height": *"\([0-9]*\)".*/\1/p'
}
wait_height() { # at least this, within 40 s
    for _ in $(seq 400); do
        h=$(height || true)
        [ "${h:-0}" -ge "$1" ] && return 0
        kill -0 "$comet_pid" 2>/dev/null || fail "CometBFT ended"
        sleep 0.1
    done
    fail "height ${h:-none}, expected $1"
}
count() {
    curl -s -m 2 "http://127.0.0.1:$rpc/abci_query?path=%22%2Fcount%22" |
        sed -n 's/.*"value": *"\([^"]*\)".*/\1/p'
}

"$comet" init --home "$dir/home" >/dev/null 2>&1
sed -i 's/^timeout_commit = .*/timeout_commit = "100ms"/' "$dir/home/config/config.toml"

start_app
start_comet
wait_height 3
curl -s -m 10 "http://127.0.0.1:$rpc/broadcast_tx_commit?tx=%22hello%22" >"$dir/tx"
grep -q '"height"' "$dir/tx" || fail "transaction: $(cat "$dir/tx")"
wait_height 5
[ "$(count)" = AAAAAAAAAAE= ] || fail "count is $(count), expected 1"
# A path that is no text must cost its sender an error and not the node its life.
curl -s -m 5 -H 'Content-Type: application/json' "http://127.0.0.1:$rpc/" -d \
    '{"jsonrpc":"2.0","id":1,"method":"abci_query","params":{"path":"/a\u0000b"}}' >"$dir/nul"
grep -q 'NUL in a string' "$dir/nul" || fail "query with NUL: $(cat "$dir/nul")"
echo "ok  handshake and $(height) blocks, one transaction, a broken query refused"

before=$(height)
stop "$comet_pid"
start_comet
wait_height $((before + 3))
[ "$(count)" = AAAAAAAAAAE= ] || fail "count is $(count) after the restart of CometBFT"
echo "ok  CometBFT restarted on a living application: $(height) blocks"

before=$(height)
stop "$comet_pid"
stop "$app_pid"
tr '\n' ' ' <"$dir/trace" | grep -Eq '^I([PREV]*FC)+[PREV]*F? ([PREV]*FC)+[PREV]*F? ?$' ||
    fail "trace is no history of ABCI: $(cat "$dir/trace")"
: >"$dir/trace"
start_app
start_comet
wait_height $((before + 3))
[ "$(count)" = AAAAAAAAAAE= ] || fail "count is $(count) after the replay"
stop "$comet_pid"
stop "$app_pid"
tr '\n' ' ' <"$dir/trace" | grep -Eq '^I([PREV]*FC)+[PREV]*F? ?$' ||
    fail "trace is no history of ABCI: $(cat "$dir/trace")"
echo "ok  replayed $before blocks into an empty application, and the order was ABCI's"
app_pid= comet_pid=
