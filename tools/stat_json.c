/* stat --json: SQS's attribute names, and ours in their manner. */
#include <inttypes.h>
#include <stdio.h>

#include "attributes.h"
#include "output.h"
#include "stat_text.h"

static int add_numbers(const struct rlq_queue_stat *stat, json_t *object)
{
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{"ApproximateNumberOfMessages", stat->visible},
		{"ApproximateNumberOfMessagesNotVisible", stat->in_flight},
		{"ApproximateNumberOfMessagesDelayed", stat->delayed},
		{"ApproximateNumberOfMessagesWaitingForDlq", stat->dead},
		{"ApproximateAgeOfOldestMessage", stat_age_ms(stat) / 1000},
		{"NumberOfMessagesSent", stat->sent},
		{"NumberOfMessagesReceived", stat->received},
		{"NumberOfMessagesDeleted", stat->deleted},
		{"NumberOfMessagesRedelivered", stat->redelivered},
		{"NumberOfMessagesMovedToDlq", stat->moved_to_dlq},
		{"NumberOfMessagesExpired", stat->expired},
		{"CreatedTimestamp", stat->created_ms / 1000},
		{"LastModifiedTimestamp", stat->modified_ms / 1000},
		{"MemoryBytes", stat->memory_bytes},
		{"Slots", stat->slots},
		{"Rings", stat->rings},
		{"Handles", stat->handles},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		failed |= json_object_set_new(object, numbers[i].name, output_number(numbers[i].number));
	return failed;
}

static int add_groups(const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat,
		      json_t *object)
{
	if (attributes->type == RLQ_FIFO)
		return json_object_set_new(object, "ApproximateNumberOfGroups", output_number(stat->groups)) ||
		       json_object_set_new(object, "ApproximateNumberOfDeduplicationIds",
					   output_number(stat->dedup_ids));
	return json_object_set_new(object, "ApproximateNumberOfTenants", output_number(stat->tenants)) ||
	       json_object_set_new(object, "ApproximateNumberOfNoisyTenants", output_number(stat->noisy_tenants));
}

json_t *stat_to_json(const char *name, const struct rlq_queue_attributes *attributes,
		     const struct rlq_queue_stat *stat, bool engine)
{
	json_t *object = json_pack("{s:s, s:s, s:s}", "QueueName", name, "Type", type_name(attributes->type),
				   "Durability", durability_name(attributes->durability));
	char text[STAT_TEXT_BYTES];
	int failed = add_numbers(stat, object) || add_groups(attributes, stat, object) ||
		     attributes_to_json(attributes, object);

	/* All 64 bits are in use, and JSON's integers end at 63. */
	snprintf(text, sizeof(text), "%016" PRIx64, stat->incarnation);
	failed |= json_object_set_new(object, "Incarnation", json_string(text));
	stat_placed_format(stat, text, sizeof(text));
	failed |= json_object_set_new(object, "Placed", json_string(text));
	stat_policy_format(stat, text, sizeof(text));
	failed |= json_object_set_new(object, "PlacementPolicy", json_string(text));
	failed |= json_object_set_new(object, "Engine", json_boolean(engine));
	if (stat->sends_refused)
		failed |= json_object_set_new(object, "SendsRefused", json_string(rlq_strerror(RLQ_EDISKFULL)));
	if (stat->dlq_error)
		failed |= json_object_set_new(object, "DlqError", json_string(rlq_strerror(stat->dlq_error)));
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}
