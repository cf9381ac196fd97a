#!/bin/sh
# What belongs to FIFO queues: where it is not allowed, and what it must look like.
. "$(dirname "$0")/common.inc"

expect 0 create plain

it 'have .fifo at the end of the names of FIFO queues, and of no others'
expect 2 create q.fifo
err_has '^ringlease: create: only names of FIFO queues end in \.fifo: q\.fifo \(create it with --type fifo\)$'
expect 2 create q.fifo --type standard
expect 2 create q --type fifo
err_has 'names of FIFO queues end in \.fifo: q '
for name in .fifo a.fifo.fifo a.b.fifo a.fif; do
	expect 2 create "$name" --type fifo
done
expect 6 stat q.fifo
expect 6 send q.fifo body

it 'count the suffix'
long=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhh.fifo
expect 2 stat "$long"
err_has 'not a queue name: '
expect 6 stat "${long#a}"

it 'refuse what only FIFO queues have on a standard one, at creation and later'
for option in --content-dedup --dedup-scope=messageGroup --dedup-window=1m --dedup-max=5; do
	expect 2 create other $option
	err_has "^ringlease: create: ${option%%=*} is for FIFO queues: this one is standard \(--type fifo\)\$"
done
for change in content-dedup=true ContentBasedDeduplication=true dedup-scope=messageGroup \
	DeduplicationScope=messageGroup dedup-window=1m; do
	expect 2 set plain $change
	err_has ' is for FIFO queues: this one is standard$'
done
expect 6 stat other

it 'refuse values that are none'
for bad in --type=queue --type= --dedup-scope=group --dedup-scope= --dedup-window=999ms --dedup-window=25h \
	--dedup-window=soon --dedup-max=0 --dedup-max=8388609 --dedup-max=many --content-dedup=true; do
	expect 2 create other.fifo --type fifo "$bad"
done
expect 2 set plain content-dedup=yes
err_has 'neither true nor false: yes'
expect 2 set plain dedup-scope=group
err_has 'not a scope: group'

it 'fix the type and the number of ids at creation'
for change in FifoQueue=true FifoQueue=false type=fifo dedup-max=5; do
	expect 2 set plain $change
	err_has 'fixed when the queue is created'
done

it 'have no dead-letter queue of the other type'
expect 2 create other.fifo --type fifo --dlq plain --max-receives 2
err_has 'other\.fifo is a FIFO queue, and so must its dead-letter queue be: not plain'
expect 6 create other.fifo --type fifo --dlq nowhere.fifo --max-receives 2
expect 2 create other --dlq a.b --max-receives 2
err_has '^ringlease: create: --dlq: not a queue name: a\.b '

it 'send no deduplication id to a standard queue'
expect 2 send plain body --dedup-id d
err_has '^ringlease: send: --dedup-id is for FIFO queues: plain is standard$'
expect 2 send plain body --dedup-id d --group g
expect 3 peek plain

it 'keep a group with a message of a standard queue'
expect 0 send plain body --group tenant-7 --json
out_lacks SequenceNumber
expect 0 peek plain --json
out_has '"MessageGroupId":"tenant-7"'
printf 'a\nb\n' | "$ringlease" send plain --lines - --group tenant-8 --quiet || fault 'lines have no group'
expect 0 receive plain --json --max 3 --delete
out_lacks MessageDeduplicationId
[ "$(grep -c '"MessageGroupId":"tenant-8"' "$work/out")" -eq 2 ] || fault 'lines lost their group'

it 'refuse what is no group'
long=$(printf '%0128d' 0)
expect 0 send plain body --group "$long"
for bad in '' ' ' 'a b' "$(printf 'a\tb')" 'grün' "${long}0"; do
	expect 2 send plain body --group "$bad"
	err_has 'send: --group: not a group: .*1 to 128 ASCII letters'
done
printf 'a\n' | "$ringlease" send plain --lines - --group 'a b' 2>"$work/err"
[ $? -eq 2 ] || fault 'lines of no group were sent'

it 'name one message by a deduplication id, and one receive by an attempt id'
printf 'a\nb\n' >"$work/lines"
expect 2 send plain --lines "$work/lines" --dedup-id d
err_has 'with --lines all but the first would be its duplicates'
expect 2 receive plain --attempt-id a
err_has '^ringlease: receive: --attempt-id is for FIFO queues: plain is standard$'
expect 2 receive plain --attempt-id a --follow
expect 2 receive plain --attempt-id a --max 65

it 'redrive to a queue of the same type only'
expect 2 redrive plain --to q.fifo
err_has 'plain and where its messages go must be both standard or both FIFO: not q\.fifo'

finish
