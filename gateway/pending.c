/* Stands in for parts that are on their way; goes before this lands. */
#include "gateway/gateway.h"
#include "gateway/moves.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define WEAK __attribute__((weak))
#define PENDING(name)                                                                                              \
	WEAK enum call_outcome name(struct call *call)                                                             \
	{                                                                                                          \
		return call_fail(call, UNSUPPORTED_OPERATION, "not there yet");                                    \
	}
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
