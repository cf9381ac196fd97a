#!/bin/sh
# scripts/setup where it may not install: it says what is to be installed, and how, and fails.
. "$(dirname "$0")/common.inc"

top=$(cd "$(dirname "$0")/../.." && pwd)
as=
if [ "$(id -u)" -eq 0 ]; then
	as='setpriv --reuid=65534 --regid=65534 --clear-groups'
	$as true 2>/dev/null || { echo 'skipped: root cannot act as another user here'; exit 77; }
fi
chmod 711 "$work"
mkdir "$work/bin"
chmod 755 "$work/bin"
cp "$top/scripts/setup" "$work/setup"
chmod 755 "$work/setup"

# program NAME: what stands in for it, from the input.
program() {
	{ echo '#!/bin/sh'; cat; } >"$work/bin/$1"
	chmod 755 "$work/bin/$1"
}
# Of all packages those in $work/lacking are missing.
program dpkg-query <<-RUN
	for package; do :; done
	grep -qx "\$package" "$work/lacking" && exit 1
	echo installed
RUN
program apt-get <<-RUN
	echo "apt-get \$*" >>"$work/called"
	exit 1
RUN
program sudo <<-RUN
	exit 1
RUN
: >"$work/called"
chmod 666 "$work/called"

# lacking STATUS PACKAGE...: runs set-up without them.
lacking() {
	wanted=$1
	shift
	printf '%s\n' "$@" >"$work/lacking"
	chmod 644 "$work/lacking"
	# shellcheck disable=SC2086
	PATH=$work/bin:$PATH $as "$work/setup" check >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$wanted" ] || fault "exit $got, not $wanted"
	[ -s "$work/called" ] && fault "it called $(cat "$work/called")"
	return 0
}

it 'say what to install, and fail, without root'
lacking 1 strace libcriterion-dev
[ "$(cat "$work/err")" = 'set-up: packages are missing and this is not root; run: sudo apt-get install --no-install-recommends libcriterion-dev strace' ] ||
	fault 'not this'
out_is ''

it 'say nothing when all is there'
lacking 0 none-such
out_is ''
[ -s "$work/err" ] && fault 'something on stderr'

it 'refuse a target that it does not know'
$as "$work/setup" everything >"$work/out" 2>"$work/err"
[ $? -eq 2 ] || fault 'not exit 2'
err_has '^usage: scripts/setup '

finish
