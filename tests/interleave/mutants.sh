#!/bin/sh
# Builds mutants and checks that the explorer catches each of them: of the protocol, where shipped code (ring/)
# is changed, and of the harness, where what is changed plays a part of the callers (tests/).
#
# usage: mutants.sh BUILD_DIR [NAME]
# mutants.list says which file is changed how, and which scenarios must fail. A pattern that changes
# nothing is an error: the code has moved on, and the list must follow.
set -eu

mkdir -p "$1"
build=$1
only=${2:-}
here=$(dirname "$0")
root=$(cd "$here/../.." && pwd)
list=$root/tests/interleave/mutants.list
: "${CC:=cc}"
: "${MUTANT_CFLAGS:=-O2}"
flags="-std=gnu17 -DRL_EXPLORE -mcx16 -w"
[ "$(uname -m)" = x86_64 ] || flags="-std=gnu17 -DRL_EXPLORE -w"

# Mutates the files $2 by the sed script $3 into the tree $1 and builds it there. Each must change.
build_mutant() {
	rm -rf "$1"
	mkdir -p "$1/tests"
	cp -R "$root/ring" "$1/ring"
	cp -R "$root/tests/interleave" "$1/tests/interleave"
	for file in $2; do
		sed -z -E "$3" "$root/$file" >"$1/$file"
		if cmp -s "$root/$file" "$1/$file"; then
			echo "pattern matches nothing in $file"
			return 1
		fi
	done
	# shellcheck disable=SC2086
	(cd "$1" && $CC $flags $MUTANT_CFLAGS -I. ring/*.c tests/interleave/*.c -o interleave)
}

# Prints which scenario of "$2" catches the mutant in $1.
caught_by() {
	for scenario in $2; do
		if ! "$1/interleave" --quiet --scenario "$scenario" >"$1/$scenario.out" 2>&1; then
			grep -q FAILED "$1/$scenario.out" || return 1
			echo "$scenario"
			return 0
		fi
	done
	return 1
}

cp "$list" "$build/mutants.list"
caught=0
of_harness=0
survived=0
while IFS='|' read -r name files scenarios script; do
	case $name in '' | '#'*) continue ;; esac
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	tree=$build/mutants/$name
	if ! build_mutant "$tree" "$files" "$script" >"$build/mutant.log" 2>&1; then
		printf '%-30s NOT BUILT\n' "$name"
		cat "$build/mutant.log"
		survived=$((survived + 1))
	elif by=$(caught_by "$tree" "$scenarios"); then
		caught=$((caught + 1))
		kind=protocol
		case $files in tests/*) kind=harness of_harness=$((of_harness + 1)) ;; esac
		printf '%-30s %-8s caught by %s\n' "$name" $kind "$by"
	else
		printf '%-30s SURVIVED %s\n' "$name" "$scenarios"
		survived=$((survived + 1))
	fi
	rm -rf "$tree"
done <"$build/mutants.list"
echo "$((caught - of_harness)) mutants of the protocol and $of_harness of the harness caught, $survived not"
echo "tally: mutants $caught"
[ "$survived" -eq 0 ] && [ "$caught" -gt 0 ]
