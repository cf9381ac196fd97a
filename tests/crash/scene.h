/* A scene: two queues with a fake clock, in which a victim runs a script and is killed or stopped, and
 * what the survivors then check. All of it lies in shared memory. */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include "client/internal.h"
#include "ring/groups.h"
#include "ringlease.h"
#include "tests/crash/crash.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tmpdir.h"

#include <sys/types.h>

enum {
	TAGS_MAX = 32768,
	READINGS_MAX = 16,
	ATTEMPT_MAX = 4, /* messages that an attempt asks for */
	RECEIPTS_MAX = 64,
	CROWD = GROUP_WINDOW + 2,
	GROUPS = 3, /* that messages go to in turn */
	VISIBILITY_MS = 30000,
	DEDUP_WINDOW_MS = 300000,
	RETENTION_MS = 4 * 86400 * 1000,
	/* What one call of a survivor may cost: operations on shared words. Rings have 32 slots here. One that
	 * reaps looks at every block as well, and waits some 4,096 pauses for a call that stands before it keeps
	 * the memory that it could give back. */
	STEPS_MAX = 4000,
	REAP_STEPS_MAX = 3 * STEPS_MAX,
	FIFO_STEPS_MAX = 4 * STEPS_MAX, /* who finds no room empties an older table, of 1,024 cells here */
};

/* A message by its number, which its body carries. What was known when the process died is true. */
struct tag {
	uint8_t is_sending, is_sent; /* the call began; it answered */
	uint8_t is_deleting, is_deleted;
	uint8_t is_forgotten;  /* may be gone, or not */
	uint8_t is_sent_again; /* and nobody is sending it for the first time */
	uint8_t received;
	uint32_t deleted_at; /* which of the confirmed deletes */
	uint32_t counts[2];  /* receive counts met, a bit each: in q, in the DLQ */
	uint64_t id[2];	     /* the message's id, if its send has answered with one */
	/* Of a FIFO queue. */
	uint32_t group, bytes; /* bytes: sent to q by verb_send */
	uint64_t sent_boot_ms;
	uint64_t sequence[2]; /* in q, in the DLQ; 0: not known */
};

/* What else a process knows when it dies, of a FIFO queue. */
struct knowledge {
	uint64_t sequence_last[2]; /* answered to a send to q, to the DLQ */
	bool is_redriven, is_attempting;
	/* What the last attempt has brought, as long as another one must bring the same. */
	uint32_t attempt_count, attempt_tag[ATTEMPT_MAX];
	uint64_t attempt_until_ms; /* boot clock */
};

struct scene {
	struct os_clock_words clock;
	struct crash_plan plan;
	char directory[TMPDIR_BYTES];
	bool is_prompt;	 /* an engine says that it is awake, so clients do not reap */
	uint64_t random; /* what the processes' random bytes are drawn from */
	bool is_fifo, has_group_ids, has_content_ids;
	uint32_t capacity, receives_max;
	uint32_t crowd[CROWD]; /* groups whose paths are the same */
	struct knowledge known;
	bool retries_late; /* who has not heard what became of a call tries again when others have gone on */
	uint32_t tag_count, delete_count;
	struct tag tag[TAGS_MAX];
	/* Handed from who prepares to the victim. */
	struct rlq_receipt receipt[RECEIPTS_MAX];
	uint32_t receipt_tag[RECEIPTS_MAX], receipt_count;
	/* Held by survivors while the victim is stopped. */
	struct kept {
		struct rlq_receipt receipt;
		uint32_t tag;
		bool is_dlq;
		uint64_t until_ms; /* of its lease, boot clock */
	} kept[RECEIPTS_MAX];
	uint32_t kept_count;
	/* What the victim reads in place: addresses in its own memory. */
	struct reading {
		const void *queue, *body;
		uint32_t tag, bytes;
	} reading[READINGS_MAX];
	uint32_t reading_count, readings_compared;
	uint64_t steps_max, reap_steps_max; /* most that a survivor's call took */
	bool is_loss, is_stuck;		    /* the failure is one of these */
	char failure[512];
};

/* The handles of one process. */
struct actor {
	struct scene *scene;
	struct rlq_directory *directory;
	struct rlq_queue *q, *q2, *dlq; /* q2: another handle of the same queue */
	bool is_measured;		/* each call must end within STEPS_MAX */
	bool is_reaping;		/* within REAP_STEPS_MAX then */
	bool is_victim;			/* notes what it reads in place */
};

/* What happens in a scene. */
struct script {
	const char *name;
	void (*prepare)(struct actor *actor); /* before; is not killed */
	void (*run)(struct actor *actor);     /* by the victim */
	/* By another while the victim is stopped, and once it has gone on. */
	void (*meanwhile)(struct actor *actor), (*then)(struct actor *actor);
	uint32_t capacity, order_first; /* 0: 28 messages, one ring of 32 slots */
	uint32_t receives_max;		/* 0: no DLQ */
	bool is_fifo, also_fifo;	/* with FIFO queues; and once more with them */
	bool has_group_ids;		/* deduplication ids count for their group, and others have the same */
	bool has_content_ids;		/* and are made of the bodies */
	uint32_t delay_ms;		/* of the queue */
	bool is_slow;			/* many slots: fewer cases, and no step bound */
	bool opens;			/* the victim opens its handles itself */
	bool is_engine;			/* the victim is an engine */
	bool waits;			/* how often it looks while it waits is not the same each time */
};

extern const struct script scripts_send[], scripts_receive[], scripts_lease[], scripts_reap[], scripts_move[],
	scripts_rings[], scripts_bodies[], scripts_queue[], scripts_fifo[];

