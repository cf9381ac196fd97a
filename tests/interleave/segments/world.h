/* Two queues, `q` and its dead-letter queue `d`, on which actors work by the calls of client/ and shm/.
 *
 * Everything that is shipped runs: ring/, shm/ and client/, and of daemon/ what makes a turn (journal.h). The
 * operating system is played by os.c and files.c: memory is given and taken away as asked, and what has none is
 * watched; a process is dead exactly when the explorer has killed its actor; the clock stands still but for ticks.
 *
 * A step is one access to a word on which the scenario's protocol turns; `fine` says on which, beside the words
 * of the slots and the table of blocks. The others are joined with the step before: tests/interleave has the
 * scenarios of the ring alone, where each access to it is a step.
 */
#ifndef INTERLEAVE_SEGMENTS_WORLD_H
#define INTERLEAVE_SEGMENTS_WORLD_H

#include "client/internal.h"
#include "tests/interleave/explore.h"

enum { QUEUE, DLQ, QUEUES };

enum {
	RINGS_SEEN = 3,	 /* regions that scenarios use */
	SLOTS_SEEN = 4,	 /* of a ring */
	BLOCKS_SEEN = 6, /* of class 0: three extents */
	BLOCK_SEEN_BYTES = 128,
	HOLDS_SEEN = 2,
	TABLE_ORDER_SEEN = 4, /* of tables that replace the first ones */
	CELL_SEEN_BYTES = 64, /* of the payload of a FIFO queue's slot */
	GROUPS_SEEN = 2,      /* named a and b */
	MESSAGES_MAX = 6,     /* numbered from 1 */
	BATCH_MAX = 2,
	OPS_MAX = 8,
	DRAINER = ACTORS_MAX, /* who sets up, and works in the final checks */
	PEOPLE = ACTORS_MAX + 1,
	SEGMENTS_MAX = 7, /* open at once by one actor; the DRAINER keeps a journal as well */
	NOBODY = 0xff,
	DIRECTORY_FD = 99, /* descriptors are numbers only */
	FIRST_FD = 100,	   /* of q; then of d */
	POISON = 0xdd,	   /* fills what has no memory */

	LEASE_MS = 10,
	TICK_MS = 20,
	OVERDUE_MS = 1000,
	LATER_MS = 100000,
};

/* Which words are steps, beside slots and blocks. */
enum fine {
	FINE_VIEWS = 1, /* views of calls, the list of rings, its regions */
	FINE_HOLDS = 2,
	FINE_TIME = 4,
	FINE_HINTS = 8, /* ends, bitmaps, dues of the rings; the bits of blocks */
	FINE_NAMES = 16,
	FINE_ROWS = 32,	  /* whose they are */
	FINE_BODIES = 64, /* the moment before bytes are copied */
	FINE_MARKS = 128,
	FINE_CHAINS = 256,    /* of FIFO queues: the cells of groups, what follows a message */
	FINE_TOKENS = 512,    /* whose turn it is */
	FINE_IDS = 1024,      /* whose each entry of an id is; the purge mark */
	FINE_TABLES = 2048,   /* lists of tables, and their regions */
	FINE_ATTEMPTS = 4096, /* what is remembered of them, and what messages say */
};

/* What a scenario begins with. */
struct shape {
	unsigned fine;
	uint32_t receives_max;		/* 0: no dead-letter queue */
	uint64_t capacity;		/* 1: two slots for good; 3: may grow to four */
	uint32_t rings;			/* regions in use, 1 if 0 */
	bool is_whole;			/* with all slots from the start */
	bool may_lack_memory;		/* one allocation may be refused */
	enum rlq_durability durability; /* of both queues */
	/* FIFO queues, if there are groups: that of message 1, 2, ... The last one goes for those that follow. */
	const char *groups;
	const char *ids;    /* the same of deduplication ids; none: each message has its own */
	uint64_t window_ms; /* of deduplication; 0: longer than any scenario */
	uint32_t tables;    /* in use of the kind that is replaced, 1 if 0 */
	uint32_t replaced;  /* that kind (enum seg_table_kind): FINE_TABLES is about its list and regions */
	bool has_attempts;  /* receives may be asked for again */
};

