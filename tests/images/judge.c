#include "tests/images/judge.h"

#include "kmod-free/liveness.h"
#include "tests/crash/cases.h"
#include "tests/images/hash.h"
#include "tests/support/child.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { JUDGE_SECONDS = 20 };

/* What a copy must not learn is in one page (kmod-free/liveness.c), which the kernel would empty for it. */
void judge_begin(void)
{
	uintptr_t page = (uintptr_t)os_process_pid & ~(uintptr_t)4095;

	if (madvise((void *)page, 4096, MADV_KEEPONFORK) != 0) {
		perror("a page that copies keep");
		exit(1);
	}
}

static _Noreturn void judge_main(struct actor *early, const struct script *script)
{
	watchdog(JUDGE_SECONDS);
	case_after_death(early, script);
	_exit(0);
}

struct verdict judge(struct actor *early, const struct script *script)
{
	struct scene *scene = early->scene;
	pid_t pid = _Fork(); /* a fork() would tell the library that it is another process */
	struct verdict verdict;
	int status;

	if (pid < 0)
		scene_fail(scene, "cannot fork a survivor");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		judge_main(early, script);
	}
	status = child_wait(pid);
	verdict = (struct verdict){.is_sound = child_exited(status, 0),
				   .is_stuck = child_was_killed(status, SIGALRM)};
	if (!verdict.is_sound && (scene->failure[0] == '\0' || verdict.is_stuck))
		snprintf(scene->failure, sizeof(scene->failure), "a survivor ended: %s", child_status_text(status));
	verdict.outcome = hash_bytes(scene->tag, scene->tag_count * sizeof(struct tag), scene->delete_count);
	return verdict;
}

/* ---- the scene -------------------------------------------------------------------------------- */

enum { BEFORE_TAGS = offsetof(struct scene, tag), AFTER_TAGS = offsetof(struct scene, receipt) };

struct scene_copy {
	unsigned char before[BEFORE_TAGS], after[sizeof(struct scene) - AFTER_TAGS];
};

struct scene_copy *scene_copy_take(const struct scene *scene)
{
	struct scene_copy *copy = malloc(sizeof(*copy));

	if (copy == NULL) {
		perror("memory");
		exit(1);
	}
	memcpy(copy->before, scene, BEFORE_TAGS);
	memcpy(copy->after, (const unsigned char *)scene + AFTER_TAGS, sizeof(copy->after));
	return copy;
}

void scene_copy_restore(const struct scene_copy *copy, struct stage *stage, const struct accounts *accounts)
{
	struct scene *scene = &stage->scene;
	uint32_t used = scene->tag_count;

	memcpy(scene, copy->before, BEFORE_TAGS);
	memcpy((unsigned char *)scene + AFTER_TAGS, copy->after, sizeof(copy->after));
	scene->clock = accounts->clock;
	memcpy(&scene->known, &accounts->known, sizeof(scene->known));
	scene->tag_count = accounts->tag_count;
	scene->delete_count = accounts->delete_count;
	memcpy(scene->tag, accounts->tag, accounts->tag_count * sizeof(struct tag));
	if (used > accounts->tag_count)
		memset(&scene->tag[accounts->tag_count], 0, (used - accounts->tag_count) * sizeof(struct tag));
	stage->random = accounts->random;
}