/* Ends the calling process; the text goes to the scene. */
_Noreturn __attribute__((format(printf, 2, 3))) void scene_fail(struct scene *scene, const char *format, ...);

void scene_build(struct scene *scene, const struct script *script);
/* "q" or "dlq", and ".fifo" if it is. */
const char *scene_queue_name(const struct scene *scene, bool is_dlq);
void actor_open(struct scene *scene, struct actor *ret_actor);
void actor_close(struct actor *actor);
/* Fails unless an engine is prompt just when the scene says so. */
void scene_check_engine(const struct actor *actor);

/* Runs `run` in a process that is killed at the nth passage of `point`; fails if it does not get there. */
void kill_helper_at(struct actor *actor, enum crash_point point, uint64_t nth, void (*run)(struct actor *actor));

/* The survivors' part: others go on at once; nothing is lost; nothing stays behind. */
/* Whatever the victim has left, nothing is damaged. */
void survivors_verify(struct actor *actor);
void survivors_go_on(struct actor *actor);
/* Tries again what the victim has begun, if that is to be late: when it was swept, and others have received. */
void survivors_try_late(struct actor *actor);
void survivors_drain(struct actor *actor);
void survivors_check_nothing_lost(struct actor *actor);
/* The same while the victim stands: what is missing is in its hands, and that is a message being moved. */
void survivors_check_only_in_hands(struct actor *actor);
/* Presses on the full queue, again and again, so that every slot and block is used that is not the victim's; and
 * is accepted as long as there is room. The queue is empty before and after. */
void survivors_use_again(struct actor *actor);
/* Byte by byte, in the memory of the stopped victim. */
void survivors_compare_readings(struct actor *actor, pid_t victim);
/* Past all leases: receives what there is and keeps it; then all of it must still be theirs. */
void survivors_hold(struct actor *actor);
void survivors_still_hold(struct actor *actor);
void survivors_check_nothing_left(struct actor *actor);
void survivors_fill_exactly(struct actor *actor);

/* ---- verbs that keep the accounts; unexpected codes fail ---- */

/* Sends a message of `bytes` (at least 8). 0, RLQ_EFULL, or RLQ_ENOSPACE. */
int verb_send(struct actor *actor, struct rlq_queue *queue, uint32_t bytes, int64_t delay_ms);
/* `count` messages of that tenant of a standard queue. */
void verb_send_as(struct actor *actor, struct rlq_queue *queue, const char *tenant, uint32_t count);
/* The same to that group of a FIFO queue. */
int verb_send_to(struct actor *actor, struct rlq_queue *queue, uint32_t group, uint32_t bytes);
/* Sends a message to q once more, with the same ids: one of the two is sent, and both are told of it. */
void verb_send_again(struct actor *actor, uint32_t tag);
/* Is that so now: was it for q, and is its id remembered if it was sent? */
bool tag_is_remembered(const struct scene *scene, uint32_t tag);
/* The same in its steps: a new tag, its ids if the queue is FIFO, its body, and the answer. */
struct tag_ids {
	char group[12], dedup[12];
	const char *dedup_id; /* for a send: `dedup`, or NULL where the queue makes ids of bodies */
};
uint32_t tag_new(struct scene *scene);
void tag_set_ids(struct scene *scene, uint32_t tag, uint32_t group, struct tag_ids *ret_ids);
/* A body of so many bytes is about to be sent; to q: others may try again. */
void tag_sending(struct scene *scene, bool is_dlq, uint32_t tag, uint32_t bytes);
void tag_sent(struct scene *scene, bool is_dlq, uint32_t tag, const struct rlq_sent *sent,
	      uint64_t sequence_before);
/* A reservation was published. */
void tag_published(struct scene *scene, uint32_t tag);
void tag_write_body(uint32_t tag, void *body, uint32_t bytes);
/* Bodies are written to the last byte (those of megabytes excepted); false: only the ends of large ones, for who
 * runs one instruction at a time. */
extern bool bodies_are_whole;
uint32_t tag_check_body(struct scene *scene, const struct rlq_message *message);
/* Messages end by themselves from here on: the accounts shall not miss those there are. */
void tags_forget(struct scene *scene);
/* Receives up to `max`; checks them; returns how many. */
int verb_receive(struct actor *actor, struct rlq_queue *queue, struct rlq_message *ret_messages, size_t max,
		 int64_t visibility_ms, uint32_t flags);
/* Receives up to `max` from q in an attempt, always the same one: the same messages as the last time, if none of
 * them has gone on since. */
int verb_receive_attempt(struct actor *actor, struct rlq_message *ret_messages, size_t max);
/* This message is about to go on: if the attempt has brought it, the next one may bring others. */
void attempt_ends(struct scene *scene, uint32_t tag);
/* Deletes; 0 or RLQ_ESTALE. */
int verb_delete(struct actor *actor, struct rlq_queue *queue, const struct rlq_receipt *receipt, uint32_t tag);
/* Lets go of what was received in place. */
void verb_let_go(struct actor *actor, struct rlq_queue *queue, const struct rlq_message *message);
/* The delete was confirmed. */
void tag_deleted(struct scene *scene, uint32_t tag);
/* Receives from q and hands the receipts over to the victim. */
void prepare_leased(struct actor *actor, size_t count, int64_t visibility_ms);
/* Sends `count` small messages to q. */
void prepare_sent(struct actor *actor, uint32_t count);
/* Sends to q and receives it, while windows go by, and tables of ids with them. FIFO. */
void outlive_windows(struct actor *actor);
/* Is the code one that a call may answer when others have acted meanwhile? */
void expect_code(struct scene *scene, const char *what, int code);

#endif
