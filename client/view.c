/* What follows the body, as the application sees it. */
#include "client/internal.h"

#include <errno.h>
#include <string.h>

/* Bytes of shared or copied memory as a string of our own. */
static const char *text_of(struct arena *arena, const unsigned char *bytes, size_t count)
{
	char *text = arena_take(arena, count + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, bytes, count);
	text[count] = '\0';
	return text;
}

static int attribute_view(struct arena *arena, const struct message_record *record, struct rlq_attribute *ret)
{
	*ret = (struct rlq_attribute){
		.name = text_of(arena, record->name, record->name_bytes),
		.type_label = text_of(arena, record->label, record->label_bytes),
		.type = (enum rlq_attribute_type)record->kind,
		.value = record->value,
		.value_bytes = record->value_bytes,
	};
	return ret->name && ret->type_label ? 0 : -ENOMEM;
}

int message_view_extra(struct rlq_queue *queue, const unsigned char *extra, uint32_t bytes,
		       struct rlq_message *ret_message)
{
	struct rlq_attribute *attributes = NULL;
	struct message_record record;
	uint64_t offset = 0;
	int result;

	while ((result = message_next_record(extra, bytes, &offset, &record)) == 1) {
		if (record.kind == NOTE_GROUP) {
			ret_message->group = text_of(&queue->arena, record.value, record.value_bytes);
		} else if (record.kind == NOTE_DEDUP || record.kind == NOTE_DEDUP_IN_GROUP) {
			ret_message->dedup_id = text_of(&queue->arena, record.value, record.value_bytes);
		} else if (record.kind == NOTE_TRACE) {
			ret_message->trace = text_of(&queue->arena, record.value, record.value_bytes);
		} else if (record.kind == NOTE_SOURCE) {
			ret_message->dlq_source = text_of(&queue->arena, record.value, record.value_bytes);
		} else if (record.kind == NOTE_REASON) {
			ret_message->dlq_reason = text_of(&queue->arena, record.value, record.value_bytes);
		} else if (record.kind >= RLQ_STRING && record.kind <= RLQ_BINARY &&
			   ret_message->attribute_count < RLQ_ATTRIBUTES_MAX) {
			if (attributes == NULL)
				attributes = arena_take(&queue->arena, sizeof(*attributes) * RLQ_ATTRIBUTES_MAX);
			if (attributes == NULL)
				return -ENOMEM;
			ret_message->attributes = attributes;
			result =
				attribute_view(&queue->arena, &record, &attributes[ret_message->attribute_count++]);
			if (result < 0)
				return result;
		} else {
			return RLQ_EDAMAGED;
		}
	}
	return result;
}
