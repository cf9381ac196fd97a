#include "gateway/shape.h"

#include <string.h>

static const struct shape text = {.kind = SHAPE_TEXT};
static const struct shape content = {.kind = SHAPE_CONTENT};
static const struct shape integer = {.kind = SHAPE_INTEGER};
static const struct shape boolean = {.kind = SHAPE_BOOLEAN};
static const struct shape binary = {.kind = SHAPE_BINARY};
static const struct shape texts = {.kind = SHAPE_LIST, .element = &text};
static const struct shape contents = {.kind = SHAPE_LIST, .element = &content};
static const struct shape binaries = {.kind = SHAPE_LIST, .element = &binary};
static const struct shape attributes = {.kind = SHAPE_MAP, .element = &text, .key = "Name", .value = "Value"};
static const struct shape tags = {.kind = SHAPE_MAP, .element = &text, .key = "Key", .value = "Value"};

/* A member whose names in both protocols are the same, or differ. */
/* clang-format off */
#define MEMBER(name, shape, need) {#name, #name, &shape, need}
#define NAMED(name, query, shape, need) {#name, #query, &shape, need}
/* clang-format on */

/* A structure under `name`, of these members. */
#define STRUCTURE(name, ...)                                                                                       \
	static const struct member name##_members[] = {__VA_ARGS__, {NULL, NULL, NULL, OPTIONAL}};                 \
	static const struct shape name = {.kind = SHAPE_STRUCTURE, .members = name##_members}
#define LIST(name, of) static const struct shape name = {.kind = SHAPE_LIST, .element = &of}

/* ---- parts ----------------------------------------------------------------------------------------------- */

/* Whether a value has its DataType is for who checks attributes to say, in AWS's words for that. */
STRUCTURE(value, MEMBER(StringValue, content, OPTIONAL), MEMBER(BinaryValue, binary, OPTIONAL),
	  NAMED(StringListValues, StringListValue, contents, OPTIONAL),
	  NAMED(BinaryListValues, BinaryListValue, binaries, OPTIONAL), MEMBER(DataType, text, OPTIONAL));
static const struct shape values = {.kind = SHAPE_MAP, .element = &value, .key = "Name", .value = "Value"};

#define MESSAGE_TO_SEND                                                                                            \
	MEMBER(MessageBody, content, NOT_EMPTY), MEMBER(DelaySeconds, integer, OPTIONAL),                          \
		NAMED(MessageAttributes, MessageAttribute, values, OPTIONAL),                                      \
		NAMED(MessageSystemAttributes, MessageSystemAttribute, values, OPTIONAL),                          \
		MEMBER(MessageDeduplicationId, text, OPTIONAL), MEMBER(MessageGroupId, text, OPTIONAL)
#define MESSAGE_SENT                                                                                               \
	MEMBER(MessageId, text, OPTIONAL), MEMBER(MD5OfMessageBody, text, OPTIONAL),                               \
		MEMBER(MD5OfMessageAttributes, text, OPTIONAL),                                                    \
		MEMBER(MD5OfMessageSystemAttributes, text, OPTIONAL), MEMBER(SequenceNumber, text, OPTIONAL)

STRUCTURE(send_entry, MEMBER(Id, text, REQUIRED), MESSAGE_TO_SEND);
LIST(send_entries, send_entry);
STRUCTURE(delete_entry, MEMBER(Id, text, REQUIRED), MEMBER(ReceiptHandle, text, REQUIRED));
LIST(delete_entries, delete_entry);
STRUCTURE(visibility_entry, MEMBER(Id, text, REQUIRED), MEMBER(ReceiptHandle, text, REQUIRED),
	  MEMBER(VisibilityTimeout, integer, OPTIONAL));
LIST(visibility_entries, visibility_entry);

STRUCTURE(entry_failed, MEMBER(Id, text, OPTIONAL), MEMBER(SenderFault, boolean, OPTIONAL),
	  MEMBER(Code, text, OPTIONAL), MEMBER(Message, text, OPTIONAL));
LIST(entries_failed, entry_failed);
STRUCTURE(entry_sent, MEMBER(Id, text, OPTIONAL), MESSAGE_SENT);
LIST(entries_sent, entry_sent);
STRUCTURE(entry_done, MEMBER(Id, text, OPTIONAL));
LIST(entries_done, entry_done);

STRUCTURE(message, MEMBER(MessageId, text, OPTIONAL), MEMBER(ReceiptHandle, text, OPTIONAL),
	  MEMBER(MD5OfBody, text, OPTIONAL), MEMBER(Body, content, OPTIONAL),
	  NAMED(Attributes, Attribute, attributes, OPTIONAL),
	  NAMED(MessageAttributes, MessageAttribute, values, OPTIONAL),
	  MEMBER(MD5OfMessageAttributes, text, OPTIONAL));
LIST(messages, message);

STRUCTURE(task, MEMBER(TaskHandle, text, OPTIONAL), MEMBER(Status, text, OPTIONAL),
	  MEMBER(SourceArn, text, OPTIONAL), MEMBER(DestinationArn, text, OPTIONAL),
	  MEMBER(MaxNumberOfMessagesPerSecond, integer, OPTIONAL),
	  MEMBER(ApproximateNumberOfMessagesMoved, integer, OPTIONAL),
	  MEMBER(ApproximateNumberOfMessagesToMove, integer, OPTIONAL), MEMBER(FailureReason, text, OPTIONAL),
	  MEMBER(StartedTimestamp, integer, OPTIONAL));
LIST(tasks, task);

/* ---- inputs ---------------------------------------------------------------------------------------------- */

/* Needed, but the path of the request may say it too: call_queue() asks for it. */
#define OF_QUEUE MEMBER(QueueUrl, text, OPTIONAL)
#define PAGE MEMBER(MaxResults, integer, OPTIONAL), MEMBER(NextToken, text, OPTIONAL)

STRUCTURE(only_queue, OF_QUEUE);
STRUCTURE(create_queue, MEMBER(QueueName, text, REQUIRED), NAMED(Attributes, Attribute, attributes, OPTIONAL),
	  NAMED(tags, Tag, tags, OPTIONAL));
STRUCTURE(get_queue_url, MEMBER(QueueName, text, REQUIRED), MEMBER(QueueOwnerAWSAccountId, text, OPTIONAL));
STRUCTURE(list_queues, MEMBER(QueueNamePrefix, text, OPTIONAL), PAGE);
STRUCTURE(get_queue_attributes, OF_QUEUE, NAMED(AttributeNames, AttributeName, texts, OPTIONAL));
STRUCTURE(set_queue_attributes, OF_QUEUE, NAMED(Attributes, Attribute, attributes, REQUIRED));
STRUCTURE(send_message, OF_QUEUE, MESSAGE_TO_SEND);
STRUCTURE(send_message_batch, OF_QUEUE, NAMED(Entries, SendMessageBatchRequestEntry, send_entries, REQUIRED));
STRUCTURE(receive_message, OF_QUEUE, MEMBER(MaxNumberOfMessages, integer, OPTIONAL),
	  MEMBER(VisibilityTimeout, integer, OPTIONAL), MEMBER(WaitTimeSeconds, integer, OPTIONAL),
	  NAMED(AttributeNames, AttributeName, texts, OPTIONAL),
	  NAMED(MessageSystemAttributeNames, MessageSystemAttributeName, texts, OPTIONAL),
	  NAMED(MessageAttributeNames, MessageAttributeName, texts, OPTIONAL),
	  MEMBER(ReceiveRequestAttemptId, text, OPTIONAL));
STRUCTURE(delete_message, OF_QUEUE, MEMBER(ReceiptHandle, text, REQUIRED));
STRUCTURE(delete_message_batch, OF_QUEUE, NAMED(Entries, DeleteMessageBatchRequestEntry, delete_entries, REQUIRED));
STRUCTURE(change_message_visibility, OF_QUEUE, MEMBER(ReceiptHandle, text, REQUIRED),
	  MEMBER(VisibilityTimeout, integer, REQUIRED));
STRUCTURE(change_message_visibility_batch, OF_QUEUE,
	  NAMED(Entries, ChangeMessageVisibilityBatchRequestEntry, visibility_entries, REQUIRED));
STRUCTURE(tag_queue, OF_QUEUE, NAMED(Tags, Tag, tags, REQUIRED));
STRUCTURE(untag_queue, OF_QUEUE, NAMED(TagKeys, TagKey, texts, REQUIRED));
STRUCTURE(add_permission, OF_QUEUE, MEMBER(Label, text, REQUIRED),
	  NAMED(AWSAccountIds, AWSAccountId, texts, REQUIRED), NAMED(Actions, ActionName, texts, REQUIRED));
STRUCTURE(remove_permission, OF_QUEUE, MEMBER(Label, text, REQUIRED));
STRUCTURE(list_dead_letter_source_queues, OF_QUEUE, PAGE);
STRUCTURE(start_move, MEMBER(SourceArn, text, REQUIRED), MEMBER(DestinationArn, text, OPTIONAL),
	  MEMBER(MaxNumberOfMessagesPerSecond, integer, OPTIONAL));
STRUCTURE(list_moves, MEMBER(SourceArn, text, REQUIRED), MEMBER(MaxResults, integer, OPTIONAL));
STRUCTURE(task_handle, MEMBER(TaskHandle, text, REQUIRED));

/* ---- results --------------------------------------------------------------------------------------------- */

STRUCTURE(queue_url, MEMBER(QueueUrl, text, OPTIONAL));
STRUCTURE(queues_listed, NAMED(QueueUrls, QueueUrl, texts, OPTIONAL), MEMBER(NextToken, text, OPTIONAL));
STRUCTURE(sources_listed, NAMED(queueUrls, QueueUrl, texts, OPTIONAL), MEMBER(NextToken, text, OPTIONAL));
STRUCTURE(queue_attributes, NAMED(Attributes, Attribute, attributes, OPTIONAL));
STRUCTURE(message_sent, MESSAGE_SENT);
STRUCTURE(batch_sent, NAMED(Successful, SendMessageBatchResultEntry, entries_sent, OPTIONAL),
	  NAMED(Failed, BatchResultErrorEntry, entries_failed, OPTIONAL));
STRUCTURE(batch_deleted, NAMED(Successful, DeleteMessageBatchResultEntry, entries_done, OPTIONAL),
	  NAMED(Failed, BatchResultErrorEntry, entries_failed, OPTIONAL));
STRUCTURE(batch_changed, NAMED(Successful, ChangeMessageVisibilityBatchResultEntry, entries_done, OPTIONAL),
	  NAMED(Failed, BatchResultErrorEntry, entries_failed, OPTIONAL));
STRUCTURE(received, NAMED(Messages, Message, messages, OPTIONAL));
STRUCTURE(queue_tags, NAMED(Tags, Tag, tags, OPTIONAL));
STRUCTURE(move_started, MEMBER(TaskHandle, text, OPTIONAL));
STRUCTURE(moves_listed, NAMED(Results, ListMessageMoveTasksResultEntry, tasks, OPTIONAL));
STRUCTURE(move_cancelled, MEMBER(ApproximateNumberOfMessagesMoved, integer, OPTIONAL));

static const struct action_shape actions[] = {
	{"AddPermission", &add_permission, NULL},
	{"CancelMessageMoveTask", &task_handle, &move_cancelled},
	{"ChangeMessageVisibility", &change_message_visibility, NULL},
	{"ChangeMessageVisibilityBatch", &change_message_visibility_batch, &batch_changed},
	{"CreateQueue", &create_queue, &queue_url},
	{"DeleteMessage", &delete_message, NULL},
	{"DeleteMessageBatch", &delete_message_batch, &batch_deleted},
	{"DeleteQueue", &only_queue, NULL},
	{"GetQueueAttributes", &get_queue_attributes, &queue_attributes},
	{"GetQueueUrl", &get_queue_url, &queue_url},
	{"ListDeadLetterSourceQueues", &list_dead_letter_source_queues, &sources_listed},
	{"ListMessageMoveTasks", &list_moves, &moves_listed},
	{"ListQueueTags", &only_queue, &queue_tags},
	{"ListQueues", &list_queues, &queues_listed},
	{"PurgeQueue", &only_queue, NULL},
	{"ReceiveMessage", &receive_message, &received},
	{"RemovePermission", &remove_permission, NULL},
	{"SendMessage", &send_message, &message_sent},
	{"SendMessageBatch", &send_message_batch, &batch_sent},
	{"SetQueueAttributes", &set_queue_attributes, NULL},
	{"StartMessageMoveTask", &start_move, &move_started},
	{"TagQueue", &tag_queue, NULL},
	{"UntagQueue", &untag_queue, NULL},
};

const struct action_shape *shape_all(size_t *ret_count)
{
	*ret_count = sizeof(actions) / sizeof(actions[0]);
	return actions;
}

const struct action_shape *shape_find(const char *action)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].action, action) == 0)
			return &actions[i];
	return NULL;
}
