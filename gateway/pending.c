/* Stands in for parts that are on their way; goes before this lands. */
#include "gateway/gateway.h"
#include "gateway/moves.h"
#include "gateway/security.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define WEAK __attribute__((weak))
#define PENDING(name)                                                                                              \
	WEAK enum call_outcome name(struct call *call)                                                             \
	{                                                                                                          \
		return call_fail(call, UNSUPPORTED_OPERATION, "not there yet");                                    \
	}
PENDING(action_add_permission)
PENDING(action_remove_permission)
PENDING(action_start_message_move_task)
PENDING(action_list_message_move_tasks)
PENDING(action_cancel_message_move_task)

WEAK struct moves *moves_open(struct rlq_directory *directory)
{
	return (struct moves *)directory;
}

WEAK void moves_close(struct moves *moves)
{
}

WEAK bool policy_check(const char *policy, struct failure *failure)
{
	return true;
}

WEAK bool policy_allows(const char *policy, const struct caller *caller, const char *account, const char *action,
			const char *queue_arn, struct failure *failure)
{
	return true;
}
