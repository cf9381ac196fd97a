#!/bin/sh
# verify, top, and the daemon as a user starts it.
. "$(dirname "$0")/common.inc"
"$ringlease" create orders >/dev/null || exit 1
"$ringlease" create bills >/dev/null || exit 1
seq 1 100 | "$ringlease" send orders --lines - --quiet

it 'find sound queues sound'
expect 0 verify orders
line_is 'orders: ok'
expect 0 verify
out_is 'bills: ok
orders: ok
'
expect 0 verify orders --json
json_is FaultCount 0

it 'print what is broken and answer 1'
cp -r "$RINGLEASE_DIR" "$work/broken"
for file in "$work/broken"/*; do
	case $file in
	*orders*) segment=$file ;;
	esac
done
if [ -f "${segment:-}" ]; then
	head -c 64 /dev/urandom | dd of="$segment" conv=notrunc status=none
	"$ringlease" verify orders --dir "$work/broken" >"$work/out" 2>"$work/err"
	[ $? -eq 1 ] || fault 'not exit 1'
	[ -s "$work/out" ] || [ -s "$work/err" ] || fault 'nothing was said'
	expect 1 send orders x --dir "$work/broken"
	"$ringlease" ls --dir "$work/broken" >"$work/out" 2>"$work/err"
	out_has '^bills '
fi

it 'print one view and end'
expect 0 top --once --interval 10ms
out_has '^QUEUE +VISIBLE +IN-FLIGHT +DELAYED +OLDEST +SENT/S +RECV/S +DEL/S +REDELIVERED +TO-DLQ +MEMORY$'
out_has '^orders +100 +0 +0 '
out_has '2 queues, engine none'

it 'print several views, also as JSON'
expect 0 top --count 3 --interval 10ms
[ "$(grep -c '^orders ' "$work/out")" -eq 3 ] || fault 'not three views'
expect 0 top --count 2 --interval 10ms --json
lines_are 4
out_has '"QueueName":"orders","ApproximateNumberOfMessages":100,'
expect 2 top --interval 1ms
expect 2 top --count 0

it 'end top at a signal with 0'
"$ringlease" top --interval 10ms >"$work/views" &
children=$!
await 60 file_has "$work/views" orders || fault 'no view came'
kill -TERM $children
wait $children || fault "exit $?, not 0"
children=

it 'work on in an empty directory'
RINGLEASE_DIR=$work/none expect 0 top --once --interval 10ms
RINGLEASE_DIR=$work/none expect 0 verify
out_is ''

finish
