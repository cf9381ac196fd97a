/* What the processes of one traced run share: the scene, and what makes the run the same each time. The victim
 * is another program, so all of it lies in a file without a name whose descriptor it inherits. */
#ifndef TEST_IMAGES_STAGE_H
#define TEST_IMAGES_STAGE_H

#include "tests/crash/scene.h"

enum { ALLOCATIONS_MAX = 8192, WRITERS_MAX = 16 };

/* Memory that a file was given, or that it gave back. */
struct allocation {
	uint64_t inode, offset, bytes;
	bool is_punched;
};

struct stage {
	struct scene scene; /* first: an actor's scene is its stage's */
	uint64_t seed;	    /* of the start state; 0: as the script prepares it */
	uint64_t random;    /* where all of the run's "random" bytes come from */
	bool is_running;    /* the victim is between the begin and the end of the script */
	bool is_drifting;   /* it waits, so time shall go by */
	/* In the victim: where its program lies, in it the product's code, and functions of libc that write to
	 * memory; 0 after the last. */
	uintptr_t program, program_end, text_begin, text_end, writer[WRITERS_MAX];
	bool is_noting; /* a system call of the harness in the victim is going on */
	uint32_t allocation_count;
	struct allocation allocation[ALLOCATIONS_MAX];
};

/* In memory shared with all children; *ret_fd is for the victim. */
struct stage *stage_make(int *ret_fd);

/* The stage behind the descriptor. */
struct stage *stage_map(int fd);

/* As it was made, for another run. */
void stage_clear(struct stage *stage);

/* From here on this process and its children get their random bytes from the stage, and note there what memory they
 * give to files. */
void stage_enter(struct stage *stage);

/* The script with that number: those of tests/crash, ours, then varied ones, which the seed makes. NULL: no more.
 */
const struct script *stage_script(uint32_t number);
bool script_is_varied(uint32_t number);

extern const struct script scripts_images[], scripts_varied[];

/* Uses the queue, whose messages are delayed for so long, in a way that the seed chooses, and leaves it empty. */
void prelude_play(struct actor *actor, uint32_t delay_ms);

#endif
