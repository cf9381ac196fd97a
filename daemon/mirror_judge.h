/* Two folders that are to be a journal and its mirror: which of them has what was acknowledged? By what they say of
 * themselves (daemon/standing.h) alone. */
#ifndef DAEMON_MIRROR_JUDGE_H
#define DAEMON_MIRROR_JUDGE_H

#include "daemon/standing.h"

enum mirror_verdict {
	MIRROR_IN_STEP,	    /* either has: they differ in what was under way at most */
	MIRROR_FILL_SECOND, /* the first one has; the second is empty or behind */
	MIRROR_FILL_FIRST,
	MIRROR_FIRST_MISSING, /* the first one is empty, and the second does not know that it is not behind it */
	MIRROR_SECOND_MISSING,
	MIRROR_NOT_ITS_OWN, /* they are of two journals, or the second is no mirror */
	MIRROR_DIVERGED,    /* each has gone on without the other */
	MIRROR_BOTH_STALE,
};

enum mirror_verdict mirror_judge(const struct standing_look *first, const struct standing_look *second);

/* One folder alone. */
enum mirror_single {
	MIRROR_CURRENT,
	MIRROR_PERHAPS_BEHIND, /* it has a mirror, which may have gone on */
	MIRROR_BEHIND,
};

enum mirror_single mirror_judge_single(const struct standing_look *look);

#endif