/* One message, by number; number 0 is none. */
struct account {
	uint8_t exists, deleted, moved;
	uint8_t holder; /* of the latest lease */
	uint8_t deleted_by;
	uint8_t epoch;		  /* of the latest lease, in the queue where it is */
	uint8_t extended_by;	  /* who was promised more time, under the latest lease */
	uint8_t epoch_of[PEOPLE]; /* of each one's latest lease */
	uint8_t sent_by;
	uint8_t taken_back; /* by its sender, whom the journal had left waiting */
	uint8_t partner;    /* who had the latest lease renewed as an attempt of its own */
	/* In FIFO queues. Sets of messages have a bit for each. */
	uint8_t sequence[QUEUES]; /* its number */
	uint8_t ahead[PEOPLE];	  /* of its group, when each one's latest lease of it began */
	uint8_t unheld[PEOPLE];	  /* of those, the ones that were not leased by the same one */
	uint8_t was_leased;	  /* set of queues */
	uint8_t is_of_attempt;	  /* the latest lease is */
	uint8_t padding;
	uint32_t id;	  /* folded */
	uint64_t boot_ms; /* when it was sent */
};

/* What the operating system knows of a queue's file. */
struct file {
	uint32_t ring_bytes[RINGS_SEEN]; /* with memory */
	uint32_t table_bytes[SEG_TABLE_COUNT];
	uint8_t extents; /* of class 0 with memory, bit set */
	uint8_t named;
	uint8_t padding[2];
};

struct viewed {
	const unsigned char *bytes; /* NULL: nothing */
	uint64_t count;
	uint64_t place;
	uint32_t number;
	uint32_t queue;
};

struct world {
	uint64_t now_ms;
	uint64_t memory; /* stands for its giving and taking away: one step */
	uint64_t life;	 /* for the question who lives */
	struct file files[QUEUES];
	struct slot_word seen[QUEUES][RINGS_SEEN][SLOTS_SEEN];
	uint64_t seen_block[QUEUES][BLOCKS_SEEN];
	struct account accounts[MESSAGES_MAX];
	struct viewed viewed[PEOPLE]; /* read in place now */
	uint8_t purges[PEOPLE];
	uint8_t refusals_left; /* of memory */
	/* FIFO queues (judge_fifo.c) */
	uint8_t promised;		     /* messages whose senders, or those of duplicates, were told of them */
	uint8_t told;			     /* the greatest number that a sender was told */
	uint8_t leased[QUEUES][GROUPS_SEEN]; /* the greatest of a message that was ever leased */
	uint8_t claimed_by[QUEUES][RINGS_SEEN][SLOTS_SEEN]; /* who wrote the message */
	uint8_t was_late;				    /* somebody was stopped, and goes on */
	uint8_t is_over;	   /* the scenario is: messages have ids of their own from now on */
	uint8_t attempts[PEOPLE];  /* who receives what it may have had before */
	uint64_t began_ms[PEOPLE]; /* each one's present call */
};
extern struct world world;

struct op {
	void (*call)(int actor, unsigned argument);
	const char *name;
	unsigned argument;
};

/* What one actor keeps to itself: the process's memory. */
struct own {
	uint8_t at;  /* in its script */
	uint8_t has; /* messages received and not yet dealt with */
	uint8_t number[BATCH_MAX];
	uint8_t journal; /* 1 + whose memory it keeps one in; 0: it keeps none */
	uint8_t padding[3];
	uint32_t queue_used, segment_used, sent_used; /* bit set */
	uint32_t firsts_used, foreseen_used;
	const void *asleep_on; /* the event, if it sleeps */
	struct rlq_message message[BATCH_MAX];
	struct rlq_queue *handle[QUEUES];
	struct rlq_queue queue[QUEUES];
	struct segment segment[SEGMENTS_MAX];
	struct sent sent[QUEUES][RLQ_BATCH_MAX]; /* of which no scenario uses more than BATCH_MAX */
	struct first_sent firsts[QUEUES][RLQ_BATCH_MAX];
	struct foreseen_ids foreseen[QUEUES][RLQ_BATCH_MAX];
	_Alignas(16) unsigned char chunk[QUEUES][4096];
};
extern struct own own[PEOPLE];

