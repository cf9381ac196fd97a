#!/bin/sh
# Builds the programs of this folder, and crash/engine_kills, over a journal with a fault, and checks that each fault is
# found, by the program that mutants.list names, which passes without it.
#
# usage: mutants.sh [NAME]
# Environment: BUILD, CC, MUTANT_LIBS; `make check-durable-mutants` builds what is needed. A pattern that changes nothing is
# an error: the code has moved on, and the list must follow.
set -eu

cd "$(dirname "$0")/../.."
: "${BUILD:=build}" "${CC:=cc}" "${MUTANT_LIBS:=-luring -lisal -lcrypto}"
only=${1:-}
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

# Changes file $2 by $3 in folder $1 and links program $4 with it.
build() {
	case $4 in crash/*) points=-DRL_CRASHPOINTS libraries=$BUILD/crash ;; *) points= libraries=$BUILD ;; esac
	mkdir -p "$1/$(dirname "$2")"
	sed -z -E "$3" "$2" >"$1/$2"
	if cmp -s "$2" "$1/$2"; then
		echo "pattern matches nothing in $2"
		return 1
	fi
	# The object stands before the archive, so the archive's own is not asked for.
	# shellcheck disable=SC2046,SC2086
	$CC $flags $points -c "$1/$2" -o "$1/changed.o" &&
		$CC -o "$1/${4##*/}" $(helpers "$4") "$1/changed.o" \
			-Wl,--start-group "$libraries/libsupport.a" "$libraries/libinternal.a" -Wl,--end-group -pthread $MUTANT_LIBS
}

rm -rf "$work"
mkdir -p "$work"
cp tests/durable/mutants.list "$work/list"
passed=0 failed=0
while IFS='|' read -r name file command change; do
	case $name in '' | '#'*) continue ;; esac
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	program=${command%% *} arguments=${command#* }
	mkdir -p "$work/$name"
	[ "$arguments" != -- ] || arguments=
	if ! build "$work/$name" "$file" "$change" "$program" >"$work/log" 2>&1; then
		printf '%-30s NOT BUILT\n' "$name"
		cat "$work/log"
	elif timeout 25 "$work/$name/${program##*/}" $arguments >"$work/$name/log" 2>&1; then
		printf '%-30s SURVIVED %s\n' "$name" "$command"
	else
		[ $? -ne 124 ] || echo 'failed: hangs' >>"$work/$name/log"
		printf '%-30s found by %s: %s\n' "$name" "$command" "$(grep -aiE 'fail' "$work/$name/log" | head -n 1 | cut -c1-160)"
		passed=$((passed + 1))
		continue
	fi
	failed=$((failed + 1))
done <"$work/list"
echo "tally: mutants $passed"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
