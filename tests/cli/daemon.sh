#!/bin/sh
# ringleased: options, log, a clean end; and that it is seen.
. "$(dirname "$0")/common.inc"
[ -x "$ringleased" ] || { echo "skipped: no $ringleased"; exit 77; }

engine_is() {
	"$ringlease" stat q --json | grep -q "\"Engine\":$1"
}

start() {
	"$ringleased" "$@" 2>"$work/log" &
	daemon=$!
	children="$children $daemon"
}

it 'say how it is used'
"$ringleased" --help >"$work/out" 2>"$work/err" || fault 'not exit 0'
out_has '--dir DIR'
"$ringleased" --version >"$work/out" || fault 'not exit 0'
out_has '^ringleased [0-9]+\.[0-9]+'
for bad in --no-such -x surplus --dir --dir= --data= --mirror= --key-file= --accept --journal=64M; do
	"$ringleased" $bad >"$work/out" 2>"$work/err"
	[ $? -eq 2 ] || fault "$bad: not exit 2"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault "$bad: not one line on stderr"
done

it 'serve the directory until SIGTERM'
expect 0 create q
start
await 60 engine_is true || fault 'the engine is not seen'
kill -TERM $daemon
wait $daemon || fault "exit $?, not 0"
children=
grep -Eq '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z ringleased: ended$' "$work/log" || fault 'the log does not say so'
await 60 engine_is false || fault 'the engine is still seen'

it 'end leases when nobody else is at work'
start --dir "$RINGLEASE_DIR" --data "$work/data"
await 60 engine_is true || fault 'the engine is not seen'
expect 0 send q back --quiet
expect 0 receive q --visibility-timeout 50ms
# A peek does no reaping: what it sees, the engine made visible.
is_visible() {
	"$ringlease" peek q >"$work/out" 2>"$work/err"
}
await 60 is_visible || fault 'the message did not come back'

it 'hold nobody up while it is stopped, and go on'
expect 0 purge q
expect 0 send q stopped --quiet
expect 0 receive q --visibility-timeout 50ms
kill -STOP $daemon
expect 0 receive q --wait 60s --visibility-timeout 1h --delete
out_has '^stopped$'
kill -CONT $daemon
await 60 engine_is true || fault 'the engine does not go on'
expect 0 send q back --quiet
expect 0 receive q --visibility-timeout 50ms
await 60 is_visible || fault 'the message did not come back'

it 'keep a second one in reserve, which takes over from a killed one'
first=$daemon
start
second=$daemon
await 60 file_has "$work/log" 'standing by' || fault 'the second does not stand by'
kill -KILL $first
wait $first 2>/dev/null
# The promise of the first outlives it by seconds; only the log tells who serves.
await 60 file_has "$work/log" ': serving' || fault 'nobody took over'
await 60 engine_is true || fault 'the engine is not seen'
kill -INT $second 2>/dev/null
kill -TERM $second
wait $second || fault "exit $?, not 0"
children=

it 'say so when the directory cannot be served'
: >"$work/file"
"$ringleased" --dir "$work/file" 2>"$work/err"
[ $? -eq 1 ] || fault 'not exit 1'
err_has 'cannot serve .*/file: '
[ "$(wc -l <"$work/err")" -eq 1 ] || fault 'not one line on stderr'

finish
