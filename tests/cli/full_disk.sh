#!/bin/sh
# A disk that is full, and limits that are reached, as a user sees them: sends say so, receives and deletes go on, and
# sends are taken again when there is room, without a new start. On a file system of our own of 40 MiB.
if [ "${FULL_DISK_INSIDE:-}" != yes ]; then
	unshare -Urm true 2>/dev/null || { echo 'skipped: no file system of our own can be mounted here'; exit 77; }
	FULL_DISK_INSIDE=yes exec unshare -Urm "$0" "$@"
fi
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=40m tmpfs "$disk" || { echo 'skipped: no tmpfs can be mounted here'; exit 77; }
trap 'umount -l "$disk"; clean_up' EXIT
data=$disk/journal
served=$data

# fill QUEUE: sends until one is refused, 500 times at most; how many were sent is in $sent
fill() {
	sent=0
	while [ $sent -lt 500 ] && "$ringlease" send "$1" --file "$work/body" --quiet 2>"$work/err"; do
		sent=$((sent + 1))
	done
	"$ringlease" send "$1" --file "$work/body" --quiet >"$work/out" 2>"$work/err"
	[ $? -eq 4 ] || fault 'not exit 4'
}

takes_sends() {
	"$ringlease" send "$1" again --quiet >"$work/out" 2>"$work/err"
}

head -c 100000 /dev/zero | tr '\0' x >"$work/body"
# Files of 4 MiB: the limit itself is more than the disk has.
start --journal-max 64M
expect 0 create orders --durability sync

it 'say that the disk is full, once it is'
fill orders
[ $sent -gt 100 ] || fault "full after $sent"
[ $sent -lt 400 ] || fault "not full after $sent"
err_has '^ringlease: send: no room in the journal for a message to queue: orders '
[ "$(wc -l <"$work/err")" -eq 1 ] || fault 'not one line'
grep -q 'full: No space left on device; sends are refused' "$work/log" || fault 'the log does not say so'
expect 0 stat orders
out_has '^  sends refused +the disk of the journal is full'
expect 0 stat orders --json
json_is ApproximateNumberOfMessages $sent
json_is NumberOfMessagesSent $sent

it 'wait for room when it is asked to'
"$ringlease" send orders waited --wait 60 --quiet 2>"$work/waited" &
waiter=$!
children="$children $waiter"

it 'receive and delete as ever, and have it on the disk'
expect 0 receive orders --max 60 --delete
[ "$(wc -c <"$work/out")" -ge 6000000 ] || fault 'too little was received'
wait $waiter || fault "the send that waits: $(cat "$work/waited")"
grep -q 'has room again' "$work/log" || fault 'the log does not say so'
rest=$((sent - 60 + 1))
reboot --journal-max 64M
stat_is orders ApproximateNumberOfMessages $rest

it 'take sends again by itself when there is room'
await 60 takes_sends orders || fault 'it does not'

it 'take sends again by itself when others make room'
expect 0 purge orders
head -c 20000000 /dev/zero >"$disk/others" 2>/dev/null
fill orders
rm "$disk/others"
await 60 takes_sends orders || fault 'it does not'
kill -0 $daemon || fault 'the engine has ended'

it 'be there with a full disk, and recover from it'
fill orders
expect 0 stat orders --json
before=$(json ApproximateNumberOfMessages)
cat /dev/zero >"$disk/others" 2>/dev/null
reboot --journal-max 64M
stat_is orders ApproximateNumberOfMessages $before
expect 4 send orders --file "$work/body"
expect 0 receive orders --max 100 --delete
reboot --journal-max 64M
stat_is orders ApproximateNumberOfMessages $((before - 100))
rm "$disk/others"

it 'keep to the limit of the journal'
kill_engine
rm -rf "$RINGLEASE_DIR" "$data"
start --journal-max 32M
expect 0 create orders --durability sync
fill orders
[ "$(du -sm "$data" | cut -f1)" -le 33 ] || fault "it takes $(du -sm "$data")"
grep -q 'full: as large as it may be' "$work/log" || fault 'the log does not say so'
expect 0 stat orders
out_has '^  sends refused +the journal, or what it has of this queue, is as large as it may be'
expect 0 purge orders
await 60 takes_sends orders || fault 'it takes no sends again'

it 'say what helps on a disk that is smaller than a file of the journal'
kill_engine
rm -rf "$RINGLEASE_DIR" "$data"
"$ringleased" --data "$data" 2>"$work/small" &
daemon=$!
children="$children $daemon"
cannot_write() {
	has_journal
	file_has "$work/small" 'cannot be written: No space left on device.*64 MiB.*--journal-max'
}
await 60 cannot_write || fault "the log does not say so: $(cat "$work/small")"
kill_engine
start --journal-max 32M
expect 0 create orders --durability sync
expect 0 send orders fits --quiet

it 'keep to the limit of a queue, and leave others alone'
expect 0 create small --durability sync --max-journal-bytes 1000000
out_has 'max-journal-bytes 1000000'
fill small
[ $sent -eq 9 ] || fault "$sent messages of 100 kB in 1 MB"
expect 0 send orders other --quiet
expect 0 receive small --delete
expect 0 send small --file "$work/body" --quiet
expect 0 set small max-journal-bytes=2000000
await 60 takes_sends small || fault 'it takes no sends with a larger limit'
expect 2 create volatile --max-journal-bytes 1000000

it 'make the journal smaller on demand'
expect 0 purge orders
expect 0 send orders kept --quiet
fill orders
# Of every twenty one stays.
while "$ringlease" receive orders --visibility-timeout 1h >/dev/null; do
	"$ringlease" receive orders --max 19 --delete >/dev/null
done
expect 0 journal compact --json
[ "$(json Files)" -lt "$(json FilesBefore)" ] || fault 'it is as large as before'
expect 0 journal compact
out_has '^compacted: [0-9]+ files, .*; before: [0-9]+ files, .*; live: '
expect 2 journal compact --queue orders
reboot --journal-max 32M
expect 0 receive small --max 100 --delete
expect 0 receive orders --max 1000 --delete
expect 0 journal verify --data "$data"

it 'refuse a size that is none, and say that compacting needs an engine'
kill_engine
"$ringleased" --journal-max 3 2>"$work/err"
[ $? -eq 2 ] || fault 'not exit 2'
"$ringleased" --journal-max 64X 2>"$work/err"
[ $? -eq 2 ] || fault 'not exit 2'
err_has 'not a size of 32M or more'
expect 1 journal compact
err_has 'start ringleased'

finish
