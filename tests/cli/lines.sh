#!/bin/sh
# send --lines: each line a message, whatever its length and however it comes.
. "$(dirname "$0")/common.inc"
"$ringlease" create q >/dev/null || exit 1

it 'send each line, the last one without a line feed too, empty ones as well'
printf 'one\n\nthree' | "$ringlease" send q --lines - >"$work/out" || fault 'send failed'
lines_are 3
expect 0 receive q --max 10 --delete
out_is 'one

three
'

it 'send nothing for an empty file'
expect 0 send q --lines /dev/null
lines_are 0
expect 3 receive q

it 'keep carriage returns and NUL bytes'
printf 'a\r\nb\000c\n' | "$ringlease" send q --lines - --quiet
expect 0 receive q --max 10 --delete
printf 'a\r\nb\000c\n' | cmp -s - "$work/out" || fault 'the bytes differ'

it 'stream 100,000 lines through a pipe'
seq 1 100000 >"$work/numbers"
"$ringlease" send q --lines - <"$work/numbers" >"$work/ids" || fault 'send failed'
[ "$(sort -u "$work/ids" | wc -l)" -eq 100000 ] || fault 'not 100,000 different ids'
stat_is q ApproximateNumberOfMessages 100000
"$ringlease" receive q --max 200000 --delete >"$work/back" || fault 'receive failed'
sort -n "$work/back" | cmp -s - "$work/numbers" || fault 'lines are missing, or too many'
stat_is q NumberOfMessagesDeleted 100005
stat_is q ApproximateNumberOfMessages 0

it 'send what a slow pipe has given so far'
mkfifo "$work/fifo"
"$ringlease" send q --lines "$work/fifo" >"$work/ids" &
children=$!
exec 3>"$work/fifo"
echo first >&3
expect 0 receive q --wait 60s --delete
line_is first
echo second >&3
expect 0 receive q --wait 60s --delete
line_is second
exec 3>&-
wait $children || fault 'send failed'
children=
[ "$(wc -l <"$work/ids")" -eq 2 ] || fault 'not two ids'

it 'take lines as long as the queue does'
head -c 786432 /dev/urandom | base64 -w 0 >"$work/long"
echo >>"$work/long"
cat "$work/long" "$work/long" "$work/long" >"$work/three"
expect 0 send q --lines "$work/three" --quiet
expect 0 receive q --max 3 --delete
cmp -s "$work/out" "$work/three" || fault 'the bytes differ'

it 'stop at a line that is too long, and say which'
expect 0 create narrow --max-message-bytes 10
printf '1\n22\n0123456789x\nnever\n' >"$work/mixed"
expect 1 send narrow --lines "$work/mixed" --quiet
err_has 'line 3: too big for the queue \(2 lines were sent'
cat "$work/mixed" "$work/three" >"$work/huge"
expect 0 receive narrow --max 10 --delete
out_is '1
22
'
{ echo 1; cat "$work/long"; } >"$work/huge"
expect 1 send narrow --lines "$work/huge"
lines_are 1
err_has 'line 2: too big'

it 'say how far it came when the queue is full'
expect 0 create small --capacity 5
seq 1 9 >"$work/nine"
expect 4 send small --lines "$work/nine"
lines_are 5
err_has 'line 6: the queue is full \(5 lines were sent'

it 'give each line the attributes and the delay'
printf 'a\nb\n' | "$ringlease" send q --lines - --attribute k=String:v --quiet
expect 0 receive q --max 2 --delete --json
lines_are 2
[ "$(grep -c '"k":{"DataType":"String","StringValue":"v"}' "$work/out")" -eq 2 ] || fault 'attributes are missing'
printf 'a\nb\n' | "$ringlease" send q --lines - --delay 1h --quiet
stat_is q ApproximateNumberOfMessagesDelayed 2

finish
