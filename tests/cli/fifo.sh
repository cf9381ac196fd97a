#!/bin/sh
# FIFO queues from the shell: order, ids, attributes, and what a message there needs.
. "$(dirname "$0")/common.inc"

it 'make FIFO queues, and say what they are'
expect 0 create dead.fifo --type fifo
out_has '^created dead\.fifo: fifo, durability memory, .*content-dedup false, dedup-scope queue, dedup-window 5m, dedup-max 1048576$'
expect 0 create q.fifo --type fifo --dlq dead.fifo --max-receives 2 --dedup-max 1000 --dedup-window 10m \
	--dedup-scope messageGroup
expect 0 create made.fifo --type fifo --content-dedup --json
json_is Type fifo
json_is FifoQueue true
json_is ContentBasedDeduplication true

it 'accept the same attributes again, and refuse others'
expect 0 create made.fifo --type fifo --content-dedup
expect 1 create made.fifo --type fifo
err_has 'content-dedup is true, not false'
expect 1 create made.fifo --type fifo --content-dedup --dedup-max 5 --dedup-scope messageGroup
err_has 'dedup-scope is queue, not messageGroup, dedup-max is 1048576, not 5'

it "use SQS's names in stat --json, on FIFO queues only"
expect 0 stat q.fifo --json
json_is Type fifo
json_is FifoQueue true
json_is ContentBasedDeduplication false
json_is DeduplicationScope messageGroup
json_is FifoThroughputLimit perMessageGroupId
json_is DeduplicationWindow 600
json_is DeduplicationWindowMs 600000
json_is MaximumDeduplicationIds 1000
expect 0 stat made.fifo --json
json_is DeduplicationScope queue
json_is FifoThroughputLimit perQueue
expect 0 create plain
expect 0 stat plain --json
json_is Type standard
out_lacks 'Fifo|Dedup'

it 'show them to people'
expect 0 stat q.fifo
out_has '^  type +fifo$'
out_has '^  deduplication +by id, in each group, for 10m, of 1000 ids at most$'
expect 0 stat made.fifo
out_has '^  deduplication +by id, or else by body, in all of the queue, for 5m, of 1048576 ids at most$'

it 'change what can be changed, by either name'
expect 0 set made.fifo DeduplicationScope=messageGroup ContentBasedDeduplication=False dedup-window=1h
out_has 'content-dedup false, dedup-scope messageGroup, dedup-window 1h'
expect 0 set made.fifo dedup-scope=queue content-dedup=true
expect 0 stat made.fifo --json
json_is DeduplicationScope queue
json_is ContentBasedDeduplication true
json_is DeduplicationWindow 3600
expect 2 set made.fifo dedup-window=1ms
expect 2 set made.fifo dlq=plain max-receives=2
err_has 'made\.fifo is a FIFO queue, and so must its dead-letter queue be: not plain'
expect 2 set plain dlq=dead.fifo max-receives=2
err_has 'plain is a standard queue, and so must its dead-letter queue be: not dead\.fifo'

it 'need a group'
expect 2 send q.fifo body --dedup-id d
err_has '^ringlease: send: no group for a message to FIFO queue: q\.fifo \(send --group G\)$'
expect 2 send q.fifo body --dedup-id d --group 'a b'
err_has 'send: --group: not a group: a b '

it 'need a deduplication id, unless it is made of the body'
expect 2 send q.fifo body --group g
err_has 'no deduplication id for a message to FIFO queue: q\.fifo \(send --dedup-id ID; '
printf 'line\n' >"$work/lines"
expect 2 send q.fifo --lines "$work/lines" --group g
err_has 'q\.fifo: line 1: a message to this FIFO queue needs a deduplication id'
for bad in '' 'a b' "$(printf '%0129d' 0)"; do
	expect 2 send q.fifo body --group g --dedup-id "$bad"
	err_has 'send: --dedup-id: not a deduplication id: '
done

it 'have no delay of its own'
expect 2 send q.fifo body --group g --dedup-id d --delay 1
err_has 'a message has no delay of its own in FIFO queue: q\.fifo '
expect 3 peek q.fifo

