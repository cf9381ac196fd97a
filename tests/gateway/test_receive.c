/* ReceiveMessage: a test for each rule. */
#include "tests/gateway/action_fixture.h"

TestSuite(receive, .init = actions_begin, .fini = actions_end);

Test(receive, a_message_has_id_handle_body_and_digest)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	send_text(queue, "This is a test");
	EXPECT_DONE(ask(action_receive_message, "{'QueueUrl': 'q'}"));
	cr_expect(answer_count("Messages") == 1);
	EXPECT_TEXT("Messages.0.Body", "This is a test");
	EXPECT_TEXT("Messages.0.MD5OfBody", "ce114e4501d2f4e2dcea3e17b546f339");
	cr_expect(strlen(answer_text("Messages.0.MessageId")) == 36);
	cr_expect(json_object_size(answer_at("Messages.0")) == 4);
	cr_expect(call.leased_count == 1);
}
