#!/bin/sh
# An engine journals the queues that its user may open, and no others: a durable queue that it cannot open is refused,
# not acknowledged. Only root can be all the users of this.
. "$(dirname "$0")/common.inc"
[ -x "$ringleased" ] || { echo "skipped: no $ringleased"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo 'skipped: only root can act as several users'; exit 77; }
case ${BUILD:-} in *-coverage*) echo 'skipped: others cannot write its counts'; exit 77 ;; esac
command -v setpriv >/dev/null || { echo 'skipped: no setpriv'; exit 77; }
user=47111 shared=47110
setpriv --reuid=$user --regid=$shared --clear-groups true 2>/dev/null ||
	{ echo 'skipped: no other users here (user namespace?)'; exit 77; }
data=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
trap 'clean_up; rm -rf "$data"' EXIT

# The engine is that user's; the folders are for all, so that it is the queues' own modes that decide. The path to the
# data may be closed to others, so it is handed over as the working folder; and a build folder may be closed too.
chmod 711 "$work"
mkdir "$RINGLEASE_DIR"
chmod 777 "$RINGLEASE_DIR"
chown $user:$shared "$data"
cp "$ringleased" "$work/ringleased"
chmod 755 "$work/ringleased"

run() {
	: >"$work/log"
	(cd "$data" && exec setpriv --reuid=$user --regid=$shared --clear-groups "$work/ringleased" --data . 2>"$work/log") &
	daemon=$!
	children="$children $daemon"
}

start() {
	run
	await 60 has_journal || fault "the engine does not journal: $(cat "$work/log")"
}

has_journal() {
	"$ringlease" create shared --durability sync --mode 0660 --group-owner $shared >/dev/null 2>&1
}

it 'journal a queue of the group of its user'
start
expect 0 send shared one --quiet
expect 0 receive shared --delete
line_is one

it 'refuse a durable queue that its user may not open, and leave nothing of it'
expect 1 create foreign --durability sync
err_has 'engine'
[ -e "$RINGLEASE_DIR/foreign.rlq" ] && fault 'a queue is left'
expect 1 create loose --durability async
err_has 'engine'
expect 6 stat foreign

it 'say which queue of another user it does not serve, and leave it to its clients'
expect 0 create plain
expect 0 send plain hello --quiet
expect 0 receive plain --delete
line_is hello
await 60 file_has "$work/log" 'plain: not served: ' || fault 'the log does not say so'

it 'start over a journal with a queue that was closed to it, for the others, and say which and what to do'
expect 0 create open --durability sync --mode 0660 --group-owner $shared
expect 0 send open before --quiet
expect 0 send shared kept --quiet
kill -KILL $daemon
wait $daemon 2>/dev/null
chmod 600 "$RINGLEASE_DIR/shared.rlq"
run
await 60 file_has "$work/log" '1 queue with' || fault "the log is $(cat "$work/log")"
file_has "$work/log" 'shared: SET ASIDE: .*Permission denied.* 1 message stays in the journal.*chmod' ||
	fault "the log is $(cat "$work/log")"
expect 0 send open after --quiet
expect 0 receive open --delete
line_is before

it 'take nothing for a queue that is set aside, and say so'
expect 1 send shared refused
err_has 'no engine journals queue: shared .*log'

it 'go on with it once the queue is open again, with what was acknowledged'
chmod 660 "$RINGLEASE_DIR/shared.rlq"
await 60 file_has "$work/log" 'shared: back' || fault "the log is $(cat "$work/log")"
expect 0 send shared more --quiet
expect 0 receive shared --delete
line_is kept
expect 0 receive shared --delete
line_is more
expect 3 receive shared

finish
