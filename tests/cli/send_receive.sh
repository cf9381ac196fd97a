#!/bin/sh
# send, receive, peek, purge: bodies of all kinds, in and out.
. "$(dirname "$0")/common.inc"
"$ringlease" create q >/dev/null || exit 1
uuid='^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'

it 'print the id of what it sent'
expect 0 send q hello
lines_are 1
out_has "$uuid"
expect 0 send q again --json
out_has '^\{"MessageId":"[0-9a-f-]{36}"\}$'
expect 0 send q quiet --quiet
out_is ''

it 'peek without changing anything'
expect 0 peek q
line_is hello
expect 0 peek q --max 10
out_is 'hello
again
quiet
'
expect 0 peek q --json --max 10
lines_are 3
out_lacks ReceiptHandle
stat_is q ApproximateNumberOfMessages 3
stat_is q NumberOfMessagesReceived 0

it 'receive one message by default, and more with --max'
expect 0 receive q --delete
line_is hello
expect 0 receive q --delete --max 10
out_is 'again
quiet
'

it 'answer 3 when nothing came'
expect 3 receive q
out_is ''
expect 3 peek q
expect 3 receive q --json

it 'wait for a message'
"$ringlease" receive q --wait 60s --delete >"$work/waited" &
children=$!
expect 0 send q awaited --quiet
wait $children || fault 'the waiting receive failed'
children=
[ "$(cat "$work/waited")" = awaited ] || fault 'the waiting receive got something else'

it 'end a wait without a message with 3'
expect 3 receive q --wait 50ms

it 'send the bytes of stdin, of - and of a file'
printf 'from stdin' | "$ringlease" send q --quiet || fault 'stdin'
printf 'from dash' | "$ringlease" send q - --quiet || fault 'dash'
printf 'from file' >"$work/body"
expect 0 send q --file "$work/body" --quiet
expect 0 receive q --max 3 --delete
out_is 'from stdin
from dash
from file
'

it 'send a body that looks like an option after --'
expect 0 send q --quiet -- --delete
expect 0 receive q --delete
line_is --delete

it 'refuse two sources, and files that are not there'
expect 2 send q body --file "$work/body"
expect 2 send q --lines - --file "$work/body"
expect 1 send q --file "$work/nowhere"
err_has 'cannot read .*/nowhere: '
expect 1 send q --lines "$work/nowhere"
expect 1 send q --file "$work"

it 'carry an empty body'
expect 0 send q '' --quiet
expect 0 receive q --json --delete
json_is Body ''
expect 0 send q --file /dev/null --quiet
expect 0 receive q --delete
out_is '
'

it 'carry every byte'
i=0
while [ $i -lt 256 ]; do
	printf "\\$(printf %o $i)"
	i=$((i + 1))
done >"$work/bytes"
expect 0 send q --file "$work/bytes" --quiet
expect 0 receive q --visibility-timeout 0
head -c 256 "$work/out" | cmp -s - "$work/bytes" || fault 'the bytes differ'
expect 0 receive q --json --delete --wait 5s
json_is BodyEncoding base64
[ "$(json Body)" = "$(base64 -w 0 "$work/bytes")" ] || fault 'the base64 differs'

it 'leave UTF-8 as it is in JSON, escaped where it must be'
printf 'grün "\\\t€\n' | "$ringlease" send q --quiet
expect 0 receive q --json --delete
out_lacks BodyEncoding
out_has '"Body":"grün \\"\\\\\\t€\\n"'

it 'carry a body of 1 MiB, and refuse one byte more'
head -c 1048576 /dev/urandom >"$work/large"
expect 0 send q --file "$work/large" --quiet
expect 0 receive q --delete
head -c 1048576 "$work/out" | cmp -s - "$work/large" || fault 'the bytes differ'
printf x >>"$work/large"
expect 1 send q --file "$work/large"
err_has 'too big for queue: q'
expect 0 set q max-message-bytes=1048577
expect 0 send q --file "$work/large" --quiet
expect 0 purge q
line_is 'purged 1 message from q'

it 'purge what is visible, in flight and delayed'
expect 0 send q visible --quiet
expect 0 send q leased --quiet
expect 0 send q later --delay 1h --quiet
expect 0 receive q
stat_is q ApproximateNumberOfMessages 1
stat_is q ApproximateNumberOfMessagesNotVisible 1
stat_is q ApproximateNumberOfMessagesDelayed 1
expect 0 purge q --json
json_is Purged 3
expect 3 receive q

