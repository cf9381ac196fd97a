/* What senders, consumers and the sweep do with FIFO groups: each actor makes one call. */
#include "tests/interleave/groups_world.h"

/* What an actor is to do; constant during a run. */
static struct task {
	unsigned group;
	uint32_t slot;
	uint64_t list;
	int to_group;
} tasks[ACTORS_MAX];
bool groups_have_tokens;

static int add(const char *name, void (*turn)(int actor), struct task task)
{
	int actor = explore_add_actor(name, turn, true);

	tasks[actor] = task;
	return actor;
}

/* ---- calls, until they are through ------------------------------------------------------------------ */

const struct groups *groups_view_now(void)
{
	return &groups_views[load_acquire(&groups_world.list)];
}

/* Makes a new view, after appending a table if there is no cell. NULL: a failure, noted; what actors do must not
 * ask whether there was one, for they do it again when it is shown. */
static const struct groups *view_after(enum group_result result, const struct groups *old)
{
	if (result == GROUP_FULL && old->list_seen < groups_newest) {
		cas_seq(&groups_world.list, old->list_seen, old->list_seen + 1);
	} else if (result != GROUP_STALE) {
		explore_fail("a call said %llu", result);
		return NULL;
	} else if (groups_world.list == old->list_seen) {
		explore_fail("a call has tried in vain, list %llu", old->list_seen);
		return NULL;
	}
	return groups_view_now();
}

bool groups_find_head(int actor, unsigned group, uint64_t list, uint64_t *ret_head)
{
	const struct groups *view = &groups_views[list];

	groups_world.heads[actor][group] = 0;
	groups_monitor();
	while (view) {
		enum group_result result = groups_head(view, group_hash(group), ret_head);
		unsigned bit = result == GROUP_OK ? message_number(*ret_head) : CHAIN_EMPTY;

		groups_monitor();
		if ((result == GROUP_OK || result == GROUP_NONE) && !(groups_world.heads[actor][group] >> bit & 1))
			explore_fail("%llu was not the head at any moment of the call", bit);
		if (result == GROUP_OK || result == GROUP_NONE)
			return result == GROUP_OK;
		view = view_after(result, view);
	}
	return false;
}

/* The slot is freed by who pops; by one of two. */
static void free_popped(uint64_t head)
{
	struct slot *slot = &groups_world.slots[link_slot(head)];
	struct slot_word word = slot_read(slot);

	groups_monitor();
	if (!groups_world.popped[message_number(head)])
		explore_fail("message %llu is said to be off", message_number(head));
	if (link_is_of(head, word) && word_state(word) == SLOT_HELD)
		slot_change(slot, word, word_freed(word));
}

bool groups_pop_head(unsigned group, uint64_t head, uint64_t list, uint64_t *ret_next)
{
	const struct groups *view = &groups_views[list];

	*ret_next = HEAD_UNKNOWN;
	while (view) {
		uint64_t next;
		enum group_result result = groups_pop_to(view, group_hash(group), head, &next);

		if (result == GROUP_OK) {
			free_popped(head);
			*ret_next = next;
		}
		if (result == GROUP_OK || result == GROUP_NONE)
			return true;
		view = view_after(result, view);
	}
	return false;
}

void look_after(int actor, unsigned group)
{
	uint64_t list = actor < ACTORS_MAX ? tasks[actor].list : groups_world.list, head = HEAD_UNKNOWN;

	/* Who has popped knows the next head, or that there is none. */
	while (head != HEAD_UNKNOWN ? head != 0 : groups_find_head(actor, group, list, &head)) {
		struct slot_word word = slot_read(&groups_world.slots[link_slot(head)]);
		uint64_t at = head;

		head = HEAD_UNKNOWN;
		if (!link_is_of(at, word) && actor < ACTORS_MAX)
			continue;
		if (word_state(word) == SLOT_READY && groups_have_tokens)
			ready_push(&groups_ready, at);
		if (word_state(word) != SLOT_HELD || !groups_pop_head(group, at, list, &head))
			return;
	}
}

