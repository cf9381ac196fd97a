/* The actions by their names. */
#include "gateway/call.h"

#include <string.h>

static const struct action actions[] = {
	{"AddPermission", action_add_permission, WAITS_OFTEN, false},
	{"CancelMessageMoveTask", action_cancel_message_move_task, WAITS_OFTEN, true},
	{"ChangeMessageVisibility", action_change_message_visibility, WAITS_NEVER, false},
	{"ChangeMessageVisibilityBatch", action_change_message_visibility_batch, WAITS_NEVER, false},
	{"CreateQueue", action_create_queue, WAITS_OFTEN, true},
	{"DeleteMessage", action_delete_message, WAITS_IF_DURABLE, false},
	{"DeleteMessageBatch", action_delete_message_batch, WAITS_IF_DURABLE, false},
	{"DeleteQueue", action_delete_queue, WAITS_OFTEN, false},
	{"GetQueueAttributes", action_get_queue_attributes, WAITS_NEVER, false},
	{"GetQueueUrl", action_get_queue_url, WAITS_NEVER, false},
	{"ListDeadLetterSourceQueues", action_list_dead_letter_source_queues, WAITS_NEVER, false},
	{"ListMessageMoveTasks", action_list_message_move_tasks, WAITS_NEVER, true},
	{"ListQueueTags", action_list_queue_tags, WAITS_NEVER, false},
	{"ListQueues", action_list_queues, WAITS_NEVER, true},
	{"PurgeQueue", action_purge_queue, WAITS_OFTEN, false},
	{"ReceiveMessage", action_receive_message, WAITS_NEVER, false},
	{"RemovePermission", action_remove_permission, WAITS_OFTEN, false},
	{"SendMessage", action_send_message, WAITS_IF_DURABLE, false},
	{"SendMessageBatch", action_send_message_batch, WAITS_IF_DURABLE, false},
	{"SetQueueAttributes", action_set_queue_attributes, WAITS_OFTEN, false},
	{"StartMessageMoveTask", action_start_message_move_task, WAITS_OFTEN, true},
	{"TagQueue", action_tag_queue, WAITS_OFTEN, false},
	{"UntagQueue", action_untag_queue, WAITS_OFTEN, false},
};

const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}
