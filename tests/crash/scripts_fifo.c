/* Scripts: groups of a FIFO queue, their tables and tokens. */
#include "shm/ids.h"
#include "tests/crash/order.h"
#include "tests/crash/scene.h"
#include "tests/support/leaks.h"

#include <stdio.h>
#include <string.h>

enum { CELLS = 1 << TABLE_ORDER_FIRST, GROUP_LATER = 50 };

static void send_to(struct actor *actor, uint32_t group, uint32_t count)
{
	while (count-- > 0)
		verb_send_to(actor, actor->q, group, count % 2 ? 300 : 16);
}

/* Receives up to `max` and deletes them, the last one first. */
static void receive_and_delete(struct actor *actor, size_t max)
{
	struct rlq_message message[RECEIPTS_MAX];
	int count = verb_receive(actor, actor->q, message, max, RLQ_DEFAULT, 0);
	uint32_t tag[RECEIPTS_MAX];

	for (int i = 0; i < count; i++)
		tag[i] = tag_check_body(actor->scene, &message[i]);
	while (count-- > 0)
		verb_delete(actor, actor->q, &message[count].receipt, tag[count]);
}

static void delete_kept(struct actor *actor, uint32_t which)
{
	struct scene *scene = actor->scene;

	verb_delete(actor, actor->q, &scene->receipt[which], scene->receipt_tag[which]);
}

static void sweep_q(struct actor *actor)
{
	leaks_sweep(actor->q);
}

/* ---- groups ----------------------------------------------------------------------------------- */

static void join_groups(struct actor *actor)
{
	send_to(actor, 0, 2);
	send_to(actor, 1, 1);
	send_to(actor, 0, 1);
}

static void prepare_one_of_each(struct actor *actor)
{
	join_groups(actor);
	receive_and_delete(actor, 1);
}

/* What is there, in flight, and deleted. */
static void send_duplicates(struct actor *actor)
{
	for (uint32_t tag = 0; tag < 4; tag++)
		verb_send_again(actor, tag);
	receive_and_delete(actor, 10);
}

/* What is written in place is not looked up beforehand: that it is a duplicate, of one that is there, is decided in
 * its chain. */
static void publish_a_duplicate(struct actor *actor)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	struct tag *account = &actor->scene->tag[1];
	struct tag_ids ids;

	tag_set_ids(actor->scene, 1, account->group, &ids);
	options.group = ids.group;
	options.dedup_id = ids.dedup;
	account->is_sent_again = 1;
	if (rlq_reserve(actor->q, account->bytes, &options, &reservation) != 0)
		scene_fail(actor->scene, "cannot reserve");
	tag_write_body(1, reservation.body, account->bytes);
	if (rlq_publish(actor->q, &reservation, NULL) != 0)
		scene_fail(actor->scene, "cannot publish");
	order_published(actor->scene, 1);
	account->is_sent_again = 0;
	receive_and_delete(actor, 10);
}

void outlive_windows(struct actor *actor)
{
	for (int i = 0; i < 4; i++) {
		send_to(actor, (uint32_t)i, 1);
		fake_clock_advance(&actor->scene->clock, DEDUP_WINDOW_MS / 2 + 10000);
		leaks_sweep(actor->q);
	}
	receive_and_delete(actor, 10);
}

static void prepare_first_leased(struct actor *actor)
{
	send_to(actor, 0, 3);
	prepare_leased(actor, 1, RLQ_DEFAULT);
}

static void join_behind_a_lease(struct actor *actor)
{
	send_to(actor, 0, 1);
	receive_and_delete(actor, 4);
	delete_kept(actor, 0);
	send_to(actor, 0, 1);
	receive_and_delete(actor, 4);
}

static void prepare_groups(struct actor *actor)
{
	for (uint32_t i = 0; i < 12; i++)
		send_to(actor, i % GROUPS, 1);
}

static void receive_groups(struct actor *actor)
{
	receive_and_delete(actor, 6);
	receive_and_delete(actor, 1);
	receive_and_delete(actor, 10);
}

/* Asks twice, and deletes what came. */
static void receive_twice(struct actor *actor)
{
	struct rlq_message message[ATTEMPT_MAX];
	int count;

	verb_receive_attempt(actor, message, ATTEMPT_MAX);
	count = verb_receive_attempt(actor, message, ATTEMPT_MAX);
	for (int i = 0; i < count; i++)
		verb_delete(actor, actor->q, &message[i].receipt, tag_check_body(actor->scene, &message[i]));
}

