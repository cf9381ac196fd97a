#!/bin/sh
# Builds victims with a fault in the product that shows only between two instructions, and checks that `images`
# finds each, and nothing in a victim built the same way without a fault.
#
# usage: mutants.sh [NAME]
# Environment: BUILD, CC, LIBS; `make check-images-mutants` builds what is needed. A pattern that changes nothing is an
# error: the code has moved on, and mutants.list must follow.
set -eu

cd "$(dirname "$0")/../.."
: "${BUILD:=build}" "${CC:=cc}" "${LIBS:=-luring -lisal -lcrypto -lnettle}"
only=${1:-}
here=tests/images
work=$BUILD/tests/images/mutants
flags="-std=gnu17 -D_GNU_SOURCE= -O2 -g -fPIC -fvisibility=hidden -ffunction-sections -pthread -w"
objects=$(for source in kmod-free/*.c ring/*.c shm/*.c client/*.c; do echo "$BUILD/obj/${source%.c}.o"; done)
victim="$BUILD/obj/tests/images/victim.o $BUILD/tests/images/scene.o"

# A victim of the objects "$2" in folder $1.
link_victim() {
	# shellcheck disable=SC2086
	ld -r -T $here/product.lds -o "$1/product.o" $2
	# shellcheck disable=SC2086
	$CC -o "$1/victim" -Wl,--start-group $victim "$1/product.o" "$BUILD/libsupport.a" "$BUILD/libringlease-engine.a" \
		-Wl,--end-group -pthread -Wl,-z,now $LIBS
}

# Changes file $2 by $4 in folder $1 and builds a victim with the objects "$3" made anew.
build_mutant() {
	mkdir -p "$1/$(dirname "$2")"
	sed -z -E "$4" "$2" >"$1/$2"
	if cmp -s "$2" "$1/$2"; then
		echo "pattern matches nothing in $2"
		return 1
	fi
	linked=$objects
	for object in $3; do
		source=$object.c
		[ "$2" = "$source" ] && source=$1/$2
		# shellcheck disable=SC2086
		$CC $flags -I"$1" -I. -Iinclude -c "$source" -o "$1/changed-$(basename "$object").o" || return 1
		linked=$(echo "$linked" | sed "s|^$BUILD/obj/$object.o\$|$1/changed-$(basename "$object").o|")
	done
	link_victim "$1" "$linked"
}

finds_in() {
	! "$BUILD/tests/images/images" --victim "$1/victim" --script "$2" --kill-every 1000000 >"$1/log" 2>&1 &&
		grep -q '^FAILED: .* image after .* instructions' "$1/log"
}

rm -rf "$work"
mkdir -p "$work/sound"
link_victim "$work/sound" "$objects"
passed=0 failed=0
while IFS='|' read -r name file rebuilt script change; do
	case $name in '' | '#'*) continue ;; esac
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	if ! build_mutant "$work/$name" "$file" "$rebuilt" "$change" >"$work/log" 2>&1; then
		printf '%-26s NOT BUILT\n' "$name"
		cat "$work/log"
	elif finds_in "$work/sound" "$script"; then
		printf '%-26s found without the fault too\n' "$name"
	elif finds_in "$work/$name" "$script"; then
		printf '%-26s found: %s\n' "$name" "$(sed -n 's/^FAILED: .* before victim[^:]*: //p' "$work/$name/log" | head -n 1)"
		passed=$((passed + 1))
		continue
	else
		printf '%-26s SURVIVED "%s"\n' "$name" "$script"
	fi
	failed=$((failed + 1))
done <$here/mutants.list
echo "tally: mutants $passed"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
