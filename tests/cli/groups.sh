#!/bin/sh
# A queue of a group: two users of it share the queue, a third one is refused. Only root can be all three.
. "$(dirname "$0")/common.inc"
[ "$(id -u)" -eq 0 ] || { echo 'skipped: only root can act as several users'; exit 77; }
case ${BUILD:-} in *-coverage*) echo 'skipped: others cannot write its counts'; exit 77 ;; esac
command -v setpriv >/dev/null || { echo 'skipped: no setpriv'; exit 77; }

# Numbers without names, nobody's.
shared=47110 own=47111 member=47112 other_member=47113 outsider=47114
can_act() {
	setpriv --reuid=$1 --regid=$own --groups "$2" true 2>/dev/null
}
can_act $member $shared || { echo 'skipped: no other users here (user namespace?)'; exit 77; }

chmod 711 "$work"
# Open to all and without setgid, so that it is the queue's own mode and group that decide.
mkdir "$RINGLEASE_DIR"
chmod 777 "$RINGLEASE_DIR"

# as USER GROUPS STATUS ARGUMENT...: runs ringlease as that user.
as() {
	user=$1 groups=$2 plain=$ringlease
	shift 2
	cat >"$work/as" <<-RUN
		#!/bin/sh
		exec setpriv --reuid=$user --regid=$own --groups $groups "$plain" "\$@"
	RUN
	chmod 755 "$work/as"
	ringlease=$work/as
	expect "$@"
	ringlease=$plain
}
# A build folder may be closed to others.
cp "$ringlease" "$work/ringlease"
chmod 755 "$work/ringlease"
ringlease=$work/ringlease

it 'give a queue the mode and the group that were asked for'
expect 0 create q --mode 0660 --group-owner $shared
[ "$(stat -c '%a %u %g' "$RINGLEASE_DIR/q.rlq")" = "660 0 $shared" ] ||
	fault "it has $(stat -c 'mode %a, owner %u, group %g' "$RINGLEASE_DIR/q.rlq")"

it 'let users of the group send to each other, and say who did'
as $member $shared 0 send q 'from a member' --quiet
as $other_member $shared 0 receive q --delete --json
out_has "\"SenderId\":\"$member\""
out_has 'from a member'
expect 0 send q 'from root' --quiet
as $member $shared 0 receive q --visibility-timeout 0
line_is 'from root'

it 'let them delete, extend and reap what the others hold'
as $member $shared 0 receive q --receipts --visibility-timeout 1h
receipt=$(cut -f1 "$work/out")
as $other_member $shared 0 extend q "$receipt" 2h
as $other_member $shared 0 delete q "$receipt"
as $member $shared 0 verify q
stat_is q NumberOfMessagesDeleted 2

it 'let a member make a queue for the group'
as $member $shared 0 create theirs --mode 0660 --group-owner $shared
as $other_member $shared 0 send theirs hello --quiet
expect 0 receive theirs --delete
line_is hello
as $member $shared 1 create foreign --mode 0660 --group-owner $((outsider + 1))
[ -e "$RINGLEASE_DIR/foreign.rlq" ] && fault 'a queue was made all the same'

it 'refuse who is not in the group'
for verb in 'send q intruder' 'receive q' 'stat q' 'purge q'; do
	# shellcheck disable=SC2086
	as $outsider $own 1 $verb
	err_has "permission denied for queue.*q"
done
expect 0 stat q --json
json_is ApproximateNumberOfMessages 0

it 'do the same in a directory of the group'
RINGLEASE_DIR=$work/group
mkdir "$RINGLEASE_DIR"
chown 0:$shared "$RINGLEASE_DIR"
chmod 2770 "$RINGLEASE_DIR"
as $member $shared 0 create q --mode 0660
as $other_member $shared 0 send q hello --quiet
expect 0 receive q --delete
line_is hello
as $outsider $own 1 send q intruder
err_has 'ermission denied'

finish
