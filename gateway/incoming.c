#include "gateway/incoming.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/address.h"
#include "gateway/attributes.h"
#include "gateway/message.h"

/* ---- what is asked for ------------------------------------------------------------------------ */

enum system_attribute {
	SENDER_ID,
	SENT,
	RECEIVE_COUNT,
	FIRST_RECEIVE,
	GROUP_ID,
	DEDUP_ID,
	SEQUENCE,
	TRACE,
	DLQ_SOURCE,
	SYSTEM_ATTRIBUTES
};

static const char *const system_names[] = {
	[SENDER_ID] = "SenderId",
	[SENT] = "SentTimestamp",
	[RECEIVE_COUNT] = "ApproximateReceiveCount",
	[FIRST_RECEIVE] = "ApproximateFirstReceiveTimestamp",
	[GROUP_ID] = "MessageGroupId",
	[DEDUP_ID] = "MessageDeduplicationId",
	[SEQUENCE] = "SequenceNumber",
	[TRACE] = "AWSTraceHeader",
	[DLQ_SOURCE] = "DeadLetterQueueSourceArn",
};

static uint32_t system_bits(const json_t *names)
{
	uint32_t bits = 0;
	size_t i;
	json_t *name;

	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);

		if (strcmp(text, "All") == 0)
			return UINT32_MAX;
		for (int at = 0; at < SYSTEM_ATTRIBUTES; at++)
			if (strcmp(text, system_names[at]) == 0)
				bits |= 1u << at;
	}
	return bits;
}

struct selection selection_read(const json_t *input)
{
	const json_t *names = json_object_get(input, "MessageAttributeNames");

	return (struct selection){
		.system = system_bits(json_object_get(input, "AttributeNames")) |
			  system_bits(json_object_get(input, "MessageSystemAttributeNames")),
		.names = json_array_size(names) > 0 ? names : NULL,
	};
}

/* ---- system attributes ------------------------------------------------------------------------ */

struct system_writer {
	const struct selection *selection;
	json_t *object; /* NULL: none so far */
	int failed;
};

static void put(struct system_writer *writer, enum system_attribute attribute, const char *text, size_t bytes)
{
	if (!(writer->selection->system >> attribute & 1) || text == NULL)
		return;
	if (writer->object == NULL)
		writer->object = json_object();
	writer->failed |= json_object_set_new_nocheck(writer->object, system_names[attribute],
						      json_stringn_nocheck(text, bytes));
}

static void put_text(struct system_writer *writer, enum system_attribute attribute, const char *text)
{
	put(writer, attribute, text, text ? strlen(text) : 0);
}

static void put_number(struct system_writer *writer, enum system_attribute attribute, uint64_t number)
{
	char text[24];

	if (writer->selection->system >> attribute & 1)
		put(writer, attribute, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

static int system_to_json(const struct call *call, const struct rlq_message *message,
			  const struct selection *selection, json_t *object)
{
	struct system_writer writer = {.selection = selection};
	char arn[ADDRESS_TEXT_BYTES], sequence[SEQUENCE_TEXT_BYTES];

	put_number(&writer, SENDER_ID, message->sender);
	put_number(&writer, SENT, message->sent_ms);
	put_number(&writer, RECEIVE_COUNT, message->receive_count);
	put_number(&writer, FIRST_RECEIVE, message->first_receive_ms);
	put_text(&writer, GROUP_ID, message->group);
	put_text(&writer, DEDUP_ID, message->dedup_id);
	if (message->sequence > 0) {
		sequence_format(message->sequence, sequence);
		put_text(&writer, SEQUENCE, sequence);
	}
	if (message->trace && text_is_allowed(message->trace, strlen(message->trace))) /* natives may send others */
		put_text(&writer, TRACE, message->trace);
	if (message->dlq_source && selection->system >> DLQ_SOURCE & 1) {
		address_arn(call, message->dlq_source, arn);
		put_text(&writer, DLQ_SOURCE, arn);
	}
	if (writer.object == NULL)
		return writer.failed;
	return json_object_set_new_nocheck(object, "Attributes", writer.object) | writer.failed;
}

/* ---- body and message attributes -------------------------------------------------------------- */

/* What the answer has of the attributes of a message. */
struct shown {
	struct rlq_attribute list[RLQ_ATTRIBUTES_MAX + 1];
	size_t count;
};

static void show_attributes(const struct rlq_message *message, const json_t *names, struct shown *ret)
{
	ret->count = 0;
	for (uint32_t i = 0; i < message->attribute_count; i++) {
		const struct rlq_attribute *attribute = &message->attributes[i];

		if (names && attribute_is_selected(attribute->name, names))
			ret->list[ret->count++] = *attribute;
	}
}

static int body_to_json(const struct rlq_message *message, struct shown *shown, json_t *object)
{
	const bool is_text = text_is_allowed(message->body, message->body_bytes);
	json_t *body = is_text ? json_stringn_nocheck(message->body_bytes ? message->body : "", message->body_bytes)
			       : base64_to_json(message->body, message->body_bytes);
	char md5[MD5_TEXT_BYTES];

	if (body == NULL)
		return -1;
	/* Asked for or not: without it nobody could know. */
	if (!is_text)
		shown->list[shown->count++] = (struct rlq_attribute){
			.name = ATTRIBUTE_ENCODING, .type = RLQ_STRING, .value = "base64", .value_bytes = 6};
	md5_of_body(json_string_value(body), json_string_length(body), md5);
	return json_object_set_new_nocheck(object, "MD5OfBody", json_stringn_nocheck(md5, MD5_TEXT_BYTES - 1)) |
	       json_object_set_new_nocheck(object, "Body", body);
}

static int attributes_to_json(struct shown *shown, json_t *object)
{
	json_t *attributes;
	char md5[MD5_TEXT_BYTES];
	int failed = 0;

	if (shown->count == 0)
		return 0;
	attributes = json_object();
	for (size_t i = 0; i < shown->count; i++)
		failed |= json_object_set_new_nocheck(attributes, shown->list[i].name,
						      attribute_to_json(&shown->list[i]));
	md5_of_attributes(shown->list, shown->count, md5); /* of what is answered, which may have changed */
	return json_object_set_new_nocheck(object, "MessageAttributes", attributes) |
	       json_object_set_new_nocheck(object, "MD5OfMessageAttributes",
					   json_stringn_nocheck(md5, MD5_TEXT_BYTES - 1)) |
	       failed;
}

json_t *incoming_to_json(const struct call *call, const struct rlq_message *message,
			 const struct selection *selection)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES], receipt[RLQ_RECEIPT_TEXT_BYTES];
	json_t *object = json_object();
	struct shown shown;
	int failed;

	rlq_message_id_format(&message->id, id);
	rlq_receipt_format(&message->receipt, receipt);
	show_attributes(message, selection->names, &shown);
	failed = json_object_set_new_nocheck(object, "MessageId", json_string_nocheck(id));
	failed |= json_object_set_new_nocheck(object, "ReceiptHandle", json_string_nocheck(receipt));
	failed |= body_to_json(message, &shown, object);
	failed |= system_to_json(call, message, selection, object);
	failed |= attributes_to_json(&shown, object);
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}
