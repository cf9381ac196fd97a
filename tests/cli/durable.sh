#!/bin/sh
# Durable queues as a user sees them: a kill of the engine, and a reboot (the directory of queues is gone), lose
# nothing that was acknowledged.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
data=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
served=$data
trap 'clean_up; rm -rf "$data"' EXIT

it 'say which durability a queue has'
start
expect 0 create orders --durability sync
out_has '^created orders: .*durability sync'
expect 0 create orders --durability sync
out_has '^exists orders'
expect 1 create orders
err_has 'other attributes'
expect 0 stat orders
out_has '^  durability +sync'
expect 0 stat orders --json
json_is Durability sync

it 'refuse a dead-letter queue that survives less, and a limit of a journal that a queue has not'
expect 0 create mortal
expect 2 create immortal --durability sync --dlq mortal --max-receives 2
err_has 'mortal has durability memory: the dead-letter queue of one that has sync must survive as much'
expect 2 set orders dlq=mortal max-receives=2
err_has 'must survive as much'
expect 2 create small --max-journal-bytes 1000
err_has 'max-journal-bytes is for durable queues'
expect 6 stat immortal

it 'send, receive and delete as ever'
expect 0 send orders one --quiet
expect 0 receive orders --delete
line_is one
expect 3 receive orders

it 'have after a reboot what was sent before it'
expect 0 send orders two --quiet --attribute kind=String:large
seq 1 500 | sed 's/$/ of five hundred, and a body that is too long for the slot itself to hold it/' >"$work/lines"
expect 0 send orders --lines "$work/lines" --quiet
reboot
expect 0 stat orders --json
json_is ApproximateNumberOfMessages 501
expect 0 receive orders --json --delete
json_is Body two
out_has '"kind"'
expect 0 receive orders --max 1000 --delete
cmp -s "$work/lines" "$work/out" || fault 'not the lines that were sent'

it 'not bring back what was deleted'
reboot
expect 3 receive orders
stat_is orders ApproximateNumberOfMessages 0

it 'keep receive counts and delays'
expect 0 send orders counted --quiet
expect 0 receive orders --visibility-timeout 0
expect 0 receive orders --visibility-timeout 0
expect 0 send orders later --delay 1h --quiet
reboot
stat_is orders ApproximateNumberOfMessagesDelayed 1
expect 0 receive orders --json
json_is ApproximateReceiveCount 3
json_is Body counted

it 'refuse a receipt from before the reboot'
receipt=$(json ReceiptHandle)
reboot
expect 5 delete orders "$receipt"

it 'lose and double nothing when only the engine dies'
expect 0 purge orders
expect 0 send orders --lines "$work/lines" --quiet
kill_engine
expect 1 send orders refused
err_has 'start ringleased'
start
expect 0 stat orders --json
json_is ApproximateNumberOfMessages 500
expect 0 receive orders --max 1000 --delete
sort "$work/out" >"$work/sorted"
sort "$work/lines" | cmp -s - "$work/sorted" || fault 'not the lines that were sent'

it 'say so when the engine dies before it could acknowledge, and go on'
was=$("$ringlease" stat orders --json | sed -nE 's/.*"NumberOfMessagesSent":([0-9]+).*/\1/p')
has_sent_more() {
	"$ringlease" stat orders --json | grep -q "\"NumberOfMessagesSent\":$((was + 1)),"
}
# Its threads stop one by one, each when it is scheduled.
is_stopped() {
	! sed 's/.*) //' /proc/$daemon/task/*/stat | grep -qv '^T'
}
kill -STOP $daemon
await 60 is_stopped || fault 'the engine does not stop'
"$ringlease" send orders perhaps --quiet >"$work/sent" 2>"$work/err" &
sender=$!
children="$children $sender"
await 60 has_sent_more || fault 'the send does not wait'
kill_engine
wait $sender
[ $? -eq 1 ] || fault 'not exit 1'
err_has 'not known whether it is on the disk'
start
expect 0 receive orders --delete
line_is perhaps

it 'keep a queue away that was removed'
expect 0 rm orders
reboot
expect 6 stat orders

it 'bring back settings'
expect 0 create dead --durability sync
expect 0 create set --durability sync --visibility-timeout 45s --dlq dead --max-receives 2
expect 0 set set retention=1d
reboot
expect 0 stat set --json
json_is VisibilityTimeout 45
json_is MessageRetentionPeriod 86400

it 'have a moved message in one queue'
expect 0 send set twice --quiet
expect 0 receive set --visibility-timeout 0
expect 0 receive set --visibility-timeout 0
expect 3 receive set
stat_is dead ApproximateNumberOfMessages 1
expect 0 create barrier --durability sync # so all that was done before it is durable
reboot
stat_is dead ApproximateNumberOfMessages 1
stat_is set ApproximateNumberOfMessages 0

it 'lose of an async queue nothing that is older than what a sync queue has acknowledged'
expect 0 create loose --durability async
out_has 'durability async'
expect 0 send loose --lines "$work/lines" --quiet
expect 0 send set barrier --quiet
reboot
expect 0 receive loose --max 1000 --delete
cmp -s "$work/lines" "$work/out" || fault 'not the lines that were sent'
expect 0 send set barrier --quiet
reboot
stat_is loose ApproximateNumberOfMessages 0

it 'refuse a folder that another engine has, and name it'
RINGLEASE_DIR=$work/others "$ringleased" --data "$data" 2>"$work/err"
[ $? -eq 1 ] || fault 'not exit 1'
err_has "in use by another engine .process $daemon."

finish
