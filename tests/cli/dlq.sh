#!/bin/sh
# The way to the dead-letter queue and back.
. "$(dirname "$0")/common.inc"
"$ringlease" create dead >/dev/null || exit 1
"$ringlease" create q --dlq dead --max-receives 2 --overdue 100ms >/dev/null || exit 1

# poison BODY: sends a message and lets it be received until it is in the DLQ.
poison() {
	"$ringlease" send q "$1" --quiet --attribute kind=String:poison
	expect 0 receive q --visibility-timeout 0 --wait 10s
	expect 0 receive q --visibility-timeout 0 --wait 10s
	# The receive that would hand it out once more moves it.
	expect 3 receive q
}

it 'move a message that was received too often'
poison bad
expect 0 stat q --json
json_is NumberOfMessagesMovedToDlq 1
json_is ApproximateNumberOfMessages 0
expect 0 peek dead
line_is bad

it 'keep what the message is, and note where it came from'
expect 0 peek dead --json
json_is DeadLetterQueueSource q
json_is ApproximateReceiveCount 2
out_has '"DeadLetterReason":"[^"]+"'
out_has '"kind":\{"DataType":"String","StringValue":"poison"\}'

it 'redrive to where it came from'
expect 0 redrive dead
line_is 'moved 1 message out of dead'
expect 3 peek dead
expect 0 receive q --delete
line_is bad

it 'redrive to another queue, and not more than asked'
poison one
poison two
poison three
expect 0 create elsewhere
expect 0 redrive dead --to elsewhere --max 2 --json
json_is Moved 2
stat_is elsewhere ApproximateNumberOfMessages 2
stat_is dead ApproximateNumberOfMessages 1
expect 0 redrive dead --to elsewhere
expect 0 redrive dead --to elsewhere
line_is 'moved 0 messages out of dead'

it 'name a target that is not there'
poison bad
expect 6 redrive dead --to nowhere
err_has 'no such queue: nowhere'
expect 2 redrive dead --max 0
stat_is dead ApproximateNumberOfMessages 1

it 'say what to do with a message that came from nowhere'
expect 0 send elsewhere stranger --quiet
expect 1 redrive elsewhere
err_has '--to QUEUE'

it 'show the depth of both in ls'
expect 0 ls
out_has '^q +0 +0 +0 +dead$'
out_has '^dead +1 '

finish
