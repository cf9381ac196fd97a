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

it 'have every option of the endpoint in its manual, and complete it'
sqs_manual=$top/docs/man/ringlease-sqs.8
"$ringlease_sqs" --help >"$work/out" || fault 'no help'
grep -oE -e '--[a-z][a-z-]+' "$work/out" | sort -u >"$work/sqs-options"
[ "$(wc -l <"$work/sqs-options")" -eq 18 ] || fault 'not the 18 options'
sed -n '/^_ringlease_sqs/,/^}/p' "$top/completions/ringlease.bash" >"$work/completion"
while read -r option; do
	in_manual "$sqs_manual" "$option" || fault "ringlease-sqs $option is not in the manual"
	grep -Fqw -e "$option" "$work/completion" || fault "ringlease-sqs $option is not completed"
done <"$work/sqs-options"
sed 's/\\-/-/g; s/\\f[RI]//g; s/"//g' "$sqs_manual" | awk '/^\.TP/ { getline; print }' | grep -oE -e '--[a-z][a-z-]+' |
	sort -u | diff "$work/sqs-options" - >"$work/out" || fault 'options of help and manual differ'

# Of each section of the manual, the command, and the options that are explained in it.
explained() {
	sed 's/\\-/-/g; s/\\~/ /g; s/"//g' "$manual" | awk '
		/^\.SH/ { command = $2 == "OPTIONS" ? "*" : "" }
		/^\.SS/ { command = $2 }
		# Words for fonts, and more than one option in a line.
		command != "" && after && /^\.[BIR]+ / { for (i = 2; i <= NF; i++) if ($i ~ /^--[a-z]/) print command, $i }
		{ after = $1 == ".TP" }'
}

it 'have no option in the manual that is none'
explained | tr -d ',' >"$work/explained"
[ "$(wc -l <"$work/explained")" -gt 40 ] || fault "hardly any option is explained: $(cat "$work/explained")"
while read -r command option; do
	case " $(echo $commands) " in
	*" $command "*) options_of $command ;;
	*) options_of ;;
	esac | grep -Fxq -e "$option" || fault "$command has no $option"
done <"$work/explained"

# constant NAME: a limit of the public header, a number
constant() {
	value=$(sed -nE "s/^[[:space:]]*RLQ_$1 = ([0-9 *]+),.*/\1/p; s/^#define RLQ_$1 INT64_C\(([0-9]+)\).*/\1/p" \
		"$top/include/ringlease.h")
	[ -n "$value" ] || fault "no RLQ_$1 in the header"
	echo $(($value)) # dash works out no expression in a variable
}

# 14680064 as 14,680,064
grouped() {
	echo "$1" | sed -E ':a; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; ta'
}

# both NAME README MANUAL: a row of the limits in the README, and in ringlease(7), which leaves out what is behind a comma
both() {
	grep -Fq -e "| $1 | $2" "$top/README.md" || fault "README.md does not say: | $1 | $2"
	grep -Fq -e "${1%%,*}:$3" "$top/docs/man/ringlease.7" || fault "ringlease(7) does not say: ${1%%,*}: $3"
}

it 'say the limits of the header in README and manual'
mib=1048576 day=86400000
messages=$(constant CAPACITY_MAX) messages_default=$(constant CAPACITY_DEFAULT)
ids=$(constant DEDUP_MAX) ids_default=$(constant DEDUP_DEFAULT)
both 'queue name' "1 to $(constant NAME_MAX) of " "1 to $(constant NAME_MAX) of "
both 'group and deduplication id' "1 to $(constant ID_MAX) " "1 to $(constant ID_MAX) "
both 'body and attributes' \
	"$(($(constant BODY_DEFAULT_MAX) / mib)) MiB by default, settable up to $(($(constant BODY_MAX) / mib)) MiB; $(constant ATTRIBUTES_MAX) attributes |" \
	"$(($(constant BODY_MAX) / mib)) MiB, by default $(($(constant BODY_DEFAULT_MAX) / mib)) MiB; $(constant ATTRIBUTES_MAX) attributes"
both 'tracing context' "1 to $(grouped $(constant TRACE_MAX)) bytes " "1 to $(constant TRACE_MAX) bytes "
both 'messages in a queue' \
	"$(grouped $messages_default) by default, settable from 1 to $(grouped $messages);" \
	"1 to $messages, by default $messages_default"
both 'messages in a call' "$(grouped $(constant BATCH_MAX)) |" "$(constant BATCH_MAX)"
both 'deduplication ids of a queue' \
	"$(grouped $ids_default) by default, settable from 1 to $(grouped $ids);" "1 to $ids, by default $ids_default"
both 'deduplication window' \
	"$(($(constant DEDUP_WINDOW_DEFAULT_MS) / 60000)) minutes by default, settable from $(($(constant DEDUP_WINDOW_MIN_MS) / 1000)) s to $(($(constant DEDUP_WINDOW_MAX_MS) / 3600000)) h |" \
	"$(($(constant DEDUP_WINDOW_MIN_MS) / 1000))s to $(($(constant DEDUP_WINDOW_MAX_MS) / 3600000))h, by default $(($(constant DEDUP_WINDOW_DEFAULT_MS) / 60000))m"
hours=$(($(constant VISIBILITY_MAX_MS) / 3600000)) days=$(($(constant DELAY_MAX_MS) / day))
both 'visibility timeout' "0 to $hours h |" "0 to ${hours}h"
both 'delay' "0 to $days days |" "0 to ${days}d"
seconds=$(($(constant RETENTION_MIN_MS) / 1000)) days=$(($(constant RETENTION_MAX_MS) / day))
both 'retention' "$seconds s to $days days |" "${seconds}s to ${days}d"
both 'open handles of a queue, all processes' "$(grouped $(constant HANDLES_MAX)) |" "$(constant HANDLES_MAX)"
both 'messages read in place, per handle' "$(constant HOLDS_MAX) |" "$(constant HOLDS_MAX)"

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
