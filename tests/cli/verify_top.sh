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

it 'show how old the oldest message is, as it grows'
expect 0 peek orders --json
sent_ms=$(json SentTimestamp)
is_old() {
	"$ringlease" top --once --interval 10ms --json >"$work/out" && grep orders "$work/out" >"$work/row" &&
		[ "$(sed -nE 's/.*"ApproximateAgeOfOldestMessage":([0-9]+).*/\1/p' "$work/row")" -ge 1 ]
}
await 60 is_old || fault 'it does not grow'
age=$(sed -nE 's/.*"ApproximateAgeOfOldestMessage":([0-9]+).*/\1/p' "$work/row")
now=$(date +%s)
# The view was a moment ago, and seconds are cut.
[ $((now - sent_ms / 1000 - age)) -ge 0 ] && [ $((now - sent_ms / 1000 - age)) -le 5 ] ||
	fault "it says $age s, sent at $sent_ms ms, now $now s"
grep -q '"QueueName":"bills".*"ApproximateAgeOfOldestMessage":0,' "$work/out" || fault 'an empty queue has an age'
expect 0 top --once --interval 10ms
out_has '^orders +100 +0 +0 +[0-9]+(\.[0-9]+)?[smh]'
out_has '^bills +0 +0 +0 +- +0 +0 +0 '

it 'show the rates of what goes on, of each queue its own'
seq 1 40000 | while read -r line; do
	[ -e "$work/enough" ] && break
	"$ringlease" send bills $line --quiet && "$ringlease" receive bills --delete >/dev/null
done &
sender=$!
children=$sender
has_rates() {
	"$ringlease" top --once --interval 300ms --json >"$work/out" && grep bills "$work/out" >"$work/row" &&
		for rate in SentPerSecond ReceivedPerSecond DeletedPerSecond; do
			sed -nE "s/.*\"$rate\":([0-9.]+).*/\1/p" "$work/row" | grep -qv '^0\.0$' || return 1
		done
}
await 60 has_rates || fault 'no rates'
: >"$work/enough"
wait $sender
children=
grep orders "$work/out" >"$work/row"
for rate in SentPerSecond ReceivedPerSecond DeletedPerSecond; do
	grep -q "\"$rate\":0\.0" "$work/row" || fault "orders has a rate: $(cat "$work/row")"
done
# And none when nothing goes on any more.
expect 0 top --once --interval 100ms
out_has '^bills .* 0 +0 +0 +'

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
