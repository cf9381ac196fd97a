#!/bin/sh
# An encrypted journal as who looks after it sees it: bodies in no file, keys that are refused, replaced and let go.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
data=$disk/data
served=$data
trap 'clean_up; rm -rf "$disk"' EXIT
umask 077

# key NAME: a new one
key() {
	od -An -tx1 -N 32 /dev/urandom | tr -d ' \n' >"$disk/$1"
	echo >>"$disk/$1"
}
for name in key other newer; do key $name; done

# A machine without /etc/machine-id could not be told from another one.
RINGLEASE_MACHINE_ID=ffeeddccbbaa99887766554433221100
export RINGLEASE_MACHINE_ID

# refuses STATUS PATTERN OPTION...: the engine does not start, says why, and leaves the journal as it was
refuses() {
	wanted=$1 pattern=$2
	shift 2
	before=$(cd "$data" 2>/dev/null && cksum journal-*)
	timeout 60 "$ringleased" --data "$data" "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ $got -eq "$wanted" ] || fault "ringleased $*: exit $got, not $wanted"
	err_has "$pattern"
	[ "$before" = "$(cd "$data" 2>/dev/null && cksum journal-*)" ] || fault 'the journal has changed'
}

# Nothing is looked for in the log but what was written in the files.
is_in() {
	cat "$1"/journal-* | grep -qa -e "$2"
}

it 'refuse a key that is none, or not its owner'"'"'s alone, before there is anything'
cp "$disk/key" "$disk/open"
chmod 640 "$disk/open"
refuses 1 "key $disk/open: others may read or write it \\(mode 0640\\); chmod 600 it" --key-file "$disk/open"
echo 'my secret' >"$disk/word"
refuses 1 "key $disk/word: not 64 hexadecimal digits" --key-file "$disk/word"
refuses 1 "key $disk/none: No such file" --key-file "$disk/none"
refuses 1 "key $disk/word: not 64" --key-file "$disk/key" --old-key-file "$disk/word"
refuses 1 'key keyring:ringlease-test-none: ' --key keyring:ringlease-test-none
refuses 2 'a second key' --key-file "$disk/key" --key-file "$disk/other"
refuses 2 'needs a value' --key-file
[ ! -e "$data" ] || fault 'a folder was made'

it 'keep bodies and attributes out of the files'
start --key-file "$disk/key"
expect 0 create orders --durability sync
expect 0 send orders 'nobody shall read this' --quiet --attribute note=String:unreadable
is_in "$data" nobody && fault 'the body is there'
is_in "$data" unreadable && fault 'the attribute is there'
is_in "$data" orders || fault 'no queue, no journal: the test itself is wrong'
file_has "$work/log" 'to be written with key [0-9a-f]\{16\}$' || fault "$(cat "$work/log")"
id=$(sed -nE 's/.*written with key ([0-9a-f]+)$/\1/p' "$work/log")

it 'look at it without its key where no body is shown'
expect 0 journal ls --data "$data"
out_has "^journal-0000000001 .* $id\$"
expect 0 journal verify --data "$data"
out_has ': 1 of 1 files are encrypted: only their checksums were compared'
out_has ': sound: '
expect 0 journal verify --data "$data" --json
json_is LockedFiles 1
expect 0 journal verify --data "$data" --key-file "$disk/other" --key-file "$disk/key"
lines_are 1
out_has ': sound: '

it 'show bodies only to who has the key'
expect 1 journal dump --data "$data"
err_has "/journal-0000000001: encrypted with key $id, which was not given"
expect 1 journal dump --data "$data" --key-file "$disk/other"
err_has "/journal-0000000001: encrypted with key $id, which was not given"
out_is ''
expect 1 journal dump --data "$data" --key-file "$disk/open"
err_has 'others may read or write it'
expect 0 journal dump --data "$data" --key-file "$disk/key"
out_has 'body=22 "nobody shall read this"'
expect 2 journal ls --data "$data" --key-file "$disk/key"

it 'copy it without its key, and it stays encrypted'
expect 0 backup "$disk/copy" --data "$data"
out_has '; verified$'
is_in "$disk/copy" nobody && fault 'the body is there'
expect 0 journal dump --data "$disk/copy" --key-file "$disk/key"
out_has 'nobody shall read this'
kill_engine

it 'start with no other key, and say which one is wanted'
refuses 1 "journal-0000000001 is encrypted with key $id, which was not given .*; nothing was changed"
refuses 1 "journal-0000000001 is encrypted with key $id, which was not given" --key-file "$disk/other"

