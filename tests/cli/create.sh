#!/bin/sh
# create, set, ls, stat, rm: queues and their attributes.
. "$(dirname "$0")/common.inc"

it 'say what it made in one line, the durability among it'
expect 0 create orders
lines_are 1
out_has '^created orders: .*durability memory.*visibility-timeout 30s.*retention 4d'

it 'accept the same attributes again'
expect 0 create orders
out_has '^exists orders: '

it 'refuse other attributes and name the difference'
expect 1 create orders --visibility-timeout 45s
err_has 'exists with other attributes: orders: visibility-timeout is 30s, not 45s'

it 'take every attribute'
expect 0 create dead
expect 0 create full --type standard --durability memory --capacity 1000 --visibility-timeout 500ms \
	--delay 1m --retention 1h30m --wait 5 --max-message-bytes 4096 --dlq dead --max-receives 7 \
	--overdue 10s --mode 0660 --group-owner "$(id -g)" --numa local
expect 0 stat full --json
json_is Capacity 1000
json_is VisibilityTimeoutMs 500
json_is VisibilityTimeout 1
json_is DelaySeconds 60
json_is MessageRetentionPeriod 5400
json_is ReceiveMessageWaitTimeSeconds 5
json_is MaximumMessageSize 4096
json_is DeadLetterOverdueMs 10000
json_is Mode 0660
out_has '"RedrivePolicy":\{"deadLetterTargetQueue":"dead","maxReceiveCount":7\}'

it 'answer create --json with an object'
expect 0 create object --json
lines_are 1
json_is QueueName object
json_is Created true
json_is Durability memory
expect 0 create object --json
json_is Created false

it 'refuse what is no queue name'
for name in '' 'a b' 'a/b' '..' "$(printf 'a\nb')" 'fünf' \
	aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhi; do
	"$ringlease" create "$name" >"$work/out" 2>"$work/err"
	[ $? -eq 2 ] || fault "took \"$name\""
done

it 'refuse values that are no values'
for bad in '--visibility-timeout=13h' '--visibility-timeout=soon' '--visibility-timeout=-1' '--visibility-timeout=' \
	'--retention=59s' '--retention=15d' '--wait=21s' '--capacity=0' '--capacity=-1' '--capacity=99999999999999999999' \
	'--max-message-bytes=0' '--max-message-bytes=67108865' '--mode=999' '--mode=77777' '--mode=0440' '--numa=here' \
	'--group-owner=no-such-group-here' '--type=queue' '--durability=forever' '--max-receives=1001' '--delay=1h30' \
	'--overdue=99999999999999999d' '--json=yes' '--capac=5' '--no-such' '-x'; do
	expect 2 create bad "$bad"
done
expect 2 create bad --dlq dead
err_has 'max-receives'
expect 2 create bad --max-receives 3
err_has 'dlq'

it 'leave no queue behind a refusal'
expect 6 stat bad

it 'name a dead-letter queue that does not exist'
expect 6 create bad --dlq nowhere --max-receives 3
err_has 'no such dead-letter queue: nowhere'

it 'say what to start for a durable queue'
for durability in sync async; do
	expect 1 create later --durability $durability
	err_has 'start ringleased'
done
expect 6 stat later

it 'list queues with their depth'
expect 0 send orders hello --quiet
expect 0 ls
out_has '^QUEUE +VISIBLE +IN-FLIGHT +DELAYED +DLQ$'
out_has '^orders +1 +0 +0 +-$'
out_has '^full +0 +0 +0 +dead$'
expect 0 ls ord
lines_are 2
expect 0 ls ord --json
lines_are 1
json_is QueueName orders
json_is ApproximateNumberOfMessages 1
expect 0 ls zzz --json
lines_are 0

it 'list an empty directory'
RINGLEASE_DIR=$work/none expect 0 ls
lines_are 1

it 'show a queue to people'
expect 0 stat orders
out_has '^orders$'
out_has '^  visible +1$'
out_has '^  durability +memory'
out_has '^  placement +asked for local, the kernel says (local|unknown), found on '
out_has '^  engine +none'

it 'show all queues'
expect 0 stat
out_has '^dead$'
out_has '^orders$'
expect 0 stat --json
lines_are 4

