#!/bin/sh
# Folders that are no good for a journal: the engine does not start, and says so in one line, which names the folder or
# the file in it and what to do. (One of another engine: durable.sh. A mirror, another machine: mirror.sh.)
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/engine.inc"
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
trap 'clean_up; rm -rf "$disk"' EXIT
data=$disk/data
served=$data

# refused PATTERN OPTION...: it ends with 1, and one line beside the one that says whom it serves.
refused() {
	pattern=$1
	shift
	"$ringleased" "$@" >"$work/out" 2>"$work/all"
	[ $? -eq 1 ] || fault "ringleased $*: not exit 1"
	grep -v ' ringleased: serving ' "$work/all" >"$work/err"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault 'not one line'
	err_has "$pattern"
}

it 'say that there was no journal, and what was read of one'
start
grep -q "journal $data: begun: there was none in this folder" "$work/log" || fault "the log: $(cat "$work/log")"
expect 0 send probe kept --quiet
kill_engine
start
grep -q "journal $data: [0-9]* turns read from 1 file, " "$work/log" || fault "the log: $(cat "$work/log")"
kill_engine

it 'refuse what is no folder'
echo no folder >"$disk/file"
refused "$disk/file: cannot be used: Not a directory; name a folder" --data "$disk/file"
refused "$disk/file/in: cannot be used: Not a directory; name a folder" --data "$disk/file/in"
ln -s "$disk/nowhere" "$disk/dangling"
refused "$disk/dangling: cannot be used: No such file or directory" --data "$disk/dangling"

it 'refuse one that it may not write to'
mkdir "$disk/closed"
chmod 0555 "$disk/closed"
if [ "$(id -u)" -ne 0 ]; then
	refused "$disk/closed: cannot be used: Permission denied; name a folder that this user may" --data "$disk/closed"
fi
mkdir -p "$disk/locked/lock"
refused "$disk/locked: cannot be used: Is a directory" --data "$disk/locked"

it 'leave alone what is not its own, unless it has the name of its files'
echo thesis >"$data/thesis"
mkdir "$data/journal"
start
expect 0 receive probe
line_is kept
kill_engine
[ "$(cat "$data/thesis")" = thesis ] || fault 'it has changed'

it 'refuse a file that is none of a journal, a link, a folder'
for what in "cp $disk/file" "ln -s $disk/file" 'mkdir' 'mkfifo'; do
	cp -r "$data" "$disk/foreign"
	$what "$disk/foreign/journal-0000000007"
	refused "$disk/foreign: journal-0000000007 is no file of a journal; move it away" --data "$disk/foreign"
	expect 1 journal verify --data "$disk/foreign"
	err_has 'foreign/journal-0000000007: no file of a journal .move it away'
	rm -rf "$disk/foreign"
done

it 'say whose head a file has that was given the name of another one'
set -- "$data"/journal-0000000*
old=${1##*/}
for file; do new=${file##*/}; done
cp -r "$data" "$disk/swapped"
mv "$disk/swapped/$old" "$disk/swapped/other"
mv "$disk/swapped/$new" "$disk/swapped/$old"
mv "$disk/swapped/other" "$disk/swapped/$new"
refused "$old has the head of $new; give it that name again, or move it away if it is a copy" \
	--data "$disk/swapped"
refused "$old has the head of $new; give it that name again" --data "$disk/swapped" --mirror "$disk/mirror"
expect 1 journal verify --data "$disk/swapped"
err_has "swapped/$old: has the head of $new .give it that name again, or move it away if it is a copy"

it 'refuse a number that none can follow'
for number in 4294967295 4294967000; do
	cp -r "$data" "$disk/last"
	: >"$disk/last/journal-$number"
	refused "$disk/last: journal-$number has too high a number for files to follow it; move it away if" \
		--data "$disk/last"
	rm -rf "$disk/last"
done

it 'refuse it before there is a mirror'
cp -r "$data" "$disk/foreign"
echo hello >"$disk/foreign/journal-0000000007"
refused 'is no file of a journal; move it away' --data "$disk/foreign" --mirror "$disk/mirror"
[ ! -e "$disk/mirror" ] || fault 'there is a mirror'
[ ! -e "$disk/foreign/standing" ] || fault 'it is half of a pair'
rm "$disk/foreign/journal-0000000007"

it 'say what is in the way of a new file'
rm -f "$disk/foreign/journal-spare"*
mkdir "$disk/foreign/journal-spare"
refused_late() {
	"$ringleased" --data "$disk/foreign" 2>"$work/err"
	[ $? -eq 1 ] || fault 'not exit 1'
	err_has "journal $disk/foreign: cannot be written: Is a directory"
}
refused_late

it 'refuse what says that this is no machine'
RINGLEASE_MACHINE_ID=mine refused 'RINGLEASE_MACHINE_ID: not 32 hexadecimal digits' --data "$data"

it 'find a file that was emptied'
for file in "$data"/journal-0000000*; do
	cp -r "$data" "$disk/emptied"
	: >"$disk/emptied/${file##*/}"
	expect 1 journal verify --data "$disk/emptied"
	out_has "^$disk/emptied/${file##*/}: at byte 0: head of the file damaged"
	rm -rf "$disk/emptied"
done

finish