/* The same id is another attempt then. */
static void receive_again(struct actor *actor)
{
	struct rlq_message message[ATTEMPT_MAX];

	receive_twice(actor);
	verb_receive_attempt(actor, message, 2);
}

static void prepare_group_leased(struct actor *actor)
{
	send_to(actor, 0, 5);
	prepare_leased(actor, 5, RLQ_DEFAULT);
}

static void delete_middle_last_first(struct actor *actor)
{
	static const uint32_t order[] = {2, 4, 0, 1, 3};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		delete_kept(actor, order[i]);
	send_to(actor, 0, 1);
}

static void release_behind_and_ahead(struct actor *actor)
{
	const struct rlq_receipt *receipt = actor->scene->receipt;
	struct rlq_message message[2];

	expect_code(actor->scene, "release", rlq_release(actor->q, &receipt[1], 0));
	verb_receive(actor, actor->q, message, 2, RLQ_DEFAULT, 0);
	expect_code(actor->scene, "release", rlq_release(actor->q, &receipt[0], 0));
	verb_receive(actor, actor->q, message, 2, RLQ_DEFAULT, 0);
	expect_code(actor->scene, "release", rlq_release(actor->q, &receipt[3], 1000));
	expect_code(actor->scene, "extend", rlq_extend(actor->q, &receipt[2], 0));
}

/* ---- leases that end -------------------------------------------------------------------------- */

static void prepare_second_ended(struct actor *actor)
{
	send_to(actor, 0, 3);
	prepare_leased(actor, 2, 1000);
	expect_code(actor->scene, "extend", rlq_extend(actor->q, &actor->scene->receipt[0], 60000));
	fake_clock_advance(&actor->scene->clock, 2000);
}

/* Of who deletes the first and who lets the second expire, one offers it. */
static void delete_first_and_expire_second(struct actor *actor)
{
	sweep_q(actor);
	delete_kept(actor, 0);
	receive_and_delete(actor, 3);
}

static void delete_first_then_expire(struct actor *actor)
{
	delete_kept(actor, 0);
	sweep_q(actor);
	receive_and_delete(actor, 3);
}

static void prepare_two_ended(struct actor *actor)
{
	send_to(actor, 0, 4);
	prepare_leased(actor, 2, 1000);
	fake_clock_advance(&actor->scene->clock, 2000);
}

/* Nobody has said that they have ended, but for a token of the first. */
static void receive_what_has_ended(struct actor *actor)
{
	struct segment *segment = actor->q->seg;

	if (seg_enter(segment) != 0)
		scene_fail(actor->scene, "cannot enter");
	seg_reap_due(segment, 1);
	seg_leave(segment);
	receive_and_delete(actor, 4);
}

static void prepare_two_used_up(struct actor *actor)
{
	prepare_two_ended(actor);
	sweep_q(actor);
}

static void receive_past_used_up(struct actor *actor)
{
	receive_and_delete(actor, 4);
	send_to(actor, 0, 1);
}

/* ---- what the dead leave ---------------------------------------------------------------------- */

static void send_two(struct actor *actor)
{
	send_to(actor, 0, 2);
}

static void receive_two(struct actor *actor)
{
	receive_and_delete(actor, 2);
}

static void prepare_joiners_died(struct actor *actor)
{
	kill_helper_at(actor, CRASH_group_begun, 1, send_two);
	kill_helper_at(actor, CRASH_group_joined, 1, send_two);
	kill_helper_at(actor, CRASH_fifo_joined, 1, send_two);
	kill_helper_at(actor, CRASH_group_numbered, 1, send_two);
	kill_helper_at(actor, CRASH_fifo_published, 2, send_two);
	kill_helper_at(actor, CRASH_ready_numbered, 1, join_groups);
	fake_clock_advance(&actor->scene->clock, 2000);
}

static void publish_for_the_dead(struct actor *actor)
{
	send_to(actor, 0, 1);
	receive_and_delete(actor, 10);
	sweep_q(actor);
	receive_and_delete(actor, 10);
}

static void delete_first(struct actor *actor)
{
	receive_and_delete(actor, 1);
}

static void prepare_deleters_died(struct actor *actor)
{
	static const enum crash_point points[] = {CRASH_free_held, CRASH_group_popped, CRASH_fifo_popped};

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		send_to(actor, (uint32_t)i, 2);
		kill_helper_at(actor, points[i], 1, delete_first);
		sweep_q(actor);
		receive_and_delete(actor, 2);
		send_to(actor, (uint32_t)i, 1);
		kill_helper_at(actor, i == 0 ? CRASH_group_closed : CRASH_group_emptied, 1, delete_first);
	}
	send_to(actor, GROUP_LATER, 3);
	kill_helper_at(actor, CRASH_fifo_token_taken, 1, receive_two);
	send_to(actor, GROUP_LATER + 1, 2);
	kill_helper_at(actor, CRASH_ready_popped, 1, receive_two);
	fake_clock_advance(&actor->scene->clock, 2000);
}

