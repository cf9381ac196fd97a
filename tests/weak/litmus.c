/* The model by itself: the well-known small programs, and whether C11 lets them end in a certain way. */
#include "tests/weak/weak.h"

#include <stdio.h>
#include <string.h>

static struct {
	atomic_u64 x, y, z;
	struct word128 pair;
	uint64_t plain;
	uint64_t seen[4];
} m;

struct litmus {
	const char *name, *ends; /* the ending in question */
	void (*turn[4])(int actor);
	bool (*is_ending)(void);
	bool is_allowed;
	bool has_data;
};

static bool reached;
static const struct litmus *present;

static void turn(int actor)
{
	present->turn[actor](actor);
	explore_finish(actor);
}

#define ACTOR(name, ...)                                                                                           \
	static void name(int actor)                                                                                \
	{                                                                                                          \
		(void)actor;                                                                                       \
		__VA_ARGS__                                                                                        \
	}
#define ENDING(name, condition)                                                                                    \
	static bool name(void)                                                                                     \
	{                                                                                                          \
		return condition;                                                                                  \
	}

/* Orders that ring/ has no use for. */
static void rlx_store(atomic_u64 *word, uint64_t value)
{
	store_relaxed(word, value);
}

static uint64_t see(const atomic_u64 *word, int order)
{
	explore_step(word);
	return model_load(word, 8, order);
}

static void change(atomic_u64 *word, uint64_t value, int order)
{
	explore_step(word);
	model_change(word, 8, MODEL_ADD, value, order);
}

static void fence(int order)
{
	explore_step(NULL);
	model_fence(order);
}

enum {
	RLX = memory_order_relaxed,
	ACQ = memory_order_acquire,
	REL = memory_order_release,
	SEQ = memory_order_seq_cst
};

/* Store buffering: each stores and then loads the other's. */
ACTOR(sb_rel_x, store_release(&m.x, 1); m.seen[0] = load_acquire(&m.y);)
ACTOR(sb_rel_y, store_release(&m.y, 1); m.seen[1] = load_acquire(&m.x);)
ACTOR(sb_seq_x, store_seq(&m.x, 1); m.seen[0] = load_seq(&m.y);)
ACTOR(sb_seq_y, store_seq(&m.y, 1); m.seen[1] = load_seq(&m.x);)
ACTOR(sb_rmw_x, exchange_seq(&m.x, 1); m.seen[0] = load_acquire(&m.y);)
ACTOR(sb_rmw_y, exchange_seq(&m.y, 1); m.seen[1] = load_seq(&m.x);)
ACTOR(sb_rmw_seq_x, exchange_seq(&m.x, 1); m.seen[0] = load_seq(&m.y);)
ACTOR(sb_fence_x, rlx_store(&m.x, 1); fence(SEQ); m.seen[0] = see(&m.y, RLX);)
ACTOR(sb_fence_y, rlx_store(&m.y, 1); fence(SEQ); m.seen[1] = see(&m.x, RLX);)
ACTOR(sb_rlx_x, rlx_store(&m.x, 1); m.seen[0] = see(&m.y, RLX);)
ENDING(both_zero, m.seen[0] == 0 && m.seen[1] == 0)

/* Message passing: data, then a flag. */
ACTOR(mp_put, rlx_store(&m.x, 1); store_release(&m.y, 1);)
ACTOR(mp_put_rlx, rlx_store(&m.x, 1); rlx_store(&m.y, 1);)
ACTOR(mp_get, m.seen[0] = load_acquire(&m.y); m.seen[1] = see(&m.x, RLX);)
ACTOR(mp_get_rlx, m.seen[0] = see(&m.y, RLX); m.seen[1] = see(&m.x, RLX);)
ACTOR(mp_put_fence, rlx_store(&m.x, 1); fence(REL); rlx_store(&m.y, 1);)
ACTOR(mp_get_fence, m.seen[0] = see(&m.y, RLX); fence(ACQ); m.seen[1] = see(&m.x, RLX);)
ENDING(flag_without_data, m.seen[0] == 1 && m.seen[1] == 0)

/* The same through another's RMW (a release sequence), or another's plain store (none). */
ACTOR(rs_change, if (see(&m.y, RLX) == 1) change(&m.y, 1, RLX);)
ACTOR(rs_store, if (see(&m.y, RLX) == 1) rlx_store(&m.y, 2);)
ENDING(passed_on_without_data, m.seen[0] == 2 && m.seen[1] == 0)

/* Write to read causality: hearsay. */
ACTOR(wrc_write, rlx_store(&m.x, 1);)
ACTOR(wrc_tell, if (see(&m.x, RLX) == 1) store_release(&m.y, 1);)
ACTOR(wrc_tell_rlx, if (see(&m.x, RLX) == 1) rlx_store(&m.y, 1);)

