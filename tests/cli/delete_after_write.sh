#!/bin/sh
# receive --delete: nothing is deleted that was not written; --follow ends well.
. "$(dirname "$0")/common.inc"
"$ringlease" create q --visibility-timeout 1h >/dev/null || exit 1

it 'keep the message when stdout is full'
expect 0 send q precious --quiet
"$ringlease" receive q --delete >/dev/full 2>"$work/err"
[ $? -eq 1 ] || fault 'not exit 1'
err_has 'cannot write the messages: No space left on device \(they were not deleted\)'
stat_is q NumberOfMessagesDeleted 0

it 'have given it back at once'
expect 0 receive q --delete
line_is precious

it 'keep the message when stdout is closed'
expect 0 send q precious --quiet
"$ringlease" receive q --delete >&- 2>"$work/err"
[ $? -eq 1 ] || fault 'not exit 1'
stat_is q NumberOfMessagesDeleted 1
expect 0 receive q --delete
line_is precious

it 'keep messages when the reader of a pipe is gone'
expect 0 send q precious --quiet
mkfifo "$work/fifo"
# Held open for both until the reader is gone for sure.
exec 3<>"$work/fifo"
exec 4>"$work/fifo"
exec 3>&-
"$ringlease" receive q --delete >&4 2>"$work/err"
[ $? -eq 1 ] || fault 'not exit 1'
exec 4>&-
err_has 'Broken pipe'
expect 0 receive q --delete
line_is precious

it 'fail other output that cannot be written, too'
for command in 'ls' 'stat' 'stat --json' 'send q x' 'top --once --interval 10ms' '--help'; do
	"$ringlease" $command >/dev/full 2>"$work/err" </dev/null
	[ $? -eq 1 ] || fault "$command: not exit 1"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault "$command: not one line on stderr"
done
expect 0 purge q

it 'follow until SIGTERM, deleting all that came, and end with 0'
"$ringlease" receive q --follow --delete >"$work/followed" &
children=$!
seq 1 1000 >"$work/numbers"
expect 0 send q --lines "$work/numbers" --quiet
await 60 file_has "$work/followed" '^1000$' || fault 'not all came'
kill -TERM $children
wait $children || fault "exit $?, not 0"
children=
cmp -s "$work/followed" "$work/numbers" || fault 'not the lines that were sent'
stat_is q ApproximateNumberOfMessages 0
stat_is q ApproximateNumberOfMessagesNotVisible 0

it 'follow until SIGINT while it waits'
sh -c 'trap - INT; exec "$0" receive q --follow --json' "$ringlease" >"$work/followed" &
children=$!
expect 0 send q here --quiet
await 60 file_has "$work/followed" here || fault 'nothing came'
# A background job of a shell without job control ignores SIGINT; then there is nothing to try.
if ! grep -Eq '^SigIgn:.*[2367abef]$' /proc/$children/status; then
	kill -INT $children
	wait $children || fault "exit $?, not 0"
else
	kill -TERM $children
	wait $children
fi
children=
expect 0 purge q

it 'end a follow after --max messages'
seq 1 100 | "$ringlease" send q --lines - --quiet
expect 0 receive q --follow --delete --max 70
lines_are 70
stat_is q ApproximateNumberOfMessages 30
expect 0 purge q

it 'end a follow with 6 when the queue is removed'
expect 0 create gone
"$ringlease" receive gone --follow >"$work/followed" 2>"$work/err" &
children=$!
expect 0 send gone here --quiet
await 60 file_has "$work/followed" here || fault 'nothing came'
"$ringlease" rm gone >/dev/null
wait $children
status=$?
children=
[ $status -eq 6 ] || fault "exit $status, not 6"

it 'share the messages between several that follow'
for i in 1 2 3; do
	"$ringlease" receive q --follow --delete >"$work/follower.$i" &
	children="$children $!"
done
seq 1 20000 >"$work/numbers"
expect 0 send q --lines "$work/numbers" --quiet
is_drained() {
	[ "$(cat "$work"/follower.* | wc -l)" -ge 20000 ]
}
await 60 is_drained || fault 'not all came'
kill -TERM $children
wait $children
children=
sort -n "$work"/follower.* | cmp -s - "$work/numbers" || fault 'not each line once'
stat_is q ApproximateNumberOfMessagesNotVisible 0

finish