/* ---- tables of groups ------------------------------------------------------------------------- */

static uint64_t hash_of(struct actor *actor, uint32_t group)
{
	struct tag_ids ids;

	snprintf(ids.group, sizeof(ids.group), "g%u", group);
	return id_group_hash(actor->q->seg->incarnation, ids.group, strlen(ids.group));
}

/* Groups that begin their paths at the same cell of a table of 2^order; not one of the first, which sends soon
 * empty once there is a newer table. */
static void find_crowd(struct actor *actor, uint32_t order)
{
	uint64_t mask = (UINT64_C(1) << order) - 1, wanted = mask / 2;
	uint32_t count = 0;

	for (uint32_t group = GROUP_LATER; count < CROWD; group++)
		if ((hash_of(actor, group) & mask) == wanted)
			actor->scene->crowd[count++] = group;
}

static void send_to_crowd(struct actor *actor, uint32_t first, uint32_t end)
{
	for (; first < end; first++)
		send_to(actor, actor->scene->crowd[first], 1);
}

static void prepare_crowd(struct actor *actor)
{
	find_crowd(actor, TABLE_ORDER_FIRST);
	send_to_crowd(actor, 0, GROUP_WINDOW);
}

static void send_beyond_window(struct actor *actor)
{
	send_to_crowd(actor, GROUP_WINDOW, CROWD);
	send_to_crowd(actor, 0, 2);
	receive_and_delete(actor, 4);
}

static void prepare_two_tables(struct actor *actor)
{
	prepare_crowd(actor);
	send_to_crowd(actor, GROUP_WINDOW, CROWD);
	send_to_crowd(actor, 0, 2);
}

/* Moves what lives, takes the older table off the list, gives it back. */
static void sweep_often(struct actor *actor)
{
	for (int i = 0; i < 3; i++) {
		leaks_sweep(actor->q);
		fake_clock_advance(&actor->scene->clock, 10);
	}
	receive_and_delete(actor, 4);
}

static void prepare_movers_died(struct actor *actor)
{
	prepare_two_tables(actor);
	kill_helper_at(actor, CRASH_group_frozen, 1, sweep_q);
	kill_helper_at(actor, CRASH_group_moved, 1, sweep_q);
}

/* Uses a group whose move was left half done. */
static void use_moving_group(struct actor *actor)
{
	for (uint32_t i = 0; i < CROWD; i++) {
		send_to_crowd(actor, i, i + 1);
		receive_and_delete(actor, 1);
	}
	receive_and_delete(actor, 10);
}

static void prepare_table_takers_died(struct actor *actor)
{
	prepare_two_tables(actor);
	kill_helper_at(actor, CRASH_retire_unlisted, 1, sweep_often);
	kill_helper_at(actor, CRASH_retire_busy, 1, sweep_often);
}

static void prepare_table_makers_died(struct actor *actor)
{
	prepare_crowd(actor);
	kill_helper_at(actor, CRASH_grow_allocated, 1, send_beyond_window);
	kill_helper_at(actor, CRASH_grow_busy, 1, send_beyond_window);
	kill_helper_at(actor, CRASH_grow_appended, 1, send_beyond_window);
}

/* Two of them grow it: what the slower one has prepared is given back. */
static void append_and_lose(struct actor *actor)
{
	struct segment *slow = actor->q->seg, *fast = actor->q2->seg;

	if (seg_enter(slow) != 0 || seg_enter(fast) != 0)
		scene_fail(actor->scene, "cannot enter");
	tables_append(fast, TABLE_GROUPS, fast->groups.list_seen, TABLE_ORDER_FIRST);
	tables_append(slow, TABLE_GROUPS, slow->groups.list_seen, TABLE_ORDER_FIRST);
	seg_leave(fast);
	seg_leave(slow);
	send_to(actor, 0, 2);
	receive_and_delete(actor, 2);
}

/* A table far too large gets a small successor. */
static void prepare_large_table(struct actor *actor)
{
	find_crowd(actor, TABLE_ORDER_FIRST + 2);
	send_to_crowd(actor, 0, GROUP_WINDOW);
	if (seg_enter(actor->q->seg) != 0)
		scene_fail(actor->scene, "cannot enter");
	tables_append(actor->q->seg, TABLE_GROUPS, actor->q->seg->groups.list_seen, TABLE_ORDER_FIRST + 4);
	seg_leave(actor->q->seg);
	receive_and_delete(actor, GROUP_WINDOW - 2);
}