/* Independent reads of independent writes. */
ACTOR(iriw_x, store_release(&m.x, 1);)
ACTOR(iriw_y, store_release(&m.y, 1);)
ACTOR(iriw_x_seq, store_seq(&m.x, 1);)
ACTOR(iriw_y_seq, store_seq(&m.y, 1);)
ACTOR(iriw_xy, m.seen[0] = load_acquire(&m.x); m.seen[1] = load_acquire(&m.y);)
ACTOR(iriw_yx, m.seen[2] = load_acquire(&m.y); m.seen[3] = load_acquire(&m.x);)
ACTOR(iriw_xy_seq, m.seen[0] = load_seq(&m.x); m.seen[1] = load_seq(&m.y);)
ACTOR(iriw_yx_seq, m.seen[2] = load_seq(&m.y); m.seen[3] = load_seq(&m.x);)
ENDING(orders_differ, m.seen[0] == 1 && m.seen[1] == 0 && m.seen[2] == 1 && m.seen[3] == 0)

/* One word: reads never go back; RMWs never meet. */
ACTOR(co_write, rlx_store(&m.x, 1);)
ACTOR(co_read, m.seen[0] = see(&m.x, RLX); m.seen[1] = see(&m.x, RLX);)
ACTOR(add_0, explore_step(&m.x); m.seen[0] = model_change(&m.x, 8, MODEL_ADD, 1, RLX);)
ACTOR(add_1, explore_step(&m.x); m.seen[1] = model_change(&m.x, 8, MODEL_ADD, 1, RLX);)

/* Load buffering and stores that cross: C11 allows the endings, the model does not (see the ADR). */
ACTOR(lb_x, m.seen[0] = see(&m.x, RLX); rlx_store(&m.y, 1);)
ACTOR(lb_y, m.seen[1] = see(&m.y, RLX); rlx_store(&m.x, 1);)
ENDING(out_of_nothing, m.seen[0] == 1 && m.seen[1] == 1)
ACTOR(cross_x, rlx_store(&m.x, 1); rlx_store(&m.y, 2);)
ACTOR(cross_y, rlx_store(&m.y, 1); rlx_store(&m.x, 2);)
ENDING(first_ones_win, m.x == 1 && m.y == 1)

/* A CAS that fails is only a load. */
static void cas_fails(int order)
{
	store_seq(&m.y, 1);
	explore_step(&m.x);
	m.seen[1] = model_cas(&m.x, 8, 1, 2, order) ? 1 : 0;
}
ACTOR(cas_give, store_seq(&m.x, 1); m.seen[0] = load_seq(&m.y);)
ACTOR(cas_acq, cas_fails(ACQ);)
ACTOR(cas_seq_cst, cas_fails(SEQ);)

/* The two halves of a word of 16 bytes, the low one first. */
ACTOR(pair_put, struct pair128 none = {0}; cas128_seq(&m.pair, none, ((struct pair128){1, 1}));)
ACTOR(pair_get, m.seen[0] = load_acquire(&m.pair.low); m.seen[1] = load_acquire(&m.pair.high);)
ACTOR(pair_get_rlx, m.seen[0] = load_relaxed(&m.pair.low); m.seen[1] = load_relaxed(&m.pair.high);)

/* Plain data behind a flag. */
ACTOR(data_put, data_written(&m.plain); m.plain = 1; store_release(&m.y, 1);)
ACTOR(data_get, if (load_acquire(&m.y)) data_read(&m.plain);)
ACTOR(data_get_rlx, if (see(&m.y, RLX)) data_read(&m.plain);)
ACTOR(data_lend, data_read(&m.plain); store_release(&m.y, 1);)
ACTOR(data_take, if (load_acquire(&m.y)) data_written(&m.plain);)
ACTOR(data_take_rlx, if (see(&m.y, RLX)) data_written(&m.plain);)
ENDING(never, false)

/* The bytes, then the word that says whether they still count. */
ACTOR(copy_reuse, exchange_seq(&m.y, 1); rlx_store(&m.x, 1);)
ACTOR(copy_reuse_fence, exchange_seq(&m.y, 1); fence(REL); rlx_store(&m.x, 1);)
ACTOR(copy_look, m.seen[0] = see(&m.x, RLX); m.seen[1] = load_acquire(&m.y);)
ACTOR(copy_look_fence, m.seen[0] = see(&m.x, RLX); fence(ACQ); m.seen[1] = load_acquire(&m.y);)

