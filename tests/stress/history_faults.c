/* The history checker finds each fault it is for, and none in a sound history. */
#include "tests/stress/history_cases.h"

/* Two messages that live as they should: one is released and received again, one outlives a lease and is
 * deleted late by nobody knows whom. */
static void write_sound_standard(void)
{
	struct history_event change = receive_event(1, 1, 8);

	history_log_clear(told.log[0]);
	history_log_clear(told.log[1]);
	change.kind = HISTORY_CHANGE;
	add(0, send_event(1, HISTORY_DONE));
	add(0, send_event(2, HISTORY_DONE));
	add(0, send_event(3, HISTORY_UNKNOWN));
	add(0, send_event(4, HISTORY_REFUSED));
	add(1, receive_event(1, 1, 5));
	add(1, change);
	add(0, receive_event(1, 2, 10));
	add(0, delete_event(1, 2, 12, HISTORY_DONE));
	add(1, receive_event(2, 1, 5));
	add(0, receive_event(2, 2, 40));
	add(1, delete_event(2, 1, 41, HISTORY_REFUSED));
	add(0, delete_event(2, 2, 42, HISTORY_UNKNOWN));
}

static void find_losses(void)
{
	expect("a sound history has no fault", NULL);
	add(0, send_event(9, HISTORY_DONE));
	expect("a message that was sent and never seen again is lost", "lost: message 9");
	add(0, send_event(9, HISTORY_DONE));
	add(1, receive_event(9, 1, 5));
	expect("a message that was received and never came back is lost", "lost: message 9");
	add(0, send_event(9, HISTORY_UNKNOWN));
	expect("a message whose send never answered may be gone", NULL);
	add(1, receive_event(9, 1, 5));
	expect("a message that nobody sent is invented", "invented: message 9");
	add(1, receive_event(4, 1, 5));
	expect("a message whose send was refused is invented", "invented: message 4");
}

static void find_double_leases(void)
{
	struct history_event extension = receive_event(2, 3, 60);

	extension.kind = HISTORY_EXTEND;
	add(1, receive_event(2, 3, 50));
	add(0, receive_event(2, 4, 52));
	expect("a receive inside a lease is a double lease", "double lease: message 2");
	add(1, receive_event(2, 3, 50));
	add(0, receive_event(2, 4, 81));
	expect("a receive after the lease is none", NULL);
	add(1, receive_event(2, 3, 50));
	add(1, extension);
	add(0, receive_event(2, 4, 85));
	expect("a receive inside a lease that was extended is a double lease",
	       "double lease, after an extension: message 2");
	add(1, receive_event(2, 3, 50));
	add(1, extension);
	add(0, receive_event(2, 4, 91));
	expect("a receive after the extended lease is none", NULL);
	add(1, receive_event(2, 3, 50));
	extension.lease_ns = 1 * MS;
	add(1, extension);
	add(0, receive_event(2, 4, 65));
	expect("a lease may be cut short by its holder", NULL);
	add(1, receive_event(2, 3, 50));
	extension.lease_ns = 30 * MS;
	extension.outcome = HISTORY_UNKNOWN;
	add(1, extension);
	add(0, receive_event(2, 4, 85));
	expect("an extension that never answered promises nothing", NULL);
	add(1, receive_event(2, 2, 90));
	expect("two receives with the same count are a double lease",
	       "double lease, same receive count: message 2");
	for (uint32_t i = 3; i <= 6; i++)
		add(1, receive_event(2, i, 100 * i));
	expect("a receive beyond the allowed number is one too many", "received too often: message 2");
}

static void find_deletes(void)
{
	struct history_event from_dlq = receive_event(2, 3, 60);
	struct history_event same_id = send_event(9, HISTORY_DONE);

	add(1, receive_event(1, 3, 20));
	expect("a receive after a confirmed delete is found", "received after its delete: message 1");
	add(1, delete_event(1, 1, 14, HISTORY_DONE));
	expect("a second confirmed delete is found", "deleted twice: message 1");
	add(0, send_event(9, HISTORY_DONE));
	add(0, receive_event(9, 1, 5));
	add(1, receive_event(9, 2, 40));
	add(0, delete_event(9, 1, 42, HISTORY_DONE));
	expect("a delete by a holder who came too late is found", "stale delete: message 9");
	from_dlq.is_dlq = 1;
	add(1, from_dlq);
	add(1, receive_event(2, 4, 80));
	expect("a message does not come back from the DLQ by itself", "back from the DLQ: message 2");
	same_id.message_id[0] = 1;
	same_id.message_id[1] = ~UINT64_C(1);
	add(0, same_id);
	add(0, delete_event(9, 1, 12, HISTORY_DONE));
	expect("two messages with one id are found", "same message id");
}

int main(void)
{
	told.log[0] = history_log_new(64);
	told.log[1] = history_log_new(64);
	told.log_count = 2;
	told.receives_max = 5;
	write_sound = write_sound_standard;
	write_sound();
	find_losses();
	find_double_leases();
	find_deletes();
	find_fifo_faults();
	printf("%u passed, %u failed\n", told_passed, told_failed);
	return told_failed > 0;
}
