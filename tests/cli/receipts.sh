#!/bin/sh
# delete, extend, release: receipts that hold, are stale, or never were.
. "$(dirname "$0")/common.inc"
"$ringlease" create q >/dev/null || exit 1

# Receives one message and sets $receipt.
take() {
	expect 0 receive q --json --wait 10s "$@"
	receipt=$(json ReceiptHandle)
	[ -n "$receipt" ] || fault 'no receipt'
}

it 'delete with a receipt, once'
expect 0 send q one --quiet
take
expect 0 delete q "$receipt"
out_is ''
expect 5 delete q "$receipt"
err_has '^ringlease: delete: stale receipt for queue: q '
stat_is q ApproximateNumberOfMessagesNotVisible 0

it 'print receipts for scripts'
expect 0 send q two --quiet
expect 0 receive q --receipts
out_has "^[^	 ]+	two\$"
cut -f1 "$work/out" | xargs "$ringlease" delete q || fault 'the receipt does not delete'
expect 3 receive q

it 'delete several, and go on after a stale one'
expect 0 send q one --quiet
expect 0 send q two --quiet
take && first=$receipt
take
expect 0 delete q "$first"
expect 5 delete q "$first" "$receipt"
stat_is q ApproximateNumberOfMessagesNotVisible 0

it 'delete after the lease ended while nobody else received'
expect 0 send q late --quiet
take --visibility-timeout 0
expect 0 delete q "$receipt"
expect 3 receive q

it 'refuse a holder whose message was received again'
expect 0 send q twice --quiet
take --visibility-timeout 0 && old=$receipt
take
expect 5 delete q "$old"
expect 5 extend q "$old" 10s
expect 5 release q "$old"
expect 0 delete q "$receipt"

it 'extend to 0, which makes visible at once'
expect 0 send q back --quiet
take
expect 3 receive q
expect 0 extend q "$receipt" 0
take
expect 0 extend q "$receipt" 1h
expect 0 extend q "$receipt"
expect 0 delete q "$receipt"

it 'release at once or after a while'
expect 0 send q back --quiet
take
expect 0 release q "$receipt"
take
json_is ApproximateReceiveCount 2
expect 0 release q "$receipt" 100ms
expect 3 receive q
take
expect 0 release q "$receipt" 1h
expect 3 receive q
expect 0 purge q

it 'refuse texts that are no receipts'
expect 0 send q kept --quiet
take
for bad in '' x 'AAAA' "${receipt}x" "x${receipt#?}" "${receipt%?}"; do
	for verb in delete extend release; do
		expect 2 $verb q "$bad"
		err_has 'not a receipt'
	done
done

it 'refuse a receipt of another queue'
expect 0 create other
expect 5 delete other "$receipt"

it 'refuse a receipt from before the queue was made again'
expect 0 rm q
expect 0 create q
expect 0 send q new --quiet
expect 0 receive q
expect 5 delete q "$receipt"
stat_is q ApproximateNumberOfMessagesNotVisible 1

it 'refuse durations that are none or too long'
expect 2 extend q "$receipt" soon
expect 2 extend q "$receipt" 13h
expect 2 release q "$receipt" 15d

finish
