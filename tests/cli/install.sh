#!/bin/sh
# make install and uninstall: what a package of it would contain, and that programs can be built with it.
. "$(dirname "$0")/common.inc"

top=$(cd "$(dirname "$0")/../.." && pwd)
cc=${CC:-cc}
B=${BUILD:-build}
B=${B#"$top"/}
case $B in
*flavour-address* | *flavour-thread* | *flavour-coverage* | *flavour-clang-*)
	echo 'skipped: a library with a sanitizer is not one to install'
	exit 77
	;;
esac
for tool in pkg-config readelf nm; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

root=$work/root prefix=/opt/ringlease
lib=$root$prefix/lib

# The library's own build, by the flags that this test's caller gave make.
install_make() {
	make -s -C "$top" B="$B" PREFIX=$prefix DESTDIR="$root" "$1" >"$work/out" 2>"$work/err" || fault "make $1 failed"
}

config() {
	PKG_CONFIG_LIBDIR=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root pkg-config "$@"
}

# lists FILE...: each is there and not empty.
has_files() {
	for file; do
		[ -s "$root$prefix/$file" ] || fault "no $file"
	done
}

it 'install nothing that make has not built'
make -n -C "$top" B="$work/fresh" PREFIX=$prefix >"$work/out" 2>"$work/err" || fault 'make -n failed'
for program in ringlease ringleased ringlease-sqs; do
	out_has "-o $work/fresh/$program "
done

it 'put everything under DESTDIR and PREFIX'
install_make install
has_files include/ringlease.h include/ringlease-engine.h bin/ringlease bin/ringleased bin/ringlease-sqs \
	lib/libringlease.a lib/libringlease.so lib/libringlease-engine.so lib/pkgconfig/ringlease.pc \
	lib/pkgconfig/ringlease-engine.pc share/man/man1/ringlease.1 share/man/man3/rlq_send.3 \
	share/man/man8/ringleased.8 share/man/man8/ringlease-sqs.8 share/bash-completion/completions/ringlease \
	share/bash-completion/completions/ringleased share/bash-completion/completions/ringlease-sqs \
	lib/systemd/system/ringleased.service lib/systemd/system/ringlease-sqs.service
[ "$(find "$root" -type f -o -type l | grep -cv "^$root$prefix/")" -eq 0 ] || fault 'files outside of PREFIX'
[ -z "$(find "$lib" -xtype l)" ] || fault 'a link points nowhere'

it 'give the libraries a name by major version'
version=$(cat "$top/VERSION")
for name in libringlease libringlease-engine; do
	readelf -d "$lib/$name.so.$version" >"$work/out" || fault "no $name.so.$version"
	out_has "SONAME.*\[$name\.so\.${version%%.*}\]"
	[ "$(readlink -f "$lib/$name.so")" = "$lib/$name.so.$version" ] || fault "$name.so does not lead to it"
	out_lacks 'RPATH|RUNPATH|TEXTREL'
done

it 'show nothing but its public names'
nm -D --defined-only "$lib/libringlease.so" | awk '$2 != "A" { print $3 }' >"$work/out"
out_has '^rlq_send@'
grep -qv '^rlq_' "$work/out" && fault 'other names than rlq_*'

it 'let pkg-config build the C of README.md, shared and static'
sed -n '/^```c$/,/^```$/p' "$top/README.md" | grep -v '^```' >"$work/hello.c"
# shellcheck disable=SC2046
$cc -Wall -Werror -o "$work/hello" "$work/hello.c" $(config --cflags --libs ringlease) 2>"$work/err" ||
	fault 'it does not build'
readelf -d "$work/hello" >"$work/out"
out_has "NEEDED.*libringlease\.so\.${version%%.*}\]"
LD_LIBRARY_PATH=$lib "$work/hello" >"$work/out" 2>"$work/err" || fault 'it fails'
line_is hello
# shellcheck disable=SC2046
$cc -static -o "$work/hello-static" "$work/hello.c" $(config --static --cflags --libs ringlease) 2>"$work/err" ||
	fault 'it does not build statically'
env -u LD_LIBRARY_PATH "$work/hello-static" >"$work/out" 2>"$work/err" || fault 'the static one fails'
line_is hello

it 'let pkg-config find the engine'
cat >"$work/engine.c" <<'C'
#include <ringlease-engine.h>

int main(void)
{
	struct rlq_engine *engine;

	if (rlq_engine_open(NULL, NULL, &engine) != 0)
		return 1;
	rlq_engine_stop(engine);
	if (rlq_engine_run(engine) != 0)
		return 1;
	rlq_engine_close(engine);
}
C
# shellcheck disable=SC2046
$cc -Wall -Werror -o "$work/engine" "$work/engine.c" $(config --cflags --libs ringlease-engine) 2>"$work/err" ||
	fault 'it does not build'
LD_LIBRARY_PATH=$lib "$work/engine" >"$work/out" 2>"$work/err" || fault 'it fails'

it 'install a command, a daemon and an endpoint that run'
ringlease=$root$prefix/bin/ringlease
expect 0 --version
line_is "ringlease $version"
expect 0 create installed
expect 0 send installed there --quiet
expect 0 receive installed --delete
line_is there
"$root$prefix/bin/ringleased" --version >"$work/out" || fault 'ringleased does not run'
line_is "ringleased $version"
"$root$prefix/bin/ringlease-sqs" --version >"$work/out" || fault 'ringlease-sqs does not run'
line_is "ringlease-sqs $version"

it 'install units that systemd understands, and that nothing enables'
[ -z "$(find "$root" -name '*.wants')" ] || fault 'a unit is enabled'
if command -v systemd-analyze >/dev/null; then
	# Programs are looked for in the usual folders, where this test has none.
	for unit in "$root$prefix"/lib/systemd/system/*.service; do
		sed "s|^ExecStart=|&$root$prefix/bin/|" "$unit" >"$work/$(basename "$unit")"
	done
	systemd-analyze verify --man=no "$work"/*.service >"$work/out" 2>&1 || fault 'systemd does not like a unit'
	[ -s "$work/out" ] && fault 'systemd has something to say of a unit'
fi

it 'leave nothing after make uninstall'
install_make uninstall
[ -z "$(find "$root" -type f -o -type l)" ] || fault "left: $(find "$root" -type f -o -type l)"

finish
