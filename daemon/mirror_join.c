#include "daemon/mirror_join.h"

#include "daemon/mirror_fill.h"
#include "daemon/replay.h"
#include "kmod-free/memory.h"
#include "ringlease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { TENTHS = 10 };

#define say(mirror, ...) ((mirror)->options.say)((mirror)->options.context, __VA_ARGS__)

/* ---- filled ----------------------------------------------------------------------------------- */

static int tell_progress(void *context, uint64_t bytes, uint64_t bytes_all)
{
	struct mirror *mirror = context;
	uint32_t tenths = bytes_all ? (uint32_t)(bytes * TENTHS / bytes_all) : TENTHS;

	if (tenths != mirror->said_tenths)
		say(mirror, "mirror: %" PRIu32 " %% copied, %" PRIu64 " of %" PRIu64 " MiB", tenths * 10,
		    bytes >> 20, bytes_all >> 20);
	mirror->said_tenths = tenths;
	return mirror->options.is_stopped && atomic_load(mirror->options.is_stopped) ? -ECANCELED : 0;
}

static struct mirror_fill filling(struct mirror *mirror, int source)
{
	const struct mirror_end *from = &mirror->end[source], *to = &mirror->end[1 - source];

	return (struct mirror_fill){.from_disk = from->disk,
				    .from = from->folder,
				    .to_disk = to->disk,
				    .to = to->folder,
				    .progress = tell_progress,
				    .context = mirror};
}

/* For those who find one of them alone, from wherever they look. */
static void name_other(struct mirror *mirror, int side)
{
	const char *path = mirror->end[1 - side].path;
	char *whole = realpath(path, NULL);

	standing_set_other(&mirror->end[side].look.standing, whole ? whole : path);
	free(whole);
}

static int pair_standings(struct mirror *mirror, int source)
{
	const uint64_t generation = mirror->end[source].look.standing.generation + 1;
	uint64_t pairing;
	int error = 0;

	os_random(&pairing, sizeof(pairing));
	pairing |= 1;
	/* The one that is filled is STALE until the other one knows that it has a mirror. */
	for (int i = 0; i < DISK_PAIR_SIDES && !error; i++) {
		const int side = i == 0 ? source : 1 - source;
		struct standing *standing = &mirror->end[side].look.standing;

		standing->state = STANDING_PAIRED;
		standing->generation = generation;
		standing->pairing = pairing;
		name_other(mirror, side);
		error = mirror_write_standing(mirror, &mirror->end[side]);
	}
	return error;
}

static int fill(struct mirror *mirror, int source)
{
	struct mirror_end *from = &mirror->end[source], *to = &mirror->end[1 - source];
	const struct mirror_fill copy = filling(mirror, source);
	int error;

	say(mirror, "mirror: %s is filled from %s", to->path, from->path);
	to->look.standing.state = STANDING_STALE;
	to->look.standing.pairing = from->look.has_files || from->look.standing.state ? 1 : 0;
	name_other(mirror, 1 - source);
	error = mirror_write_standing(mirror, to);
	if (error)
		return error;
	error = mirror_fill_anew(&copy);
	if (error == -ECANCELED)
		return error;
	if (error) {
		say(mirror, "mirror: %s cannot be filled from %s: %s", to->path, from->path, rlq_strerror(error));
		return error;
	}
	return pair_standings(mirror, source);
}

/* ---- in step ---------------------------------------------------------------------------------- */

/* How much is wrong with the journal there. */
static uint64_t faults_of(const struct mirror_end *end)
{
	struct replay_report report;

	return replay(end->disk, end->folder, NULL, &report) ? UINT64_MAX : report.damage_count;
}

/* What one disk has spoiled, the other one may have. */
static int make_same(struct mirror *mirror)
{
	const uint64_t faults = faults_of(&mirror->end[0]);
	const struct mirror_fill copy = filling(mirror, 0);
	uint64_t other_faults;
	int error;

	if (faults > 0) {
		other_faults = faults_of(&mirror->end[1]);
		if (other_faults < faults) {
			say(mirror, "journal %s: DAMAGE, which its mirror does not have", mirror->end[0].path);
			return fill(mirror, 1);
		}
		if (faults == UINT64_MAX)
			return 0; /* it is refused when it is replayed */
	}
	error = mirror_fill_end(&copy);
	if (error && error != -ECANCELED)
		say(mirror, "mirror: %s and %s cannot be made the same: %s", mirror->end[0].path,
		    mirror->end[1].path, rlq_strerror(error));
	return error;
}

/* ---- public ----------------------------------------------------------------------------------- */

int mirror_join(struct mirror *mirror, enum mirror_verdict verdict)
{
	return verdict == MIRROR_IN_STEP ? make_same(mirror) : fill(mirror, verdict == MIRROR_FILL_FIRST);
}