/* ---- actors ----------------------------------------------------------------------------------------- */

static void join(int actor, unsigned group, uint32_t slot)
{
	const struct groups *view = &groups_views[tasks[actor].list];
	uint64_t link = link_now(slot);
	enum group_result result;

	explore_doing(actor, "join");
	fifo_begin(&groups_world.slots[slot], group_hash(group));
	for (;;) {
		result = groups_join(view, link);
		if (result == GROUP_OK || result == GROUP_FIRST)
			break;
		view = view_after(result, view);
		if (!view)
			return;
	}
	groups_monitor();
	if (!groups_world.joined[message_number(link)])
		explore_fail("message %llu is said to have joined", message_number(link));
	if (groups_world.first[message_number(link)] != (result == GROUP_FIRST))
		explore_fail("message %llu is said to be the first, or not", message_number(link));
	if (groups_have_tokens) {
		struct slot_word word = slot_read(&groups_world.slots[slot]);

		explore_doing(actor, "publish");
		slot_change(&groups_world.slots[slot], word, word_with_state(word, SLOT_READY));
		look_after(actor, group);
	}
}

static void joiner_turn(int actor)
{
	join(actor, tasks[actor].group, tasks[actor].slot);
	explore_finish(actor);
}

static int add_member(const char *name, void (*turn)(int actor), struct task task)
{
	struct slot *at = &groups_world.slots[task.slot];

	at->word.low = word_make(SLOT_WRITING, 0, OWNER_NONE, 0, 0).bits.low;
	return add(name, turn, task);
}

int add_joiner(const char *name, unsigned group, uint32_t slot, uint64_t list)
{
	return add_member(name, joiner_turn, (struct task){group, slot, list, -1});
}

static void deleter_turn(int actor)
{
	const struct task *task = &tasks[actor];
	struct slot *slot = &groups_world.slots[task->slot];
	struct slot_word word = slot_read(slot);

	explore_doing(actor, "delete");
	if (!slot_change(slot, word, word_with_state(word, SLOT_HELD)))
		explore_fail("delete refused, slot %llu", task->slot);
	look_after(actor, task->group);
	word = slot_read(slot);
	if (task->to_group >= 0 && word_state(word) == SLOT_FREE &&
	    slot_change(slot, word, word_with_state(word, SLOT_WRITING))) {
		join(actor, (unsigned)task->to_group, task->slot);
	}
	explore_finish(actor);
}

int add_deleter(const char *name, unsigned group, uint32_t slot, int to_group)
{
	return add(name, deleter_turn, (struct task){group, slot, groups_world.list, to_group});
}

/* Joins, and deletes its message as soon as it can: a whole life, of a group perhaps. */
static void courier_turn(int actor)
{
	struct slot *slot = &groups_world.slots[tasks[actor].slot];
	struct slot_word word;

	join(actor, tasks[actor].group, tasks[actor].slot);
	word = slot_read(slot);
	explore_doing(actor, "delete");
	slot_change(slot, word, word_with_state(word, SLOT_HELD));
	look_after(actor, tasks[actor].group);
	explore_finish(actor);
}

int add_courier(const char *name, unsigned group, uint32_t slot, uint64_t list)
{
	return add_member(name, courier_turn, (struct task){group, slot, list, -1});
}

static void expirer_turn(int actor)
{
	const struct task *task = &tasks[actor];
	struct slot *slot = &groups_world.slots[task->slot];
	struct slot_word word = slot_read(slot);

	explore_doing(actor, "expire");
	slot_change(slot, word, word_with_state(word, SLOT_READY));
	look_after(actor, task->group);
	explore_finish(actor);
}

int add_expirer(const char *name, unsigned group, uint32_t slot)
{
	return add(name, expirer_turn, (struct task){group, slot, groups_world.list, -1});
}

