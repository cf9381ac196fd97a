#include "message_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

static json_t *base64_to_json(const void *bytes, size_t count)
{
	char *text = base64_encode(bytes, count);
	json_t *json = text ? json_string(text) : NULL;

	free(text);
	return json;
}

int bytes_to_json(json_t *object, const char *key, const char *encoding_key, const void *bytes, size_t count)
{
	/* An empty body may have no address at all. */
	json_t *text = json_stringn(count ? bytes : "", count);

	if (text)
		return json_object_set_new(object, key, text);
	return json_object_set_new(object, key, base64_to_json(bytes, count)) ||
	       json_object_set_new(object, encoding_key, json_string("base64"));
}

/* SQS gives numbers in system attributes as strings. */
static int set_decimal(json_t *object, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_object_set_new(object, key, json_string(text));
}

/* All of one length, so that they sort as texts too. */
void sequence_format(uint64_t sequence, char *ret_text)
{
	snprintf(ret_text, SEQUENCE_TEXT_BYTES, "%" PRIu64, UINT64_C(10000000000000000000) + sequence);
}

static int set_ids(json_t *object, const struct rlq_message *message)
{
	char sequence[SEQUENCE_TEXT_BYTES];
	int failed = 0;

	if (message->group)
		failed |= json_object_set_new(object, "MessageGroupId", json_string(message->group));
	if (message->dedup_id)
		failed |= json_object_set_new(object, "MessageDeduplicationId", json_string(message->dedup_id));
	if (message->sequence) {
		sequence_format(message->sequence, sequence);
		failed |= json_object_set_new(object, "SequenceNumber", json_string(sequence));
	}
	return failed;
}

static json_t *system_attributes(const struct rlq_message *message)
{
	json_t *object = json_object();
	int failed = set_decimal(object, "SentTimestamp", message->sent_ms);

	failed |= set_decimal(object, "ApproximateReceiveCount", message->receive_count);
	if (message->first_receive_ms)
		failed |= set_decimal(object, "ApproximateFirstReceiveTimestamp", message->first_receive_ms);
	failed |= set_decimal(object, "SenderId", message->sender);
	failed |= set_ids(object, message);
	if (message->trace)
		failed |= json_object_set_new(object, "AWSTraceHeader", json_string(message->trace));
	if (message->dlq_source)
		failed |= json_object_set_new(object, "DeadLetterQueueSource", json_string(message->dlq_source));
	if (message->dlq_reason)
		failed |= json_object_set_new(object, "DeadLetterReason", json_string(message->dlq_reason));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *attribute_to_json(const struct rlq_attribute *attribute)
{
	static const char *const types[] = {
		[RLQ_STRING] = "String", [RLQ_NUMBER] = "Number", [RLQ_BINARY] = "Binary"};
	const char *label = attribute->type_label ? attribute->type_label : "";
	const bool known = attribute->type >= RLQ_STRING && attribute->type <= RLQ_BINARY;
	json_t *object = json_object();
	char type[320];
	int failed;

	snprintf(type, sizeof(type), "%s%s%s", known ? types[attribute->type] : "Unknown", *label ? "." : "",
		 label);
	failed = json_object_set_new(object, "DataType", json_string(type));
	if (attribute->type == RLQ_BINARY)
		failed |= json_object_set_new(object, "BinaryValue",
					      base64_to_json(attribute->value, attribute->value_bytes));
	else
		failed |= bytes_to_json(object, "StringValue", "StringValueEncoding", attribute->value,
					attribute->value_bytes);
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *message_attributes(const struct rlq_message *message)
{
	json_t *object = json_object();
	int failed = 0;

	for (uint32_t i = 0; i < message->attribute_count; i++)
		failed |= json_object_set_new(object, message->attributes[i].name,
					      attribute_to_json(&message->attributes[i]));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

json_t *message_to_json(const struct rlq_message *message, bool with_receipt)
{
	char id[RLQ_MESSAGE_ID_TEXT_BYTES], receipt[RLQ_RECEIPT_TEXT_BYTES];
	json_t *object = json_object();
	int failed;

	rlq_message_id_format(&message->id, id);
	failed = json_object_set_new(object, "MessageId", json_string(id));
	if (with_receipt) {
		rlq_receipt_format(&message->receipt, receipt);
		failed |= json_object_set_new(object, "ReceiptHandle", json_string(receipt));
	}
	failed |= bytes_to_json(object, "Body", "BodyEncoding", message->body, message->body_bytes);
	failed |= json_object_set_new(object, "Attributes", system_attributes(message));
	failed |= json_object_set_new(object, "MessageAttributes", message_attributes(message));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}
