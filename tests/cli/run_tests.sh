#!/bin/sh
# scripts/run-tests: what counts as passed, failed and skipped, by programs of each kind.
. "$(dirname "$0")/common.inc"

top=$(cd "$(dirname "$0")/../.." && pwd)
cat >"$work/some.c" <<'END'
#include <criterion/criterion.h>
Test(some, passes) {}
#ifndef SOUND
Test(some, fails) { cr_assert(0); }
Test(some, crashes) { abort(); }
#endif
Test(some, is_skipped) { cr_skip_test("no such thing here"); }
END
cat >"$work/none.c" <<'END'
#include <criterion/criterion.h>
Test(none, is_skipped) { cr_skip_test("nor here"); }
END
build() {
	"${CC:-cc}" -w "$@" -lcriterion >"$work/err" 2>&1 || { echo 'skipped: Criterion cannot be built with here'; exit 77; }
}
build "$work/some.c" -o "$work/some"
build "$work/some.c" -DSOUND -o "$work/sound"
build "$work/none.c" -o "$work/none"

# run STATUS PROGRAM...
run() {
	wanted=$1
	shift
	BUILD=$work/build "$top/scripts/run-tests" "$@" >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$wanted" ] || fault "exit $got, not $wanted"
}

closes_with() {
	[ "$(tail -n 1 "$work/out")" = "$1" ] || fault "the closing line is not \"$1\""
}

it 'count what Criterion has skipped, and say why'
run 0 "$work/sound"
closes_with '1 passed, 0 failed, 1 skipped'
out_has '^ok .* 1 passed, 1 skipped '
out_has '^ +skipped: some::is_skipped: no such thing here$'

it 'count it beside what failed and crashed'
run 1 "$work/some"
closes_with '1 passed, 2 failed, 1 skipped'

it 'take a program for skipped all of whose tests are'
run 0 "$work/sound" "$work/none"
closes_with '1 passed, 0 failed, 2 skipped'
out_has '^skip .* 0 passed, 1 skipped '

it 'take a program without a test for a failure, and one whose filter asks for none'
echo '#include <criterion/criterion.h>' >"$work/empty.c"
build "$work/empty.c" -o "$work/empty"
run 1 "$work/empty"
closes_with '0 passed, 1 failed'
run 1 "$work/sound --filter other/*"
closes_with '0 passed, 1 failed'

it 'add up lanes, exit codes and closing lines'
printf '#!/bin/sh\necho "3 passed, 0 failed, 2 skipped"\n' >"$work/tells"
printf '#!/bin/sh\nexit 77\n' >"$work/skips"
chmod +x "$work/tells" "$work/skips"
run 0 true "$work/tells" --beside "$work/skips" "$work/sound"
closes_with '5 passed, 0 failed, 4 skipped'
run 1 true false
closes_with '1 passed, 1 failed'

it 'not pass when nothing ran'
run 1
closes_with '0 passed, 0 failed'
run 1 "$work/skips"
closes_with '0 passed, 0 failed, 1 skipped'

finish
