/* SendMessage and SendMessageBatch: a test for each rule. */
#include "tests/gateway/action_fixture.h"

TestSuite(send, .init = actions_begin, .fini = actions_end);

Test(send, an_answer_has_the_id_and_the_digests)
{
	queue_make("q", NULL);
	EXPECT_DONE(ask(action_send_message,
			"{'QueueUrl': 'q', 'MessageBody': 'This is a test', 'MessageAttributes':"
			" {'k': {'DataType': 'String', 'StringValue': 'x'}}}"));
	cr_expect(strlen(answer_text("MessageId")) == 36);
	EXPECT_TEXT("MD5OfMessageBody", "ce114e4501d2f4e2dcea3e17b546f339");
	EXPECT_TEXT("MD5OfMessageAttributes", "a45daa70926828a2f0a1db3418e6feb4");
	EXPECT_ABSENT("MD5OfMessageSystemAttributes");
	EXPECT_ABSENT("SequenceNumber");
	cr_expect_str_eq(call.queue, "q");
}
