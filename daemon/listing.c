#include "daemon/listing.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

/* A time to come is of a clock that was set back: what changes from now on has another one. */
static bool is_recent(const struct timespec *time)
{
	struct timespec now;
	int64_t age_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	age_ms = (now.tv_sec - time->tv_sec) * 1000 + (now.tv_nsec - time->tv_nsec) / 1000000;
	return age_ms >= 0 && age_ms < LISTING_GRAIN_MS;
}

int listing_is_due(struct listing *listing, int directory)
{
	struct stat status;

	if (fstat(directory, &status) < 0)
		return -errno;
	if (!listing->again && status.st_mtim.tv_sec == listing->changed.tv_sec &&
	    status.st_mtim.tv_nsec == listing->changed.tv_nsec)
		return 0;
	/* A change within the same tick would not show: such a listing counts for nothing. */
	listing->again = is_recent(&status.st_mtim);
	listing->changed = status.st_mtim;
	return 1;
}
