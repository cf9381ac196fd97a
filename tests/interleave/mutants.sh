#!/bin/sh
# Builds mutants and checks that the explorer catches each of them: of the protocol, where shipped code is
# changed, and of the harness, where what is changed plays a part of the callers (tests/).
#
# usage: mutants.sh BUILD_DIR [NAME]
# MUTANTS_OF=ring or =segments: those of one list only.
# The lists say which file is changed how, and which scenarios must fail: mutants.list those of the ring alone,
# segments/mutants.list those of the segments. A pattern that changes nothing is an error: the code has moved on,
# and the list must follow.
set -eu

mkdir -p "$1"
build=$(cd "$1" && pwd)
only=${2:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${CC:=cc}"
: "${MUTANT_CFLAGS:=-O2}"
flags="-std=gnu17 -DRL_EXPLORE -w"
[ "$(uname -m)" != x86_64 ] || flags="$flags -mcx16"

# Mutates the files $2 by the sed script $3 into the tree $1: each substitution must change something, and each file.
mutate() {
	for file in $2; do
		mkdir -p "$1/$(dirname "$file")"
		cp "$root/$file" "$1/$file"
	done
	printf '%s\n' "$3" | awk '{ gsub("/;s/", "/\ns/"); print }' >"$1/parts"
	while IFS= read -r part; do
		changes=0
		for file in $2; do
			sed -z -E "$part" "$1/$file" >"$1/changed"
			cmp -s "$1/changed" "$1/$file" || changes=$((changes + 1))
			cp "$1/changed" "$1/$file"
		done
		if [ "$changes" -eq 0 ]; then
			printf "nothing matches %s in %s\n" "$part" "$2"
			return 1
		fi
	done <"$1/parts"
	rm -f "$1/parts" "$1/changed"
	for file in $2; do
		if cmp -s "$root/$file" "$1/$file"; then
			echo "nothing matches in $file"
			return 1
		fi
	done
}

# Only what was mutated is compiled, or includes what was, and linked with what `make` has built in $4, of the folders
# $5; by the flags that follow.
build_with() {
	tree=$1 files=$2 objects=$4 folders=$5
	mutate "$tree" "$files" "$3" || return 1
	shift 5
	sources=
	for file in $files; do
		case $file in
		*.h) sources="$sources $(cd "$objects" && find $folders -name '*.d' -exec grep -l -F "$file" {} + | sed 's/\.d$/.c/')" ;;
		*) sources="$sources $file" ;;
		esac
	done
	mkdir -p "$tree/objects"
	(cd "$objects" && find $folders -name '*.o' -exec cp --parents {} "$tree/objects" \;)
	for source in $sources; do
		from=$root/$source
		[ ! -f "$tree/$source" ] || from=$tree/$source
		# shellcheck disable=SC2086
		$CC $flags $MUTANT_CFLAGS -I"$tree" "$@" -I"$root" -c "$from" -o "$tree/objects/${source%.c}.o" || return 1
	done
	# shellcheck disable=SC2046
	$CC $(find "$tree/objects" -name '*.o') -o "$tree/explorer"
}

build_ring() {
	build_with "$1" "$2" "$3" "$build" "ring tests/interleave"
}

build_segments() {
	build_with "$1" "$2" "$3" "$build/segments" "ring shm client daemon tests" \
		-D_GNU_SOURCE -U_FORTIFY_SOURCE -include "$root/tests/interleave/segments/os.h" \
		-I"$root/tests/interleave/segments" -I"$root/include"
}

# Prints which scenario of "$2" catches the mutant in $1.
caught_by() {
	for scenario in $2; do
		if ! "$1/explorer" --quiet --scenario "$scenario" >"$1/$scenario.out" 2>&1; then
			grep -q FAILED "$1/$scenario.out" || return 1
			echo "$scenario"
			return 0
		fi
	done
	return 1
}

caught=0
of_harness=0
survived=0

# The mutants of the list $1, built by build_$2.
try_list() {
	work=$build/mutants-$2
	mkdir -p "$work"
	cp "$1" "$work/list"
	while IFS='|' read -r name files scenarios script; do
		case $name in '' | '#'*) continue ;; esac
		[ -z "$only" ] || [ "$only" = "$name" ] || continue
		tree=$work/$name
		rm -rf "$tree"
		mkdir -p "$tree"
		if ! "build_$2" "$tree" "$files" "$script" >"$work/log" 2>&1; then
			printf '%-30s NOT BUILT\n' "$name"
			cat "$work/log"
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
	done <"$work/list"
}

here=$root/tests/interleave
[ "${MUTANTS_OF:-ring}" != ring ] || try_list "$here/mutants.list" ring
[ "${MUTANTS_OF:-segments}" != segments ] || try_list "$here/segments/mutants.list" segments
echo "$((caught - of_harness)) mutants of the protocol and $of_harness of the harness caught, $survived not"
echo "tally: mutants $caught"
[ "$survived" -eq 0 ] && [ "$caught" -gt 0 ]
