/* The checker of memory orders: the explorer's scenarios over the model of C11. */
#ifndef WEAK_WEAK_H
#define WEAK_WEAK_H

#include "tests/interleave/explore.h"
#include "tests/interleave/world.h"
#include "tests/weak/model.h"

struct weak_scenario {
	const char *name;
	void (*build)(void); /* NULL: the explorer's scenario of this name, but for the end "_long" */
	unsigned switches;   /* bound on preemptions, or SWITCHES_FREE */
	struct model_terms terms;
	bool is_long;
};

extern const struct weak_scenario weak_scenarios[]; /* ends with a nameless one */

/* Walks what `build` builds; begins anew until all words are known that anybody writes. */
struct explore_result weak_explore(void (*build)(void), struct model_terms terms, unsigned switches, bool verbose);

struct explore_result weak_run(const struct weak_scenario *scenario);

/* litmus.c: how many of them end as C11 does not say. Prints a line each. */
unsigned litmus_failures(unsigned *ret_count);

/* roles.c: what the layers above ring/ do */
void build_copy(void);
void build_lease_due(void);
void build_delay_due(void);
void build_extend_due(void);
void build_half_lowered(void);
void build_give_back(void);
void build_hold(void);
void build_view(void);
void build_view_of_dead(void);

/* journal.c */
void build_journal_publish(void);
void build_journal_publish_pending(void);
void build_journal_publish_passed(void);
void build_journal_lease_one(void);
void build_journal_free(void);
void build_journal_ready(void);
void build_journal_give_back(void);
void build_turn(void);
void build_new_mark(void);
void build_cut(void);

/* events.c */
void build_two_sleepers(void);
void build_stop_sleeper(void);

/* orders.c */
bool orders_weaken(const char *text); /* "SITE=ORDER SITE=ORDER ..." */
int orders_check(const char *path);   /* exit status */
void orders_search(int from, bool is_long);

/* sites.c */
enum { SITE_NAME_MAX = 96 };
void sites_find(void);
/* Takes `orders` away from all sites of this name; false if there is none. */
bool sites_weaken(const char *name, unsigned orders);
void sites_restore(void);
/* Was it reached since? By number. */
void sites_forget_reached(void);
bool site_is_reached(int number);
/* The distinct sites of ring/, in the order of the source. */
int sites_count(void);
const struct site *site_number(int number, char ret_name[SITE_NAME_MAX]);

#endif
