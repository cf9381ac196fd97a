#!/bin/sh
# Every command and option of --help is in the manual and is offered by the completion.
. "$(dirname "$0")/common.inc"
top=$(cd "$(dirname "$0")/../.." && pwd)
manual=$top/docs/man/ringlease.1

commands=$("$ringlease" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
options_of() {
	"$ringlease" "$@" --help | sed -nE 's/^  (--[a-z-]+).*/\1/p'
}

# In the manual a hyphen is written \- .
in_manual() {
	sed 's/\\-/-/g' "$1" | grep -Fq -e "$2"
}

it 'have help for all commands'
[ "$(echo "$commands" | wc -l)" -eq 18 ] || fault "not the 18 commands: $commands"
for command in $commands; do
	expect 0 $command --help
	out_has "^Usage: ringlease $command"
	expect 0 help $command
	out_has "^Usage: ringlease $command"
done
expect 0 help
out_has '^Usage: ringlease '
expect 2 help nothing
expect 0 --version
out_has '^ringlease [0-9]+\.[0-9]+'

it 'have every command and option in the manual'
for command in $commands; do
	in_manual "$manual" ".SS $command" || in_manual "$manual" ".SS \"$command" || fault "no section for $command"
	for option in $(options_of $command); do
		in_manual "$manual" "$option" || fault "$command $option is not in the manual"
	done
done
for option in $("$ringleased" --help | sed -nE 's/^  (--[a-z-]+).*/\1/p'); do
	in_manual "$top/docs/man/ringleased.8" "$option" || fault "ringleased $option is not in the manual"
	grep -Fq -e "$option" "$top/completions/ringlease.bash" || fault "ringleased $option is not completed"
done

it 'offer every command and option to the shell'
"$ringlease" __complete '' >"$work/out"
for command in $commands; do
	out_has "^$command\$"
done
for command in $commands; do
	"$ringlease" __complete $command -- >"$work/out"
	[ "$(sort "$work/out")" = "$(options_of $command | sort)" ] || fault "$command: not the options of --help"
done

it 'offer queues, words and attributes where they belong'
expect 0 create orders
expect 0 create bills
offers() {
	wanted=$1
	shift
	[ "$("$ringlease" __complete "$@" | tr '\n' ' ')" = "$wanted" ] || fault "__complete $*: not $wanted"
}
offers 'bills orders ' send ''
offers 'bills orders ' rm orders ''
offers 'bills orders ' create dead --dlq ''
offers 'bills orders ' redrive --to ''
offers '' send orders ''
offers 'ls dump verify compact ' journal ''
offers ':directories ' backup ''
offers 'bills orders ' journal dump --queue ''
offers 'memory async sync ' create x --durability ''
offers 'standard fifo ' create x --type ''
offers 'queue messageGroup ' create x --dedup-scope ''
offers ':files ' send orders --file ''
offers ':directories ' ls --dir ''
offers '' ls --dir "$work/empty" ''
offers 'visibility-timeout= delay= retention= wait= max-message-bytes= dlq= max-receives= overdue= max-journal-bytes= content-dedup= dedup-scope= dedup-window= ' set orders ''

it 'complete in bash'
if command -v bash >/dev/null; then
	PATH=$(dirname "$ringlease"):$PATH bash -c '
		. "$1"
		COMP_WORDS=(ringlease receive ord) COMP_CWORD=2
		_ringlease
		echo "${COMPREPLY[*]}"
		COMP_WORDS=(ringlease receive orders --vis) COMP_CWORD=3
		_ringlease
		echo "${COMPREPLY[*]}"
		COMP_WORDS=(ringlease st) COMP_CWORD=1
		_ringlease
		echo "${COMPREPLY[*]}"' - "$top/completions/ringlease.bash" >"$work/out" 2>"$work/err"
	out_is 'orders
--visibility-timeout
stat
'
fi

it 'have a page for every function of the API'
for function in $(grep -ohE '\brlq_[a-z_]+\(' "$top/include/ringlease.h" "$top/include/ringlease-engine.h" |
	tr -d '(' | sort -u); do
	page=$top/docs/man/$function.3
	# A page may refer to the one that it shares with others.
	[ -f "$page" ] && page=$top/docs/man/$(sed -n 's|^\.so man3/||p' "$page")
	[ -f "$page" ] || page=$top/docs/man/$function.3
	sed -n '/^\.SH NAME/,/^\.SH SYNOPSIS/p' "$page" 2>/dev/null | grep -Eq "\b$function\b" ||
		fault "$function has no page"
done

it 'have manual pages without faults'
if command -v groff >/dev/null; then
	for page in "$top"/docs/man/*.[1-8]; do
		grep -q '^\.so ' "$page" && continue
		groff -k -t -mandoc -Tutf8 -ww -rLL=80n -z "$page" 2>"$work/err"
		[ -s "$work/err" ] && fault "$(basename "$page") has faults"
	done
fi

finish
