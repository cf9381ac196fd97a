#!/bin/sh
# A journal with a mirror as its operator sees it: either folder alone has all that was acknowledged, the one that was
# left behind is refused, and comes back filled.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
trap 'clean_up; rm -rf "$disk"' EXIT
first=$disk/first second=$disk/second
# Not from /etc: a bare tree has none.
this_machine=ffeeddccbbaa99887766554433221100
RINGLEASE_MACHINE_ID=$this_machine
export RINGLEASE_MACHINE_ID

said() {
	grep -Eq -e "$1" "$work/log" || fault "the log has no $1: $(cat "$work/log")"
}

# refused PATTERN OPTION...: it does not serve, and says why.
refused() {
	pattern=$1
	shift
	timeout -k 5 60 "$ringleased" "$@" 2>"$work/err"
	[ $? -eq 1 ] || fault "ringleased $*: not exit 1"
	err_has "$pattern"
}

# has FOLDER OPTION...: all the lines are in it.
has() {
	rm -rf "$RINGLEASE_DIR"
	start --data "$@"
	expect 0 receive orders --max 1000
	cmp -s "$work/lines" "$work/out" || fault "not the lines that were sent: --data $*"
	kill_engine
}

it 'fill an empty folder, and be in step with it'
start --data "$first" --mirror "$second"
said "mirror: $second is filled from $first"
said "journal $first: in step with its mirror $second"
said 'warning: mirror .* on the same file system'
expect 0 create orders --durability sync
seq 1 300 | sed 's/$/ of three hundred, and a body that is too long for the slot itself to hold it/' >"$work/lines"
expect 0 send orders --lines "$work/lines" --quiet
for folder in "$first" "$second"; do
	expect 0 journal verify --data "$folder"
	out_has ': sound: '
	expect 0 journal ls --data "$folder"
	out_has '2 queues with 300 live messages'
	expect 0 backup "$folder.backup" --data "$folder"
	out_has '300 live messages'
done

it 'have in either folder alone all that was acknowledged, when the engine was killed'
kill_engine
cp -r "$first" "$disk/one"
cp -r "$second" "$disk/other"
has "$disk/one" --without-mirror
said 'GOES ON WITHOUT ITS MIRROR'
has "$disk/other" --without-mirror
has "$first" --mirror "$second"

it 'refuse either alone while its mirror may have more'
refused "has a mirror $second, which is missing .*--without-mirror" --data "$first"
refused "has a mirror $first, which is missing .*--without-mirror" --data "$second"

it 'refuse an empty folder instead of the mirror, or of the journal'
mkdir "$disk/empty"
refused "its mirror $disk/empty is MISSING: .*--without-mirror" --data "$first" --mirror "$disk/empty"
refused "$disk/empty: is MISSING: .*--data $second --without-mirror" --data "$disk/empty" --mirror "$second"
refused "its mirror $disk/none is MISSING" --data "$first" --mirror "$disk/none"
[ ! -e "$disk/none" ] || fault 'made a folder that was not wanted'

it 'refuse a folder that another engine has, its own, and one that has another journal'
rm -rf "$RINGLEASE_DIR"
start --data "$first" --mirror "$second"
RINGLEASE_DIR=$work/others refused "$second: in use by another engine .process $daemon.*--without-mirror" --data "$disk/empty" --mirror "$second"
kill_engine
refused "is the journal's own folder" --data "$first" --mirror "$disk/../$(basename "$disk")/first"
refused 'has a journal of its own' --data "$disk/first.backup" --mirror "$second"
refused 'has a journal of its own' --data "$first" --mirror "$disk/first.backup"

it 'not take --mirror together with what goes on without one'
"$ringleased" --data "$first" --mirror "$second" --without-mirror 2>"$work/err"
[ $? -eq 2 ] || fault 'not exit 2'
err_has 'not together with --mirror: --without-mirror'

it 'go on with one folder when the other fails, and say so'
rm -rf "$RINGLEASE_DIR"
start --data "$first" --mirror "$second"
rm -rf "$second"
expect 0 create large --durability sync
head -c 1000000 /dev/zero | tr '\0' x >"$work/large"
lost_mirror() {
	expect 0 send large --file "$work/large" --quiet
	expect 0 receive large --delete # a small /dev/shm would be full before
	grep -q 'MIRROR LOST' "$work/log"
}
# It fails when the journal needs a new file: after 64 MiB.
await 60 lost_mirror || fault 'nothing was lost'
said "MIRROR LOST: $second: .*; going on with $first alone"
expect 0 rm large
kill_engine

it 'start the survivor alone, and say that it has lost its mirror'
has "$first"
said "has lost its mirror $second; --mirror with an empty folder makes a new one"

it 'bring the mirror back'
has "$first" --mirror "$second"
said "mirror: $second is filled from $first"
said 'mirror: 100 % copied'
cp -r "$second" "$disk/again"
has "$disk/again" --without-mirror

it 'fill the first folder from the second if that has gone on alone'
rm -rf "$RINGLEASE_DIR"
start --data "$second" --without-mirror
expect 0 send orders 'while the first was away' --quiet
echo 'while the first was away' >>"$work/lines"
kill_engine
has "$first" --mirror "$second"
said "mirror: $first is filled from $second"
cp -r "$first" "$disk/filled"
has "$disk/filled" --without-mirror

it 'refuse two folders that have each gone on alone'
for folder in "$first" "$second"; do
	rm -rf "$RINGLEASE_DIR"
	start --data "$folder" --without-mirror
	kill_engine
done
refused 'each has gone on without the other' --data "$first" --mirror "$second"

it 'refuse a folder that is half filled, unless that is asked for'
rm -rf "$second"
rm -rf "$RINGLEASE_DIR"
"$ringleased" --data "$first" --mirror "$second" 2>"$work/log" &
daemon=$!
children="$children $daemon"
is_filling() {
	[ -e "$second/standing" ]
}
await 60 is_filling || fault 'it does not fill'
kill_engine
if "$ringleased" --data "$second" --without-mirror 2>"$work/err"; then
	fault 'a folder that is not whole was served'
fi
err_has 'is STALE: .*--accept-stale|has a mirror'
has "$first" --mirror "$second"

it 'refuse a journal of another machine, but not what was restored from one'
RINGLEASE_MACHINE_ID=00112233445566778899aabbccddeeff
refused 'was written on another machine, .*--adopt' --data "$disk/first.backup"
expect 0 restore "$disk/first.backup" --data "$disk/restored"
sed -i '$d' "$work/lines"
has "$disk/restored"
has "$disk/first.backup" --adopt
said 'was written on another machine; adopted'
has "$disk/first.backup"
RINGLEASE_MACHINE_ID=$this_machine
refused 'was written on another machine' --data "$disk/first.backup"

finish
