#!/bin/sh
# Builds the programs of this folder, and some of crash/, over a journal with a fault, and checks that each fault is
# found, by the program that mutants.list names, which passes without it: it has to say what is wrong. Who only takes
# too long, or dies without a word, has found nothing; but for those with "hangs" before the program, whose fault is
# that a call never returns: the watchdog has to name it. They are counted apart.
#
# usage: mutants.sh [NAME...]
# Environment: BUILD, CC, MUTANT_LIBS; `make check-durable-mutants` builds what is needed. A pattern that changes nothing is
# an error: the code has moved on, and the list must follow.
set -eu

cd "$(dirname "$0")/../.."
: "${BUILD:=build}" "${CC:=cc}" "${MUTANT_LIBS:=-luring -lisal -lcrypto -lnettle}"
only=" $* "
work=$BUILD/tests/durable/mutants
flags="-std=gnu17 -D_GNU_SOURCE= -O2 -g -I. -Iinclude -fPIC -fvisibility=hidden -ffunction-sections -pthread -w"
# The objects beside program $1, which is of this folder, or "crash/NAME": with crash points.
helpers() {
	case $1 in crash/*) folder=crash objects=$BUILD/crash ;; *) folder=durable objects=$BUILD/obj ;; esac
	for source in tests/$folder/*.c; do
		grep -qE '^int main\(' "$source" || echo "$objects/${source%.c}.o"
	done
	echo "$objects/tests/$folder/${1##*/}.o"
}

# The sources that are made of file $1: itself, or those of the product that include it.
built_of() {
	case $1 in
	*.h) (cd "$BUILD/obj" && grep -lF " $1" client/*.d daemon/*.d shm/*.d | sed 's/\.d$/.c/') ;;
	*) echo "$1" ;;
	esac
}

# Changes file $2 by $3 in folder $1 and links program $4 with it.
build() {
	case $4 in crash/*) points=-DRL_CRASHPOINTS libraries=$BUILD/crash ;; *) points= libraries=$BUILD ;; esac
	mkdir -p "$1/$(dirname "$2")"
	sed -z -E "$3" "$2" >"$1/$2"
	if cmp -s "$2" "$1/$2"; then
		echo "pattern matches nothing in $2"
		return 1
	fi
	mkdir "$1/changed"
	for source in $(built_of "$2"); do
		object=$1/changed/$(echo "$source" | tr / -).o
		[ "$source" != "$2" ] || source=$1/$2
		# shellcheck disable=SC2086
		$CC -I"$1" $flags $points -c "$source" -o "$object" || return 1
	done
	# These objects stand before the archive, so the archive's own are not asked for.
	# shellcheck disable=SC2046
	$CC -o "$1/${4##*/}" $(helpers "$4") "$1"/changed/*.o \
		-Wl,--start-group "$libraries/libsupport.a" "$libraries/libinternal.a" -Wl,--end-group -pthread $MUTANT_LIBS
}

# Runs the program; what it says is wrong, or what is wrong with that, is in `report`.
is_found() {
	log=$work/$name/log
	# shellcheck disable=SC2086
	timeout 25 env $patience "$work/$name/${program##*/}" $arguments >"$log" 2>&1 && status=0 || status=$?
	report=$(grep -aE "$wanted" "$log" | head -n 1 | cut -c1-160)
	[ $status -eq 0 ] && report="SURVIVED $command"
	[ $status -eq 124 ] && report="TAKES TOO LONG: $command"
	[ -n "$report" ] || report="NOT REPORTED by $command, exit $status: $(tail -n 1 "$log")"
	case $report in SURVIVED* | TAKES* | NOT*) return 1 ;; esac
}

rm -rf "$work"
mkdir -p "$work"
cp tests/durable/mutants.list "$work/list"
passed=0 stuck=0 failed=0
while IFS='|' read -r name file command change; do
	case $name in '' | '#'*) continue ;; esac
	case $only in '  ' | *" $name "*) ;; *) continue ;; esac
	patience='' wanted='^FAILED|^ +[^ ]+:[0-9]+: |Assertion .* failed'
	case $command in 'hangs '*) command=${command#hangs } patience=TEST_WATCHDOG_S=5 wanted='^STUCK: ' ;; esac
	program=${command%% *} arguments=${command#* }
	mkdir -p "$work/$name"
	[ "$arguments" != -- ] || arguments=
	if ! build "$work/$name" "$file" "$change" "$program" >"$work/log" 2>&1; then
		printf '%-30s NOT BUILT\n' "$name"
		cat "$work/log"
	elif is_found; then
		printf '%-30s found by %s: %s\n' "$name" "$command" "$report"
		if [ -n "$patience" ]; then stuck=$((stuck + 1)); else passed=$((passed + 1)); fi
		continue
	else
		printf '%-30s %s\n' "$name" "$report"
	fi
	failed=$((failed + 1))
done <"$work/list"
echo "tally: mutants $passed"
echo "tally: mutants_stuck $stuck"
echo "$((passed + stuck)) passed, $failed failed"
[ "$failed" -eq 0 ] && [ $((passed + stuck)) -gt 0 ]