it 'not take a journal of another machine for its own before it has the key'
RINGLEASE_MACHINE_ID=00112233445566778899aabbccddeeff
refuses 1 "journal-0000000001 is encrypted with key $id, which was not given" --adopt
refuses 1 'was written on another machine' --key-file "$disk/key"
RINGLEASE_MACHINE_ID=ffeeddccbbaa99887766554433221100

it 'bring messages back with it'
rm -rf "$RINGLEASE_DIR"
start --key-file "$disk/key"
expect 0 receive orders --json --visibility-timeout 0
json_is Body 'nobody shall read this'
out_has unreadable

it 'replace a key: all is written anew, and it is said that no file needs the old one'
seq 1000 | sed 's/$/ of a thousand that nobody shall read/' >"$work/lines"
expect 0 send orders --lines "$work/lines" --quiet
kill_engine
start --key-file "$disk/newer" --old-key-file "$disk/key"
await 60 file_has "$work/log" "no file needs key $id any more" || fault "$(cat "$work/log")"
expect 0 journal ls --data "$data"
out_lacks "$id"
kill_engine
rm -rf "$RINGLEASE_DIR"
start --key-file "$disk/newer"
stat_is orders ApproximateNumberOfMessages 1001
kill_engine

it 'become plain when it is started without a key'
start --old-key-file "$disk/newer"
await 60 file_has "$work/log" 'no file needs key' || fault "$(cat "$work/log")"
expect 0 journal dump --data "$data"
out_has 'nobody shall read this'
is_in "$data" nobody || fault 'the body is not there: the test itself is wrong'
kill_engine

it 'become encrypted again, and nothing of it stays plain'
start --key-file "$disk/key"
await 60 file_has "$work/log" 'no file is plain any more' || fault "$(cat "$work/log")"
is_in "$data" nobody && fault 'a body is there'
kill_engine
rm -rf "$RINGLEASE_DIR"
start --key-file "$disk/key"
expect 0 receive orders --max 2000 --delete
lines_are 1001
kill_engine

it 'be restored where the key is'
expect 0 restore "$disk/copy" --data "$disk/restored"
data=$disk/restored served=$disk/restored
RINGLEASE_DIR=$work/restored
refuses 1 "encrypted with key $id"
start --key-file "$disk/key"
expect 0 receive orders
line_is 'nobody shall read this'
kill_engine

it 'leave nothing plain in a mirror either'
data=$disk/first mirror=$disk/second served=$disk/first
RINGLEASE_DIR=$work/mirrored
start --mirror "$mirror"
expect 0 create orders --durability sync
expect 0 send orders 'nobody shall read this' --quiet
is_in "$mirror" nobody || fault 'the body is not there: the test itself is wrong'
kill_engine
start --mirror "$mirror" --key-file "$disk/key"
await 60 file_has "$work/log" 'no file is plain any more' || fault "$(cat "$work/log")"
kill_engine
is_in "$data" nobody && fault 'the body is there'
is_in "$mirror" nobody && fault 'the body is in the mirror'
is_in "$mirror" orders || fault 'no queue, no journal: the test itself is wrong'

it 'change nothing of a mirror without the key'
refuses 1 "journal $data: journal-[0-9]+ is encrypted with key $id, which was not given .*; nothing was changed" --mirror "$mirror"
refuses 1 "is encrypted with key $id" --without-mirror
refuses 1 "is encrypted with key $id" --without-mirror --key-file "$disk/other"
start --mirror "$mirror" --key-file "$disk/key"
file_has "$work/log" 'is filled from' && fault "one of them has gone on alone: $(cat "$work/log")"
kill_engine

it 'bring all back from either folder alone, with the key'
for folder in "$data" "$mirror"; do
	data=$folder served=$folder
	rm -rf "$RINGLEASE_DIR"
	start --without-mirror --key-file "$disk/key"
	expect 0 receive orders --visibility-timeout 0
	line_is 'nobody shall read this'
	kill_engine
done

it 'fill no mirror without the key'
refuses 1 "is encrypted with key $id" --mirror "$disk/none"
[ ! -e "$disk/none" ] || fault 'a folder was made'
start --mirror "$disk/none" --key-file "$disk/key"
file_has "$work/log" "mirror: $disk/none is filled from $data" || fault "$(cat "$work/log")"
is_in "$disk/none" nobody && fault 'the body is there'
kill_engine

finish
