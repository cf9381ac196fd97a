#!/bin/sh
# The directory without --dir and without RINGLEASE_DIR: of the user, and the user's alone.
. "$(dirname "$0")/common.inc"
unset RINGLEASE_DIR
case ${BUILD:-} in *-coverage*) echo 'skipped: others cannot write its counts'; exit 77 ;; esac

# As root by somebody who has none; else as ourselves, if we have none.
user=$(id -u) as=
if [ "$user" -eq 0 ]; then
	user=47121 as='setpriv --reuid=47121 --regid=47121 --clear-groups'
	$as true 2>/dev/null || { echo 'skipped: root cannot act as another user here'; exit 77; }
fi
default=/dev/shm/ringlease-$user
[ -e "$default" ] && { echo "skipped: $default is in use"; exit 77; }
clean_default() {
	[ -O "$default" ] || [ "$(id -u)" -eq 0 ] && rm -rf "$default"
	clean_up
}
trap clean_default EXIT

chmod 711 "$work"
cp "$ringlease" "$work/program"
chmod 755 "$work/program"
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$as" "$work/program" >"$work/run"
chmod 755 "$work/run"
ringlease=$work/run

it 'be made in /dev/shm for the user alone'
expect 0 create q
[ "$(stat -c '%a %u %F' "$default")" = "700 $user directory" ] || fault "it is $(stat -c '%a %u %F' "$default")"
[ -f "$default/q.rlq" ] || fault 'the queue is not there'

it 'be used by every call after that, also when RINGLEASE_DIR is empty'
expect 0 send q hello --quiet
RINGLEASE_DIR='' expect 0 receive q --delete
line_is hello
expect 0 ls --dir "$default" --json
json_is QueueName q

it 'give way to RINGLEASE_DIR, and that to --dir'
mkdir "$work/one" "$work/two"
chmod 777 "$work/one" "$work/two"
RINGLEASE_DIR=$work/one expect 0 create one
RINGLEASE_DIR=$work/one expect 0 create two --dir "$work/two"
[ -f "$work/one/one.rlq" ] && [ -f "$work/two/two.rlq" ] || fault 'not there'
expect 0 ls --json
json_is QueueName q
lines_are 1

finish