/* ---- building a scenario ---- */

void world_begin(const struct shape *shape);
/* An actor that makes these calls, one a turn, with a handle on q, and on d if there is one. */
int add_script(const char *name, const struct op *ops, bool is_mortal);
/* The same without handles. */
int add_script_late(const char *name, const struct op *ops, bool is_mortal);
#define actor(name, ...) add_script(name, (const struct op[]){__VA_ARGS__, {0}}, true)
#define immortal(name, ...) add_script(name, (const struct op[]){__VA_ARGS__, {0}}, false)
#define latecomer(name, ...) add_script_late(name, (const struct op[]){__VA_ARGS__, {0}}, true)
/* One that journals, by journal_start() before the scenario begins, or later. */
int add_journal(const char *name, const struct op *ops, bool is_mortal);
#define journal_keeper(name, ...) add_journal(name, (const struct op[]){__VA_ARGS__, {0}}, true)
/* A call that an actor, or the DRAINER, has made before the scenario begins. */
void before_call(int actor, struct op op);
#define before(who, ...) before_call(who, (struct op)__VA_ARGS__)
void world_ready(void);

/* ---- the calls ---- */

void call_send(int actor, unsigned number);
void call_send_big(int actor, unsigned number);
void call_send_two(int actor, unsigned number); /* and the next number, in one batch */
void call_receive(int actor, unsigned max);
void call_receive_dlq(int actor, unsigned max);
void call_receive_held(int actor, unsigned max);
void call_delete(int actor, unsigned unused);
void call_extend(int actor, unsigned unused);
void call_release(int actor, unsigned unused);
void call_let_go(int actor, unsigned unused);
void call_reap(int actor, unsigned unused);
void call_sweep(int actor, unsigned unused);
void call_sweep_dlq(int actor, unsigned unused);
void call_purge(int actor, unsigned unused);
void call_redrive(int actor, unsigned unused);
void call_remove(int actor, unsigned unused);
void call_open(int actor, unsigned unused);
void call_finish_removal(int actor, unsigned unused);
void call_retire(int actor, unsigned unused);
void call_give_back(int actor, unsigned unused);
void call_tick(int actor, unsigned ms);
void call_journal_start(int actor, unsigned unused);
void call_turn(int actor, unsigned unused);
void call_disk(int actor, unsigned is_full);
void call_attempt(int actor, unsigned max); /* a receive, and the same again */
void call_replace(int actor, unsigned kind);

/* clang-format off */
#define SEND(number) {call_send, "send", number}
#define SEND_BIG(number) {call_send_big, "send", number}
#define SEND_TWO(number) {call_send_two, "send two", number}
#define RECEIVE(max) {call_receive, "receive", max}
#define RECEIVE_DLQ(max) {call_receive_dlq, "receive d", max}
#define RECEIVE_HELD(max) {call_receive_held, "hold", max}
#define DELETE {call_delete, "delete", 0}
#define EXTEND {call_extend, "extend", 0}
#define RELEASE {call_release, "release", 0}
#define LET_GO {call_let_go, "let go", 0}
#define REAP {call_reap, "reap", 0}
#define SWEEP {call_sweep, "sweep", 0}
#define SWEEP_DLQ {call_sweep_dlq, "sweep d", 0}
#define PURGE {call_purge, "purge", 0}
#define REDRIVE {call_redrive, "redrive", 0}
#define REMOVE {call_remove, "remove", 0}
#define OPEN {call_open, "open", 0}
#define RETIRE {call_retire, "retire", 0}
#define GIVE_BACK {call_give_back, "give back", 0}
#define TICK {call_tick, "tick", TICK_MS}
#define START {call_journal_start, "start", 0}
#define TURN {call_turn, "turn", 0}
#define DISK_FULL {call_disk, "disk full", true}
#define DISK_ROOM {call_disk, "disk has room", false}
#define ATTEMPT(max) {call_attempt, "attempt", max}
#define REPLACE(kind) {call_replace, "replace", kind}
#define LATER {call_tick, "later", OVERDUE_MS * 2}
/* clang-format on */

/* ---- who, where ---- */

extern struct body_region body_places[QUEUES]; /* class 0 */
extern unsigned char *map_base[QUEUES], *body_base[QUEUES], *cell_base[QUEUES];