static const struct litmus litmuses[] = {
	{"SB, release and acquire", "both old", {sb_rel_x, sb_rel_y}, both_zero, true, false},
	{"SB, seq_cst", "both old", {sb_seq_x, sb_seq_y}, both_zero, false, false},
	{"SB, seq_cst RMW, then acquire", "both old", {sb_rmw_x, sb_rmw_y}, both_zero, true, false},
	{"SB, seq_cst RMW, then seq_cst", "both old", {sb_rmw_seq_x, sb_rmw_y}, both_zero, false, false},
	{"SB, relaxed, fences", "both old", {sb_fence_x, sb_fence_y}, both_zero, false, false},
	{"SB, a fence at one end only", "both old", {sb_fence_y, sb_rlx_x}, both_zero, true, false},
	{"MP, release and acquire", "flag, no data", {mp_put, mp_get}, flag_without_data, false, false},
	{"MP, release and relaxed", "flag, no data", {mp_put, mp_get_rlx}, flag_without_data, true, false},
	{"MP, relaxed and acquire", "flag, no data", {mp_put_rlx, mp_get}, flag_without_data, true, false},
	{"MP, relaxed, fences", "flag, no data", {mp_put_fence, mp_get_fence}, flag_without_data, false, false},
	{"MP, release sequence",
	 "flag, no data",
	 {mp_put, rs_change, mp_get},
	 passed_on_without_data,
	 false,
	 false},
	{"MP, over another's store",
	 "flag, no data",
	 {mp_put, rs_store, mp_get},
	 passed_on_without_data,
	 true,
	 false},
	{"WRC, told by relaxed",
	 "flag, no data",
	 {wrc_write, wrc_tell_rlx, mp_get},
	 flag_without_data,
	 true,
	 false},
	{"WRC, told by release", "flag, no data", {wrc_write, wrc_tell, mp_get}, flag_without_data, false, false},
	{"IRIW, release and acquire",
	 "orders differ",
	 {iriw_x, iriw_y, iriw_xy, iriw_yx},
	 orders_differ,
	 true,
	 false},
	{"IRIW, seq_cst",
	 "orders differ",
	 {iriw_x_seq, iriw_y_seq, iriw_xy_seq, iriw_yx_seq},
	 orders_differ,
	 false,
	 false},
	{"CoRR", "new, then old", {co_write, co_read}, flag_without_data, false, false},
	{"two RMWs, relaxed", "both read the same", {add_0, add_1}, both_zero, false, false},
	{"failing CAS, acquire", "both old", {cas_give, cas_acq}, both_zero, true, false},
	{"failing CAS, seq_cst", "both old", {cas_give, cas_seq_cst}, both_zero, false, false},
	{"halves, acquire", "new low, old high", {pair_put, pair_get}, flag_without_data, false, false},
	{"halves, relaxed", "new low, old high", {pair_put, pair_get_rlx}, flag_without_data, true, false},
	{"data, written then read", "a race", {data_put, data_get}, never, false, true},
	{"data, the same, relaxed", "a race", {data_put, data_get_rlx}, never, true, true},
	{"data, read then overwritten", "a race", {data_lend, data_take}, never, false, true},
	{"data, the same, relaxed", "a race", {data_lend, data_take_rlx}, never, true, true},
	{"copy, then look, no fence",
	 "new bytes, old word",
	 {copy_reuse_fence, copy_look},
	 flag_without_data,
	 true,
	 false},
	{"copy, then look, fence of one",
	 "new bytes, old word",
	 {copy_reuse, copy_look_fence},
	 flag_without_data,
	 true,
	 false},
	{"copy, then look, two fences",
	 "new bytes, old word",
	 {copy_reuse_fence, copy_look_fence},
	 flag_without_data,
	 false,
	 false},
	{"LB (allowed by C11)", "out of nothing", {lb_x, lb_y}, out_of_nothing, false, false},
	{"2+2W (allowed by C11)", "the first ones win", {cross_x, cross_y}, first_ones_win, false, false},
};

static void note_ending(void)
{
	reached = reached || present->is_ending();
}

static void show(const void *address, char *text, size_t bytes)
{
	snprintf(text, bytes, "%td", (const atomic_u64 *)address - &m.x);
}

static const struct explore_model model = {.at_end = note_ending, .show = show};

static void build(void)
{
	explore_begin(&model);
	memset(&m, 0, sizeof(m));
	explore_remember(&m, sizeof(m));
	for (int i = 0; i < 4 && present->turn[i]; i++)
		explore_add_actor("actor", turn, false);
}

static bool litmus_run(const struct litmus *litmus)
{
	struct explore_result result;
	bool ends;

	present = litmus;
	reached = false;
	result = weak_explore(build, (struct model_terms){.stale = STALE_FREE, .has_data = litmus->has_data},
			      SWITCHES_FREE, false);
	ends = reached || result.failed;
	printf("%-30s %-20s %-9s %s\n", litmus->name, litmus->ends, ends ? "reached" : "never",
	       ends == litmus->is_allowed ? "passed" : "FAILED");
	return ends == litmus->is_allowed;
}

unsigned litmus_failures(unsigned *ret_count)
{
	unsigned failures = 0, count = sizeof(litmuses) / sizeof(litmuses[0]);

	for (unsigned i = 0; i < count; i++)
		failures += !litmus_run(&litmuses[i]);
	*ret_count = count;
	return failures;
}
