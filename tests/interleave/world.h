/* The shared memory that the actors work on, and the accounts kept beside it.
 *
 * The accounts are no part of the protocol. They follow the slots' words: after every single access
 * monitor.c compares each word with what it was and charges the change to the actor that made it.
 */
#ifndef INTERLEAVE_WORLD_H
#define INTERLEAVE_WORLD_H

#include "ring/event.h"
#include "ring/ring.h"
#include "tests/interleave/explore.h"

/* tests/weak judges the accesses to a message's bytes; here they are no steps. */
#ifdef RL_WEAK
#include "tests/weak/model.h"
#else
#define data_read(word) ((void)0)
#define data_written(word) ((void)0)
#endif

enum {
	SLOTS_MAX = 4,
	MESSAGES_MAX = 8,
	ARENA_WORDS = 256,
	NOBODY = 0xff,
	DRAINER = ACTORS_MAX, /* who works in the final checks */
};

/* One message, by number; number 0 is none. */
struct account {
	uint32_t slot;
	uint32_t epoch;	     /* receive count of the latest lease */
	uint64_t generation; /* of its slot */
	uint8_t exists, is_ready, is_deleted;
	uint8_t holder;	    /* actor of the latest lease */
	uint8_t settled;    /* whoever made it READY has returned from that call */
	uint8_t received;   /* how often */
	uint8_t readied_by; /* 1 + who made it READY, while it is so and not settled */
	uint8_t padding;
};

/* What one actor keeps to itself. */
struct private
{
	struct ring_cursor cursor;
	struct ring_claim claim;
	struct ring_taken taken;
	uint32_t ticket;
	uint8_t left;	    /* turns still to make, by role */
	uint8_t quota;	    /* messages still to receive */
	uint8_t first;	    /* number of its first message */
	uint8_t mode;	    /* by role */
	uint8_t holding;    /* message leased and not yet dealt with, 0 none */
	uint8_t in_take;    /* amid ring_take */
	uint8_t in_claim;   /* amid ring_claim */
	uint8_t must_see;   /* messages that the present take may not miss, bit set */
	uint8_t free_slots; /* slots FREE ever since the present claim began, bit set */
	uint8_t in_wait;    /* asleep on the event */
	uint8_t is_unfair;  /* finds nobody noisy, whatever others find */
	uint8_t padding[1];
};

struct world {
	struct slot_word seen[SLOTS_MAX]; /* the words after the last step */
	struct account messages[MESSAGES_MAX];
	struct private actors[ACTORS_MAX + 1];
	uint64_t now;
	atomic_u32 event;
	uint8_t expired; /* a lease has ended by time */
	uint8_t swept;	 /* the final sweep was made */
	uint8_t failed_sends;
	uint8_t noisy; /* messages of the noisy tenant, bit set; 0: there are no tenants */
};

extern struct world world;
extern struct ring ring; /* the view; constant during a run */

/* Builds an empty ring of 2^order slots and begins a scenario on it. `hint_is_low`: the due hints
 * start at "now", which spares the walk the steps of lowering them. */
void world_begin(uint32_t order, bool hint_is_low);
/* The same with marks of changed slots, and a journal that knows what start_... puts there. */
void world_begin_with_journal(uint32_t order, bool hint_is_low);
/* From here on the two halves of a slot's word are read in two steps, as slot_read() does. */
void tear_words(void);

/* monitor.c */
void monitor_begin(void);
void monitor_step(void);
uint8_t message_in(uint32_t slot); /* number of the message that sits in the slot, 0 if none */

/* check.c */
void check_take_begins(int actor);
void check_take_ends(int actor, enum ring_result result);
void check_claim_begins(int actor);
void check_claim_ends(int actor, enum ring_result result);
void check_settled(uint32_t slot);
/* Who acts returns from a call that has made it READY: it is settled, unless it was received meanwhile. */
void check_readied(uint32_t slot);
void check_end(void);
void show_word(const void *address, char *text, size_t bytes);

/* roles.c: turns of the actors, and how to add them */
enum consumer_mode {
	DELETES,  /* as soon as it has it */
	FORGETS,  /* never deletes: the lease ends by time */
	EXTENDS,  /* to 50, then deletes */
	RELEASES, /* once, then deletes what it gets */
	DELAYS,	  /* the same, with a delay */
};
enum send_mode {
	SENDS,
	SENDS_DELAYED,
	SENDS_PENDING, /* becomes READY once durable */
	SENDS_PENDING_DELAYED,
	SENDS_PENDING_RUN, /* two at a time are set aside */
};
int add_producer_that(const char *name, unsigned first, unsigned messages, enum send_mode mode);
int add_producer(const char *name, unsigned first, unsigned messages);
int add_delaying_producer(const char *name, unsigned first, unsigned messages);
int add_consumer(const char *name, unsigned takes, enum consumer_mode mode);
/* Holds the message in `slot` from the start and goes on with it at some time. */
int add_holder(const char *name, uint32_t slot, enum consumer_mode mode);
/* Looks at every slot `passes` times as a sweep does. */
int add_reaper(const char *name, unsigned passes);
/* Looks where the due hints point, as the reap step does. */
int add_hint_reaper(const char *name, unsigned passes);
void reap_by_hint(void);
/* Sets the time to 20, 40, ... */
int add_clock(unsigned ticks);
int add_sender(const char *name, unsigned first, unsigned messages); /* producer that wakes */
int add_sleeper(const char *name, unsigned quota);		     /* consumer that sleeps */
int add_watch(const char *name, unsigned reports); /* and one that may never come back for a report */
/* The body of a sweep over one slot; also for the final checks. */
void sweep_slot(uint32_t slot);
/* What the reap step does with a slot that the due hint points at. */
void expire_slot(uint32_t slot);
bool send_once(int actor, enum send_mode mode); /* false: full or busy */
void notify_one(void);
enum ring_result consume_once(int actor, bool before_sleep, struct ring_taken *ret);
bool delete_taken(int actor, const struct ring_taken *taken);

/* roles_journal.c: who takes the marks, and a copy of the slots that follows by them */
int add_engine(const char *name, unsigned turns);
void journal_begin(bool has_marks);
/* Who acts has changed the slot. */
void journal_changed(uint32_t slot);
/* The journal has the slot as it is. */
void journal_note(uint32_t slot);
/* Has the engine, who acts now, written this message? Only then may it make it durable. */
bool journal_has(uint32_t slot, struct slot_word word);
/* When nobody can go on: a further turn, after which nothing may be missed. */
void journal_check_end(void);

/* Start states. */
void start_leased(uint32_t slot, uint64_t generation, unsigned message, uint32_t deadline_ms);
void start_delayed(uint32_t slot, uint64_t generation, unsigned message, uint32_t due_ms);
void start_ready_again(uint32_t slot, uint64_t generation, unsigned message); /* with its bit */
void start_freed(uint32_t slot, uint64_t generation);
void start_ends(uint64_t position);
void start_marked(uint32_t slot);
/* The messages of this set, a bit each, are of a tenant that is noisy, all others of a quiet one. Before the other
 * start states. */
void start_tenants(unsigned noisy);
/* What to go by for a consumer: NULL where there are no tenants. */
const struct tenants *tenants_for(int actor);
/* The producer of the message writes down whose it is. */
void tenant_note(struct slot_message *message, unsigned number);

#endif
