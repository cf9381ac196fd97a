# bash completion for ringlease, ringleased and ringlease-sqs. The tool itself knows what may come next; here it is
# only asked, and its answer filtered. ":files" and ":directories" ask for names of those.

_ringlease()
{
	local current=${COMP_WORDS[COMP_CWORD]} candidates
	local words=("${COMP_WORDS[@]:1:COMP_CWORD}")

	# bash splits words at "=": what follows one is typed anew.
	[[ $current == = ]] && current=
	candidates=$("${COMP_WORDS[0]/#\~/$HOME}" __complete "${words[@]}" 2>/dev/null) || return
	case $candidates in
	:files)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	:directories)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
		# An attribute's "=" is followed by its value, not by a blank.
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
		;;
	esac
	return 0
}

_ringleased()
{
	local current=${COMP_WORDS[COMP_CWORD]}

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--key-file | --old-key-file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--dir | --data | --mirror)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W '--dir --data --mirror --without-mirror --accept-stale --adopt --journal-max --key-file --old-key-file --key --old-key --help --version' -- "$current")
		;;
	esac
}

_ringlease_sqs()
{
	local current=${COMP_WORDS[COMP_CWORD]}

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--credentials | --queues | --tls-cert | --tls-key)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--dir | --data)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	--durability)
		mapfile -t COMPREPLY < <(compgen -W 'sync async memory' -- "$current")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W '--dir --data --listen --durability --credentials --account --region --queues --relaxed-limits --wait-after-delete --tls-cert --tls-key --access-log --threads --connections --request-seconds --help --version' -- "$current")
		;;
	esac
}

complete -F _ringlease ringlease
complete -F _ringleased ringleased
complete -F _ringlease_sqs ringlease-sqs
