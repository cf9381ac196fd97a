#!/bin/sh
# The journal as who looks after it sees it: what it has, whether it is sound, and copies of it that lose nothing that
# was acknowledged.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
data=$disk/data
trap 'clean_up; rm -rf "$disk"' EXIT

# flip FILE OFFSET: another byte there
flip() {
	was=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\$(printf '%03o' $((was ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

it 'say where there is none'
expect 1 journal ls --data "$data"
err_has 'no such folder'
expect 1 journal verify --data "$data"
expect 1 backup "$disk/copy" --data "$data"
[ ! -e "$disk/copy" ] || fault 'a copy of nothing'
mkdir "$disk/empty"
expect 0 journal ls --data "$disk/empty"
out_has ': 0 files'
expect 0 journal verify --data "$disk/empty"
out_has 'no journal there yet'
expect 1 backup "$disk/copy" --data "$disk/empty"
err_has 'no journal there yet'
[ -z "$(ls "$disk" | grep -v empty)" ] || fault "left: $(ls "$disk")"

it 'refuse what is no verb, and options of another'
expect 2 journal
expect 2 journal lsd
expect 2 journal ls --queue orders --data "$disk/empty"
expect 2 restore "$disk/empty"
err_has '--data names a new folder'
expect 2 backup '' --data "$disk/empty"
err_has 'where to\?'
expect 1 restore "$disk/nowhere" --data "$disk/copy"
err_has 'no such folder: .*/nowhere .name that of a backup'
expect 1 restore "$disk/empty" --data "$disk/copy"
err_has 'no backup in .*/empty'
expect 1 restore '' --data "$disk/copy"
[ ! -e "$disk/copy" ] || fault 'a copy of nothing'

start --data "$data"
expect 0 create dead --durability sync
expect 0 create orders --durability sync --dlq dead --max-receives 1
expect 0 send orders first --quiet
expect 0 send orders 'a "quoted" body' --quiet --attribute kind=String:large --delay 1h
seq 10 20 >"$work/lines"
expect 0 send orders --lines "$work/lines" --quiet
expect 0 receive orders --delete
line_is first

it 'list the files of one that is in use'
expect 0 journal ls --data "$data"
lines_are 3
out_has '^FILE +BYTES +TURNS +RECORDS +LIVE +LIVE-BYTES +FIRST +LAST +KEY$'
out_has '^journal-0000000001 +67108864 +[0-9]+ +[0-9]+ +12 +[0-9]+ +20[0-9]{2}-.*Z +20[0-9]{2}-.*Z +-$'
out_has ": 1 file, 64.0 MiB; 3 queues with 12 live messages, .*; last turn [0-9]+, 20[0-9]{2}-.*Z\$"
expect 0 journal ls --data "$data" --json
lines_are 2
json_is Queues 3
sed -i 1q "$work/out"
json_is File journal-0000000001
json_is LiveMessages 12

it 'print its records in order'
expect 0 journal dump --data "$data"
out_has '^journal-0000000001:4096 turn 1 20[^ ]* queue probe durability sync, '
out_has ' queue orders durability sync, .*dlq dead after 1 receives$'
out_has ' message orders 1 id=[0-9a-f-]+ sent=.* body=5 "first"$'
out_has ' message orders 2 .* due=.* attributes=[0-9]+ body=15 "a ."quoted." body"$'
out_has ' delete orders 1$'
grep -o 'body=2 "[0-9]*"' "$work/out" | tr -dc '0-9\n' | sed 's/^2//' | cmp -s - "$work/lines" || fault 'not the lines, in order'
expect 0 journal dump --data "$data" --queue dead
lines_are 1
out_has ' queue dead '

it 'name both ends of a move, and what was counted'
expect 0 receive orders --visibility-timeout 0
expect 0 receive orders --max 20
is_moved() {
	"$ringlease" receive orders >/dev/null
	"$ringlease" journal dump --data "$data" --queue dead | grep -q ' message dead '
}
await 60 is_moved || fault 'nothing was moved'
expect 0 journal dump --data "$data"
out_has ' message dead [0-9]+ .*receives=1 .*"10"$'

it 'print records as JSON'
expect 0 journal dump --data "$data" --json --queue orders
grep '"Kind":"message"' "$work/out" | sed -n 2p >"$work/second"
mv "$work/second" "$work/out"
json_is QueueName orders
json_is Number 2
json_is ApproximateReceiveCount 0
out_has '"Body":"a \\"quoted\\" body"'
out_has '"DueTimestamp":1[0-9]{12}'

it 'find a sound one sound, in use and afterwards'
expect 0 journal verify --data "$data"
out_has ': sound: [0-9]+ turns, [0-9]+ records; last turn '
expect 0 journal verify --data "$data" --json
json_is Sound true
json_is FaultCount 0
kill_engine
expect 0 journal verify --data "$data"
out_has ': sound: '

it 'change nothing'
before=$(cd "$data" && cksum journal-*)
expect 0 journal ls --data "$data"
expect 0 journal dump --data "$data"
expect 0 journal verify --data "$data"
expect 0 backup "$disk/copy" --data "$data"
[ "$before" = "$(cd "$data" && cksum journal-*)" ] || fault 'files have changed'

it 'copy it, and say up to where and how long that took'
out_has "^backed up $data to $disk/copy: 3 queues, [0-9]+ live messages; 1 file, "
out_has '^point: turn [0-9]+, 20.*Z; took [0-9]+\.[0-9]{3} s; verified$'
"$ringlease" journal dump --data "$data" >"$work/want"
expect 0 journal dump --data "$disk/copy"
cmp -s "$work/want" "$work/out" || fault 'not the same records'
expect 0 backup "$disk/another" --data "$data" --json
json_is Sound true
json_is Queues 3

it 'copy what ringlease-sqs keeps beside it, and neither what is half-way nor what was put aside'
mkdir "$data/sqs"
echo '{"tags":{"team":"red"}}' >"$data/sqs/orders.json"
echo '{}' >"$data/sqs/dead.json"
echo half >"$data/sqs/orders.json.new"
echo damaged >"$data/sqs/dead.json.damaged"
expect 0 backup "$disk/noted" --data "$data"
out_has '; 2 files of SQS tags and policies$'
expect 0 journal verify --data "$disk/noted"
out_has ': sound: '
expect 0 journal ls --data "$disk/noted"
expect 0 restore "$disk/noted" --data "$disk/again" --json
json_is Notes 2
json_is Sound true
[ "$(ls "$disk/again/sqs" | tr '\n' ' ')" = 'dead.json orders.json ' ] || fault "there is $(ls "$disk/again/sqs")"
cmp -s "$data/sqs/orders.json" "$disk/again/sqs/orders.json" || fault 'not what it was'
expect 1 restore "$disk/noted" --data "$disk/again"
err_has 'there is something in'

it 'copy nothing while one of them cannot be copied, and name it'
refuses() {
	expect 1 backup "$disk/none" --data "$data"
	err_has "$data/$1: .*plain file"
	rm -r "${data:?}/$1"
	ls "$disk" | grep -q none && fault "left: $(ls "$disk")"
}
ln -s /etc/passwd "$data/sqs/linked.json"
refuses sqs/linked.json
mkdir "$data/sqs/folder.json"
refuses sqs/folder.json
head -c 1048577 /dev/zero >"$data/sqs/huge.json"
refuses sqs/huge.json
mv "$data/sqs" "$disk/elsewhere"
ln -s "$disk/elsewhere" "$data/sqs"
refuses sqs
if [ "$(id -u)" -ne 0 ]; then
	mkdir "$data/sqs"
	: >"$data/sqs/orders.json"
	chmod 0 "$data/sqs/orders.json"
	expect 1 backup "$disk/none" --data "$data"
	err_has "$data/sqs/orders.json to .*: Permission denied"
	rm -rf "$data/sqs"
fi

it 'copy to no folder in which there is something'
expect 1 backup "$disk/copy" --data "$data"
err_has 'there is something in'
expect 1 restore "$disk/copy" --data "$data"
err_has 'there is something in'
mkdir "$disk/vacant"
expect 0 backup "$disk/vacant/" --data "$data"
[ -z "$(ls "$disk" | grep '\.')" ] || fault "left: $(ls "$disk")"

it 'name file and offset of a byte that is wrong'
"$ringlease" journal dump --data "$disk/copy" --queue orders >"$work/records"
offset=$(sed -nE 's/^journal-0000000001:([0-9]+) .* message orders 1 .*/\1/p' "$work/records")
cp -r "$disk/copy" "$disk/flipped"
flip "$disk/flipped/journal-0000000001" $((offset + 100))
expect 1 journal verify --data "$disk/flipped"
out_has "^$disk/flipped/journal-0000000001: at byte $offset, [0-9]+ bytes: .*; frame [0-9]+ is lost\$"
out_has ': DAMAGED: 1 fault, 1 frame lost; '
expect 1 journal verify --data "$disk/flipped" --json
json_is Sound false
out_has "\"Faults\":\[\{\"File\":\"journal-0000000001\",\"Offset\":$offset,"
expect 1 journal dump --data "$disk/flipped"
out_lacks '"first"'
out_has '"20"'

it 'copy what is left of a damaged one, and say so'
expect 1 backup "$disk/rest" --data "$disk/flipped"
out_has "^$disk/rest/journal-0000000001: at byte $offset"
err_has 'is damaged'
expect 1 journal verify --data "$disk/rest"

it 'tell a torn end from damage'
size=$(stat -c %s "$disk/another/journal-0000000001")
flip "$disk/another/journal-0000000001" $((size - 4096 + 70))
expect 0 journal verify --data "$disk/another"
out_has "journal-0000000001: at byte $((size - 4096)): 4096 bytes of a turn that is not whole"
out_has ': sound: '

it 'refuse a file of another journal, and one that is none'
mkdir "$disk/alien"
echo hello >"$disk/alien/journal-0000000001"
for verb in ls dump verify; do
	expect 1 journal $verb --data "$disk/alien"
	err_has 'alien/journal-0000000001: no file of a journal'
done
expect 1 backup "$disk/none" --data "$disk/alien"
err_has 'alien/journal-0000000001: no file of a journal'
ls "$disk" | grep -q none && fault "left: $(ls "$disk")"

it 'look where the engine journals when nothing is said'
XDG_STATE_HOME=$disk/state # a small /dev/shm has no room for a journal
start
expect 0 journal verify
out_has "^$disk/state/ringlease/.*queues: sound: "
expect 0 journal ls
kill_engine
RINGLEASE_DATA=$disk/copy expect 0 journal verify
out_has "^$disk/copy: sound"

it 'say that it is not known when the engine is killed while a compaction is waited for'
rm -rf "$RINGLEASE_DIR"
start --data "$data"
kill -STOP $daemon
# A signal reaches each thread in its own time.
is_stopped() {
	[ -z "$(grep -L '^State:.T' /proc/$daemon/task/*/status)" ]
}
await 60 is_stopped || fault 'the engine is not stopped'
"$ringlease" journal compact >"$work/out" 2>"$work/err" &
compacting=$!
children="$children $compacting"
is_asleep() {
	[ "$(cat /proc/$compacting/comm 2>/dev/null)" = ringlease ] && file_has /proc/$compacting/status '^State:.S'
}
await 60 is_asleep || fault 'it does not wait'
kill_engine
wait $compacting
[ $? -eq 1 ] || fault 'not exit 1'
[ "$(wc -l <"$work/err")" -eq 1 ] || fault 'not one line on stderr'
err_has '^ringlease: .*cannot compact the journal: '
expect 1 journal compact
err_has 'no engine journals'

it 'have in a copy made while others send all that was acknowledged before, and restore it'
rm -rf "$RINGLEASE_DIR"
start --data "$data"
: >"$work/acknowledged"
(
	number=0
	while [ ! -e "$work/enough" ]; do
		number=$((number + 1))
		"$ringlease" send orders "line $number" --quiet && echo "line $number" >>"$work/acknowledged"
	done
) 2>"$work/errors" &
sender=$!
children="$children $sender"
has_sent() {
	[ "$(wc -l <"$work/acknowledged")" -ge "$1" ]
}
for round in 1 2 3; do
	await 60 has_sent $((round * 30)) || fault 'the sender does not send'
	cp "$work/acknowledged" "$work/before.$round"
	expect 0 backup "$disk/backup.$round" --data "$data"
	expect 0 journal verify --data "$data"
done
touch "$work/enough"
wait $sender
kill_engine
for round in 1 2 3; do
	expect 0 restore "$disk/backup.$round" --data "$disk/new/restored.$round"
	out_has '; verified$'
	RINGLEASE_DIR=$work/restored.$round
	start --data "$disk/new/restored.$round"
	expect 0 receive orders --max 10000
	grep '^line' "$work/out" | sort >"$work/restored"
	sort "$work/before.$round" | comm -23 - "$work/restored" >"$work/lost"
	[ -s "$work/lost" ] && fault "round $round has lost: $(head -3 "$work/lost")"
	sort "$work/acknowledged" >"$work/sent"
	# The one that was under way when the last round began may be there without an answer yet.
	[ "$(comm -13 "$work/sent" "$work/restored" | wc -l)" -le 1 ] || fault 'what was not sent'
	kill_engine
done

finish