it 'number what is sent, as SQS does'
expect 0 send q.fifo one --group g --dedup-id 1 --json
lines_are 1
first=$(json SequenceNumber)
[ ${#first} -eq 20 ] || fault "$first has not 20 digits"
id=$(json MessageId)
out_lacks Duplicate
expect 0 send q.fifo two --group g --dedup-id 2 --json
second=$(json SequenceNumber)
[ "$(printf '%s\n' "$second" "$first" | sort | head -n 1)" = "$first" ] && [ "$first" != "$second" ] ||
	fault "$second is not after $first"
expect 0 peek q.fifo --json
json_is MessageId "$id"
json_is SequenceNumber "$first"
json_is MessageGroupId g
json_is MessageDeduplicationId 1

it 'receive a group in order, and nothing behind what is in flight'
expect 0 send q.fifo other --group h --dedup-id 3 --quiet
expect 0 receive q.fifo --json
json_is Body one
json_is SequenceNumber "$first"
json_is MessageGroupId g
json_is MessageDeduplicationId 1
receipt=$(json ReceiptHandle)
expect 0 receive q.fifo --max 5 --delete
line_is other
expect 3 receive q.fifo
expect 0 delete q.fifo "$receipt"
expect 0 receive q.fifo --delete
line_is two

it 'send lines as messages of a group, in order'
seq 500 >"$work/lines"
expect 0 send made.fifo --lines "$work/lines" --group g
lines_are 500
expect 0 receive made.fifo --max 500 --delete
cmp -s "$work/lines" "$work/out" || fault 'the lines are not in order'

it 'make the deduplication id of the body'
expect 0 send made.fifo abc --group g --quiet
expect 0 receive made.fifo --json --delete
json_is MessageDeduplicationId ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad

it 'refuse a delete when the lease is over'
expect 0 send q.fifo late --group g --dedup-id 4 --quiet
expect 0 receive q.fifo --receipts --visibility-timeout 0
expect 5 delete q.fifo "$(cut -f1 "$work/out")"
expect 0 receive q.fifo --delete
line_is late

it 'keep the ids in the dead-letter queue and on the way back'
expect 0 send q.fifo poison --group g --dedup-id 5 --quiet
expect 0 send q.fifo next --group g --dedup-id 6 --quiet
for time in 1 2; do
	expect 0 receive q.fifo --visibility-timeout 0
	line_is poison
done
expect 0 receive q.fifo --delete
line_is next
expect 0 peek dead.fifo --json
json_is Body poison
json_is MessageGroupId g
json_is MessageDeduplicationId 5
expect 2 redrive dead.fifo --to plain
expect 0 redrive dead.fifo
expect 0 receive q.fifo --json --delete
json_is Body poison
json_is MessageGroupId g
json_is MessageDeduplicationId 5

it 'answer a duplicate as the first one, also when that is gone, and send nothing'
expect 0 create dup.fifo --type fifo
expect 0 send dup.fifo first --group g --dedup-id d --json
id=$(json MessageId) number=$(json SequenceNumber)
expect 0 send dup.fifo second --group h --dedup-id d --json
json_is MessageId "$id"
json_is SequenceNumber "$number"
json_is Duplicate true
expect 0 receive dup.fifo --max 5 --delete
line_is first
expect 0 send dup.fifo third --group g --dedup-id d
line_is "$id"
expect 3 receive dup.fifo

it 'count an id in its group if told so'
expect 0 set dup.fifo dedup-scope=messageGroup
for group in a b b; do
	expect 0 send dup.fifo "$group" --group $group --dedup-id e --quiet
done
expect 0 receive dup.fifo --max 5 --delete
out_is 'a
b
'

it 'drop lines that come twice, by their content'
printf 'a\nb\na\n' >"$work/lines"
expect 0 set dup.fifo content-dedup=true
expect 0 send dup.fifo --lines "$work/lines" --group g --json
lines_are 3
[ "$(grep -c '"Duplicate":true' "$work/out")" -eq 1 ] || fault 'not one of them is a duplicate'
expect 0 receive dup.fifo --max 5 --delete
out_is 'a
b
'

it 'forget all ids with a purge'
expect 0 purge dup.fifo
expect 0 send dup.fifo a --group g --json
out_lacks Duplicate

it 'forget none before its time: what is one too many is refused'
expect 0 create small.fifo --type fifo --dedup-max 3
for number in 1 2 3; do
	expect 0 send small.fifo $number --group g --dedup-id $number --quiet
done
expect 4 send small.fifo 4 --group g --dedup-id 4
err_has 'no room for another deduplication id in queue: small\.fifo '
expect 0 receive small.fifo --max 5 --delete
lines_are 3

it 'take new ones after a purge, however often'
expect 0 create often.fifo --type fifo --dedup-max 300
for time in 1 2 3 4 5 6; do
	seq 1 300 >"$work/lines"
	expect 0 set often.fifo content-dedup=true
	expect 0 send often.fifo --lines "$work/lines" --group g --quiet
	expect 4 send often.fifo more --group g
	expect 0 purge often.fifo
done

it 'show its groups and the ids it remembers'
expect 0 create shown.fifo --type fifo --dedup-max 500
for group in a b c; do
	expect 0 send shown.fifo x --group $group --dedup-id $group-1 --quiet
	expect 0 send shown.fifo x --group $group --dedup-id $group-2 --quiet
done
stat_is shown.fifo ApproximateNumberOfGroups 3
stat_is shown.fifo ApproximateNumberOfDeduplicationIds 6
expect 0 stat shown.fifo
out_has '^  groups              about 3 with messages$'
out_has '^  ids remembered      about 6 of 500$'
expect 0 receive shown.fifo --max 2 --delete
stat_is shown.fifo ApproximateNumberOfGroups 2
stat_is shown.fifo ApproximateNumberOfDeduplicationIds 6
expect 0 purge shown.fifo
stat_is shown.fifo ApproximateNumberOfGroups 0
stat_is shown.fifo ApproximateNumberOfDeduplicationIds 0

it 'show the tenants of a fair queue'
expect 0 create fair
expect 0 stat fair
out_lacks tenants
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
	expect 0 send fair x --group loud --quiet
done
expect 0 send fair x --group calm --quiet
expect 0 send fair x --quiet
stat_is fair ApproximateNumberOfTenants 2
stat_is fair ApproximateNumberOfNoisyTenants 1
expect 0 stat fair
out_has '^  tenants             about 2 with messages, 1 of them far more than the others$'

it 'refuse what is no attempt id'
expect 2 receive q.fifo --attempt-id 'a b'
err_has '^ringlease: receive: --attempt-id: not an attempt id: a b '
expect 3 receive q.fifo --attempt-id a

it 'be sound'
expect 0 verify

finish