static void sweep_to_a_small_table(struct actor *actor)
{
	sweep_often(actor);
	sweep_often(actor);
}

/* ---- tokens ----------------------------------------------------------------------------------- */

/* A purge leaves the tokens of what it takes. */
static void prepare_tokens(struct actor *actor)
{
	while (actor->scene->tag_count < CELLS - 1) {
		for (uint32_t i = 0; i < actor->scene->capacity && actor->scene->tag_count < CELLS - 1; i++)
			send_to(actor, i, 1);
		expect_code(actor->scene, "purge", rlq_purge(actor->q, NULL));
	}
	tags_forget(actor->scene);
}

static void send_beyond_tokens(struct actor *actor)
{
	for (uint32_t i = 0; i < 4; i++)
		send_to(actor, i, 1);
	receive_and_delete(actor, 2);
	sweep_often(actor);
}

const struct script scripts_fifo[] = {
	{.name = "join groups", .is_fifo = true, .run = join_groups},
	{.name = "send duplicates", .is_fifo = true, .prepare = prepare_one_of_each, .run = send_duplicates},
	{.name = "publish a duplicate",
	 .is_fifo = true,
	 .prepare = prepare_one_of_each,
	 .run = publish_a_duplicate},
	{.name = "replace tables of ids", .is_fifo = true, .prepare = prepare_one_of_each, .run = outlive_windows},
	{.name = "join behind a lease",
	 .is_fifo = true,
	 .prepare = prepare_first_leased,
	 .run = join_behind_a_lease},
	{.name = "receive groups in order", .is_fifo = true, .prepare = prepare_groups, .run = receive_groups},
	{.name = "receive twice by attempt", .is_fifo = true, .prepare = prepare_groups, .run = receive_twice},
	{.name = "receive again by attempt", .is_fifo = true, .prepare = prepare_groups, .run = receive_again},
	{.name = "delete the middle, the last, the first",
	 .is_fifo = true,
	 .prepare = prepare_group_leased,
	 .run = delete_middle_last_first},
	{.name = "release behind the head, and the head",
	 .is_fifo = true,
	 .prepare = prepare_group_leased,
	 .run = release_behind_and_ahead},
	{.name = "expire the second, delete the first",
	 .is_fifo = true,
	 .prepare = prepare_second_ended,
	 .run = delete_first_and_expire_second},
	{.name = "delete the first, expire the second",
	 .is_fifo = true,
	 .prepare = prepare_second_ended,
	 .run = delete_first_then_expire},
	{.name = "receive what has ended unseen",
	 .is_fifo = true,
	 .prepare = prepare_two_ended,
	 .run = receive_what_has_ended},
	{.name = "bury used-up heads amid a receive",
	 .is_fifo = true,
	 .receives_max = 1,
	 .prepare = prepare_two_used_up,
	 .run = receive_past_used_up},
	{.name = "publish for dead joiners",
	 .is_fifo = true,
	 .prepare = prepare_joiners_died,
	 .run = publish_for_the_dead},
	{.name = "sweep after dead joiners", .is_fifo = true, .prepare = prepare_joiners_died, .run = sweep_q},
	{.name = "sweep after dead deleters", .is_fifo = true, .prepare = prepare_deleters_died, .run = sweep_q},
	{.name = "grow the table of groups", .is_fifo = true, .prepare = prepare_crowd, .run = send_beyond_window},
	{.name = "empty and drop the older table",
	 .is_fifo = true,
	 .prepare = prepare_two_tables,
	 .run = sweep_often},
	{.name = "use a group amid its move",
	 .is_fifo = true,
	 .prepare = prepare_movers_died,
	 .run = use_moving_group},
	{.name = "finish dropping a table for the dead",
	 .is_fifo = true,
	 .prepare = prepare_table_takers_died,
	 .run = sweep_often},
	{.name = "take over tables of the dead",
	 .is_fifo = true,
	 .prepare = prepare_table_makers_died,
	 .run = sweep_often},
	{.name = "append a table and lose to another", .is_fifo = true, .run = append_and_lose},
	{.name = "shrink the table of groups",
	 .is_fifo = true,
	 .is_slow = true,
	 .prepare = prepare_large_table,
	 .run = sweep_to_a_small_table},
	{.name = "grow the table of tokens",
	 .is_fifo = true,
	 .is_slow = true,
	 .prepare = prepare_tokens,
	 .run = send_beyond_tokens},
	{0},
};