it 'hide a message for its delay'
expect 0 send q later --delay 100ms --quiet
expect 3 receive q
expect 0 receive q --wait 10s --delete
line_is later

it 'let a lease end'
expect 0 send q again --quiet
expect 0 receive q --visibility-timeout 50ms
expect 3 receive q --visibility-timeout 0
expect 0 receive q --wait 10s --json --delete
json_is ApproximateReceiveCount 2

it 'carry attributes there and back'
expect 0 send q body --quiet --attribute color=String:red --attribute n=Number:-12.5e3 \
	--attribute raw=Binary:AAECAw== --attribute doc=String.json:'{"a":"b:c=d"}'
expect 0 receive q --json --delete
out_has '"color":\{"DataType":"String","StringValue":"red"\}'
out_has '"n":\{"DataType":"Number","StringValue":"-12.5e3"\}'
out_has '"raw":\{"DataType":"Binary","BinaryValue":"AAECAw=="\}'
out_has '"doc":\{"DataType":"String.json","StringValue":"\{\\"a\\":\\"b:c=d\\"\}"\}'

it 'carry a tracing context beside ten attributes'
trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
expect 0 send q traced --quiet --trace $trace --attribute a=String:1 --attribute b=String:1 --attribute c=String:1 \
	--attribute d=String:1 --attribute e=String:1 --attribute f=String:1 --attribute g=String:1 \
	--attribute h=String:1 --attribute i=String:1 --attribute j=String:1
expect 0 peek q --json
json_is AWSTraceHeader $trace
expect 0 receive q --json --delete
json_is AWSTraceHeader $trace
out_has '"j":'
printf 'a\nb\n' | "$ringlease" send q --lines - --quiet --trace $trace || fault 'lines have no trace'
expect 0 receive q --json --delete --max 2
[ "$(grep -c "\"AWSTraceHeader\":\"$trace\"" "$work/out")" -eq 2 ] || fault 'lines lost their trace'

it 'refuse what is no tracing context'
long=$(printf '%01024d' 0)
expect 0 send q longest --quiet --trace "$long"
expect 0 receive q --delete
for bad in '' "$(printf '\377')" "${long}0"; do
	expect 2 send q body --trace "$bad"
	err_has 'send: --trace: not a tracing context \(1 to 1024 bytes of UTF-8\)$'
	printf 'a\n' | "$ringlease" send q --lines - --trace "$bad" 2>"$work/err"
	[ $? -eq 2 ] || fault 'lines with no context were sent'
	err_has 'line 1: not a tracing context'
done
expect 3 receive q

it 'give system attributes as strings'
expect 0 send q body --quiet
expect 0 receive q --json --delete
json_is ApproximateReceiveCount 1
json_is SenderId "$(id -u)"
out_has '"SentTimestamp":"1[0-9]{12}"'
out_has '"ApproximateFirstReceiveTimestamp":"1[0-9]{12}"'
out_has '"MessageAttributes":\{\}'

it 'refuse malformed attributes'
for bad in color color=red =String:red color=Text:red color=String 'raw=Binary:AAA' 'raw=Binary:A===' 'raw=Binary:AB==' \
	'bad name=String:x' 'n=Number:twelve' 'color=String.:x' 'color=String:'; do
	expect 2 send q body --attribute "$bad"
done
expect 2 send q body --attribute a=String:1 --attribute a=String:2
expect 2 send q body --attribute a=String:1 --attribute b=String:1 --attribute c=String:1 --attribute d=String:1 \
	--attribute e=String:1 --attribute f=String:1 --attribute g=String:1 --attribute h=String:1 \
	--attribute i=String:1 --attribute j=String:1 --attribute k=String:1
expect 3 receive q

it 'refuse bad options of receive and send'
expect 2 receive q --max 0
expect 2 receive q --max many
expect 2 receive q --wait soon
expect 2 receive q --visibility-timeout 13h
expect 2 receive q --receipts --json
expect 2 send q body --delay 15d

it 'answer 4 when the queue is full, and wait for room if asked'
expect 0 create small --capacity 2
expect 0 send small one --quiet
expect 0 send small two --quiet
expect 4 send small three
err_has 'queue is full: small'
expect 4 send small three --wait 50ms
"$ringlease" send small three --wait 60s --quiet &
children=$!
expect 0 receive small --delete
wait $children || fault 'the waiting send failed'
children=
expect 0 receive small --delete --max 5
out_is 'two
three
'

finish
