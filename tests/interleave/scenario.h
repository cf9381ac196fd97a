/* The table of scenarios: each of the two programs has one. */
#ifndef INTERLEAVE_SCENARIO_H
#define INTERLEAVE_SCENARIO_H

#include "tests/interleave/explore.h"

struct scenario {
	const char *name, *about; /* what happens, and what holds of it beside the monitor's rules */
	void (*build)(void);
	uint32_t order;
	unsigned deaths;
	unsigned switches; /* bound on preemptions, or SWITCHES_FREE */
	bool is_long;
	unsigned stops;
};

extern const struct scenario scenarios[]; /* ends with a nameless one */

/* scenario_hint.c */
void build_bitmap(void);
void build_bitmap_strict(void);
void build_bitmap_levels(void);
void build_due(void);
void build_due_death(void);

/* scenario_tenants.c */
void build_aside(void);
void build_aside_lap(void);
void build_aside_unagreed(void);
void build_aside_again(void);
void build_aside_death(void);
void build_aside_sleep(void);
void build_aside_sleep_again(void);

/* scenario_journal.c */
void build_marks(void);
void build_marks_death(void);
void build_marks_levels(void);
void build_journal_send(void);
void build_journal_pending(void);
void build_journal_pending_passed(void);
void build_journal_pending_run(void);
void build_journal_pending_delayed(void);
void build_journal_next_lap(void);
void build_journal_lease(void);
void build_journal_delay(void);
void build_journal_release(void);

/* scenario_dedup.c */
void build_dedup_two(void);
void build_dedup_three(void);
void build_dedup_append(void);
void build_dedup_settle(void);
void build_dedup_purge_drop(void);
void build_dedup_purge_drop_two(void);
void build_dedup_drop(void);
void build_dedup_drop_other(void);
void build_dedup_drop_published(void);
void build_dedup_purge(void);
void build_dedup_void(void);
void build_dedup_void_two(void);
void build_dedup_free(void);
void build_dedup_life(void);

/* scenario_groups.c */
void build_join_join(void);
void build_join_pop(void);
void build_join_pop_two(void);
void build_join_pop_lagging(void);
void build_join_three(void);
void build_collide(void);
void build_collide_begin(void);
void build_collide_full(void);
void build_join_ends(void);
void build_join_reuse(void);
void build_look_reuse(void);
void build_move_join(void);
void build_move_pop(void);
void build_move_pop_join(void);
void build_move_twice(void);
void build_move_far(void);
void build_move_reuse(void);
void build_stale_begin(void);
void build_settle_empty(void);
void build_stale_look(void);
void build_append_look(void);
void build_sweep_held(void);
void build_sweep_dead(void);
void build_ask_reuse(void);
void build_ready_second(void);
void build_ready_joined(void);

/* scenario_ready.c */
void build_tokens(void);
void build_tokens_full(void);
void build_tokens_sleep(void);
void build_tokens_asked(void);

#endif
