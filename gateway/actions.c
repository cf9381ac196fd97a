/* The actions by their names. */
#include "gateway/call.h"

#include <string.h>

static const struct action actions[] = {
	{"AddPermission", action_add_permission, false},
	{"CancelMessageMoveTask", action_cancel_message_move_task, true},
	{"ChangeMessageVisibility", action_change_message_visibility, false},
	{"ChangeMessageVisibilityBatch", action_change_message_visibility_batch, false},
	{"CreateQueue", action_create_queue, true},
	{"DeleteMessage", action_delete_message, false},
	{"DeleteMessageBatch", action_delete_message_batch, false},
	{"DeleteQueue", action_delete_queue, false},
	{"GetQueueAttributes", action_get_queue_attributes, false},
	{"GetQueueUrl", action_get_queue_url, false},
	{"ListDeadLetterSourceQueues", action_list_dead_letter_source_queues, false},
	{"ListMessageMoveTasks", action_list_message_move_tasks, true},
	{"ListQueueTags", action_list_queue_tags, false},
	{"ListQueues", action_list_queues, true},
	{"PurgeQueue", action_purge_queue, false},
	{"ReceiveMessage", action_receive_message, false},
	{"RemovePermission", action_remove_permission, false},
	{"SendMessage", action_send_message, false},
	{"SendMessageBatch", action_send_message_batch, false},
	{"SetQueueAttributes", action_set_queue_attributes, false},
	{"StartMessageMoveTask", action_start_message_move_task, true},
	{"TagQueue", action_tag_queue, false},
	{"UntagQueue", action_untag_queue, false},
};

const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}
