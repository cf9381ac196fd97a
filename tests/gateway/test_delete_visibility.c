/* Delete, change of visibility, and their batches: a test for each rule. */
#include "tests/gateway/action_fixture.h"

TestSuite(delete_visibility, .init = actions_begin, .fini = actions_end);

Test(delete_visibility, a_delete_deletes)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_text(queue, "a");
	EXPECT_DONE(ask(action_delete_message, "{'QueueUrl': 'q', 'ReceiptHandle': '%s'}", receive_handle("q")));
	cr_expect(json_object_size(call.output) == 0);
	cr_expect(stat_of(queue).in_flight == 0 && stat_of(queue).visible == 0);
}
