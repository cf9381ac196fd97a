/* One run of a script by a victim that is watched after each instruction, and all that is made of it: images
 * that survivors judge, or a real kill. */
#ifndef TEST_IMAGES_RUN_H
#define TEST_IMAGES_RUN_H

#include "tests/images/known.h"
#include "tests/images/stage.h"
#include "tests/images/trace.h"

#include <time.h>

enum { SAMPLES_MAX = 512, SCRIPTS_MAX = 256 };

/* What came of all runs of a script. */
struct tally {
	uint64_t runs, steps, product_steps, calls;
	uint64_t images, distinct, judged, kills;
	uint64_t image_failures, image_losses, image_stuck;
	uint64_t kill_failures, kill_losses, kill_stuck, kill_differences;
	uint64_t waited_max, reap_waited_max; /* most steps that a survivor's call took; reap: as scene.h has it */
	unsigned char covered[TEXT_BYTES_MAX / 8];
};

/* An image that is to be compared with what a real kill leaves. */
struct sample {
	struct trace_place place;
	uint64_t hash, outcome;
	bool is_sound;
};

struct run {
	/* Set by who wants it. */
	const char *victim; /* program */
	uint32_t script;
	uint64_t seed; /* 0: the script as it is */
	bool has_engine;
	uint64_t judge_every, kill_every; /* of the images that are new; of those judged */
	uint64_t only_step;		  /* if not 0: judges the image of this step, new or not */
	uint64_t end_s;			  /* by the monotonic clock; 0: none */
	struct known *known;
	struct tally *tally;
	/* A worker's own. */
	uint32_t worker;
	struct stage *stage;
	int stage_fd;
	char kept_directory[TMPDIR_BYTES];
	/* In memory shared with the worker. */
	struct samples {
		uint32_t count;
		struct sample sample[SAMPLES_MAX];
	} * samples;
};

/* Of the monotonic clock. */
static inline uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

/* Films the run and judges its images; which are worth a real kill is in run->samples then. */
void run_film(struct run *run);

/* Runs it again, kills the victim at the place of the sample, and compares. */
void run_kill(struct run *run, const struct sample *sample);

#endif