static void retirer_turn(int actor)
{
	const struct groups *view = &groups_views[tasks[actor].list];

	explore_doing(actor, "done?");
	if (view->list_seen < groups_newest && groups_oldest_is_done(view))
		cas_seq(&groups_world.list, view->list_seen, view->list_seen + 1);
	explore_finish(actor);
}

int add_retirer(const char *name, uint64_t list)
{
	return add(name, retirer_turn, (struct task){0, 0, list, -1});
}

static void settle_all(int actor, const struct groups *view)
{
	uint64_t cursor = 0;

	explore_doing(actor, "settle");
	do {
		enum group_result result = groups_settle(view, &cursor, 1);

		if (result == GROUP_STALE || result == GROUP_FULL)
			return;
		if (result != GROUP_OK) {
			explore_fail("settle said %llu", result);
			return;
		}
	} while (cursor != 0);
}

static void settler_turn(int actor)
{
	settle_all(actor, &groups_views[tasks[actor].list]);
	retirer_turn(actor);
}

/* Appends a table first. */
static void appender_turn(int actor)
{
	uint64_t list = tasks[actor].list;

	explore_doing(actor, "append");
	cas_seq(&groups_world.list, list, list + 1);
	settle_all(actor, &groups_views[list + 1]);
	explore_finish(actor);
}

int add_appender(const char *name, uint64_t list)
{
	return add(name, appender_turn, (struct task){0, 0, list, -1});
}

int add_settler(const char *name, uint64_t list)
{
	return add(name, settler_turn, (struct task){0, 0, list, -1});
}

static void looker_turn(int actor)
{
	uint64_t head;

	explore_doing(actor, "look");
	groups_find_head(actor, tasks[actor].group, tasks[actor].list, &head);
	explore_finish(actor);
}

int add_looker(const char *name, unsigned group, uint64_t list)
{
	return add(name, looker_turn, (struct task){group, 0, list, -1});
}

/* ---- the sweep -------------------------------------------------------------------------------------- */

bool groups_owner_is_dead(uint32_t slot)
{
	for (int actor = 0; actor < explore_actor_count(); actor++)
		if (tasks[actor].slot == slot && explore_actor(actor)->status == ACTOR_DEAD)
			return true;
	return false;
}

/* Frees what the dead have not joined, and what is gone and off its chain. */
void groups_sweep(uint32_t slot, const struct groups *view)
{
	struct slot_word word = slot_read(&groups_world.slots[slot]);
	uint64_t link = link_pack(0, slot, word_generation(word));
	enum group_result result = GROUP_OK;

	if (word_state(word) == SLOT_WRITING && groups_owner_is_dead(slot))
		result = groups_contain(view, link);
	else if (word_state(word) == SLOT_HELD)
		result = groups_keep(view, link);
	if (result == GROUP_NONE)
		slot_change(&groups_world.slots[slot], word, word_freed(word));
	else if (result != GROUP_OK && result != GROUP_STALE)
		explore_fail("the sweep hears %llu", result);
}

static void sweeper_turn(int actor)
{
	explore_doing(actor, "sweep");
	groups_sweep(tasks[actor].slot, &groups_views[tasks[actor].list]);
	explore_finish(actor);
}

int add_sweeper(const char *name, uint32_t slot, uint64_t list)
{
	return add(name, sweeper_turn, (struct task){0, slot, list, -1});
}

/* Asks of a message that is in its chain all the time. */
static void asker_turn(int actor)
{
	const struct groups *view = &groups_views[tasks[actor].list];
	uint64_t link = link_now(tasks[actor].slot);
	enum group_result result;

	explore_doing(actor, "keep?");
	result = groups_keep(view, link);
	if (result != GROUP_OK)
		explore_fail("is it still in its chain? %llu", result);
	explore_doing(actor, "contain?");
	result = groups_contain(view, link);
	if (result != GROUP_OK)
		explore_fail("has it joined? %llu", result);
	explore_finish(actor);
}

int add_asker(const char *name, uint32_t slot, uint64_t list)
{
	return add(name, asker_turn, (struct task){0, slot, list, -1});
}
