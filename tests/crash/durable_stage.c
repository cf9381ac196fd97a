#include "tests/crash/durable_stage.h"

#include "kmod-free/futex.h"
#include "tests/support/shared.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage *stage_open(void)
{
	struct stage *stage = shared_memory(sizeof(*stage));
	const char *base = getenv("TMPDIR"); /* the runner's, on a disk */

	tmpdir_make(stage->queues);
	snprintf(stage->data, sizeof(stage->data), "%s/ringlease-kills.XXXXXX", base ? base : "/var/tmp");
	if (mkdtemp(stage->data) == NULL) {
		fprintf(stderr, "no folder for the journal: %s\n", stage->data);
		exit(1);
	}
	return stage;
}

void stage_close(struct stage *stage)
{
	tmpdir_remove(stage->queues);
	tmpdir_remove(stage->data);
}

void stage_reboot(struct stage *stage)
{
	tmpdir_empty(stage->queues);
	stage->is_rebooted = true;
}

void stage_fail(struct stage *stage, const char *format, ...)
{
	char text[FAILURE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (stage->failure[0] == '\0')
		strcpy(stage->failure, text);
}

bool stage_has_failed(const struct stage *stage, const char *where)
{
	if (stage->failure[0] == '\0')
		return false;
	printf("FAILED: %s: %s\n", where, stage->failure);
	story_tell(stage);
	return true;
}

/* ---- pauses ----------------------------------------------------------------------------------- */

void stage_pause(struct stage *stage)
{
	atomic_fetch_add(&stage->pauses, 1);
	while (atomic_load(&stage->resting) < stage->actors && !stage->failure[0])
		sched_yield();
}

void stage_go_on(struct stage *stage)
{
	atomic_fetch_add(&stage->pauses, 1);
	os_futex_wake(&stage->pauses, INT32_MAX);
	while (atomic_load(&stage->resting) > 0 && !stage->failure[0])
		sched_yield();
}

bool stage_is_paused(const struct stage *stage)
{
	return atomic_load(&stage->pauses) % 2 == 1;
}

void stage_rest(struct stage *stage)
{
	uint32_t pauses = atomic_load(&stage->pauses);

	atomic_fetch_add(&stage->resting, 1);
	while (atomic_load(&stage->pauses) == pauses)
		os_futex_wait(&stage->pauses, pauses, UINT64_MAX);
	atomic_fetch_sub(&stage->resting, 1);
}
