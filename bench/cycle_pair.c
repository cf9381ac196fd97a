#include "bench/cycle_pair.h"

static double subject(struct team *team, uint32_t me, void *context)
{
	return cycle_queue(team, me, &((struct cycle_pair *)context)->subject);
}

static double yardstick(struct team *team, uint32_t me, void *context)
{
	return cycle_queue(team, me, &((struct cycle_pair *)context)->yardstick);
}

static void work(struct team *team, uint32_t me, void *context)
{
	struct cycle_pair *both = context;
	struct opened first = queue_open(team, &both->place, both->subject_name);
	struct opened second = queue_open(team, &both->place, both->yardstick_name);

	both->subject.queue = first.queue;
	both->yardstick.queue = second.queue;
	pair_play(team, me, &both->pair, subject, yardstick, both);
	queue_close(&first);
	queue_close(&second);
}

bool cycle_pair_run(struct cycle_pair *both, uint32_t members)
{
	return pair_run(&both->pair, members, work, both);
}