static inline struct seg_header *header_of(int queue)
{
	return (struct seg_header *)(void *)map_base[queue];
}

static inline struct seg_row *row_of(int queue, uint32_t row)
{
	return (struct seg_row *)(void *)(map_base[queue] + SEG_ROWS) + row;
}

static inline unsigned char *ring_memory(int queue, uint32_t ring)
{
	return map_base[queue] + SEG_RINGS + ring * SEG_RING_REGION;
}

static inline struct slot *slot_in(int queue, uint32_t ring, uint32_t slot)
{
	return (struct slot *)(void *)ring_memory(queue, ring) + slot;
}

static inline unsigned char *table_memory(int queue, uint32_t table)
{
	return map_base[queue] + SEG_TABLES + table * SEG_TABLE_REGION;
}

/* Where a FIFO queue has the payload of the message in a slot. */
static inline unsigned char *cell_of_slot(int queue, const struct slot *slot)
{
	return cell_base[queue] + ((const unsigned char *)slot - (map_base[queue] + SEG_RINGS));
}

static inline atomic_u64 *block_word(int queue, uint32_t block)
{
	return &body_places[queue].table[block];
}

static inline unsigned char *block_bytes(int queue, uint32_t block)
{
	return body_places[queue].data + block * body_places[queue].block_bytes;
}

/* The actor at work; DRAINER outside of steps, unless `before` lends it to an actor. */
int acting(void);
void act_as(int actor);
struct seg_directory *directory_of(int actor);
extern struct seg_engine_page engine_page;

/* The present scenario's. */
extern struct shape world_shaped;
static inline const struct shape *world_shape(void)
{
	return &world_shaped;
}
static inline bool world_is_durable(void)
{
	return world_shape()->durability != RLQ_MEMORY;
}
static inline bool world_is_sync(void)
{
	return world_shape()->durability == RLQ_SYNC;
}
static inline bool world_is_fifo(void)
{
	return world_shape()->groups != NULL;
}
/* Is it of the kind that is replaced? */
static inline bool table_is_replaced(size_t table)
{
	return table / TABLES_OF_A_KIND == world_shape()->replaced;
}

const char *world_name(int queue);
/* How much of a table may come into use. */
size_t world_table_bytes(uint32_t table);
/* Bytes of a ring in the present scenario. */
size_t world_ring_bytes(uint32_t order);

/* Rows of each queue that can come into use. */
extern uint32_t rows_seen[QUEUES];

/* ---- steps.c ---- */

/* For explore_join(): is the access no step of its own? */
bool step_is_joined(const void *address);

/* ---- os.c, files.c, heap.c, guard.c ---- */

void os_begin(void);
/* Everything that could be changed, as it is now; and fails if it is not so any more: then a scenario changes
 * what is not remembered, and its states are not what they seem. */
void guard_begin(void);
void guard_check(void);
/* Fails if somebody wrote where there is no memory. */
void os_check_poison(void);
/* Before an access: does its place have memory? */
void os_touch(const void *address);
/* Was the access before that one to a slot or a block? */
bool os_touched(void);
extern uint64_t name_step; /* accessed with each look at a name */
/* All that an actor's own memory is made of, for explore_remember_of. */
void own_remember(int actor, uint32_t rings);

/* ---- monitor.c, check.c, show.c ---- */

void monitor_begin(void);
void monitor_step(void);
void monitor_access(void);
/* A call has returned: nothing may wait for its actor any more. */
void monitor_returned(void);
/* The number that the bytes of a message say; 0: they are not whole. */
unsigned number_in(int queue, const struct slot *slot);
/* Of FIFO queues. Sends message `number`. */
int fifo_send_call(struct rlq_queue *queue, const unsigned char *body, size_t bytes, unsigned number,
		   bool *ret_is_duplicate);
unsigned number_of_bytes(const unsigned char *bytes, uint64_t count);
void check_end(void);
void check_resume(void);
void show_word(const void *address, char *text, size_t bytes);
bool handle_is_alive(int queue, uint32_t row, uint32_t serial);
int actor_of_row(int queue, uint32_t row, uint32_t serial);

#endif