it "use SQS's names in stat --json"
expect 0 stat orders --json
for key in QueueName ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible \
	ApproximateNumberOfMessagesDelayed CreatedTimestamp LastModifiedTimestamp VisibilityTimeout DelaySeconds \
	MessageRetentionPeriod ReceiveMessageWaitTimeSeconds MaximumMessageSize NumberOfMessagesSent Type \
	NumberOfMessagesReceived NumberOfMessagesDeleted NumberOfMessagesRedelivered NumberOfMessagesMovedToDlq \
	NumberOfMessagesExpired MemoryBytes Slots Rings Placed PlacementPolicy Engine Durability; do
	out_has "\"$key\":"
done
json_is NumberOfMessagesSent 1

it 'change attributes by either name'
expect 0 set orders visibility-timeout=45s DelaySeconds=2 MaximumMessageSize=2048
out_has 'visibility-timeout 45s, delay 2s'
expect 0 stat orders --json
json_is VisibilityTimeout 45
json_is DelaySeconds 2
json_is MaximumMessageSize 2048
json_is MessageRetentionPeriod 345600

it 'answer set --json with an object of what is now'
expect 0 set orders DelaySeconds=3 --json
lines_are 1
json_is QueueName orders
json_is DelaySeconds 3
json_is VisibilityTimeoutMs 45000
expect 0 set orders DelaySeconds=2

it 'set and take off a dead-letter queue'
expect 0 set orders dlq=dead max-receives=3
expect 0 stat orders
out_has '^  DLQ +dead after 3 receives'
expect 0 set orders dlq=
expect 0 stat orders
out_has '^  DLQ +none$'
expect 0 set orders 'RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:dead","maxReceiveCount":"4"}'
expect 0 stat orders
out_has '^  DLQ +dead after 4 receives'
expect 0 set orders RedrivePolicy=
expect 2 set orders 'RedrivePolicy={"maxReceiveCount":4}'
expect 6 set orders dlq=nowhere max-receives=2
expect 0 stat orders
out_has '^  DLQ +none$'

it 'change nothing when one of several is refused'
expect 2 set orders visibility-timeout=10s delay=99d
expect 2 set orders visibility-timeout=10s color=red
expect 2 set orders capacity=5
err_has 'fixed'
expect 2 set orders visibility-timeout
expect 0 stat orders --json
json_is VisibilityTimeout 45

it 'remove queues, and say which are not there'
expect 0 rm object full
out_is 'removed object
removed full
'
expect 6 rm object
err_has '^ringlease: rm: no such queue: object \(ringlease ls shows them\)$'
expect 6 rm nowhere dead
line_is 'removed dead'

it 'answer rm --json with an object for each'
expect 0 create going
expect 0 create gone
expect 0 rm going gone --json
out_is '{"QueueName":"going","Removed":true}
{"QueueName":"gone","Removed":true}
'
expect 6 rm gone --json

it 'answer 6 for a queue that is not there, whatever the verb'
for verb in send receive peek stat purge redrive verify; do
	expect 6 $verb nowhere </dev/null
done
expect 6 set nowhere delay=1

it 'answer 2 for missing and surplus arguments'
for verb in create send receive delete extend release peek set purge redrive rm; do
	expect 2 $verb
done
expect 2 create a b
expect 2 purge a b
expect 2 stat a b
expect 2 top a
expect 2 no-such-verb
expect 2
expect 2 create orders --dir

it 'take the directory from --dir, before or after the verb'
expect 0 create here --dir "$work/other"
expect 0 --dir "$work/other" ls --json
json_is QueueName here
expect 0 ls "--dir=$work/other" --data "$work/data" --json
json_is QueueName here

it 'say so when the directory cannot be used'
: >"$work/file"
expect 1 ls --dir "$work/file"
err_has 'cannot open the directory'
expect 1 ls --dir "$work/file/below"

it 'warn of a directory that is not on tmpfs, and work'
disk=${TMPDIR:-/tmp}
if [ "$(stat -f -c %T "$disk")" != tmpfs ]; then
	away=$(mktemp -d "$disk/ringlease-cli.XXXXXX")
	expect 0 create slow --dir "$away"
	err_has 'not on tmpfs'
	rm -rf "$away"
fi

finish
