#include "gateway/parameter.h"

#include <inttypes.h>
#include <stdio.h>

bool parameter_failure(struct failure *failure, const char *name, const char *value, const char *reason)
{
	return failure_set(failure, INVALID_PARAMETER_VALUE, "Value %s for parameter %s is invalid. Reason: %s",
			   value, name, reason);
}

bool parameter_in_range(struct failure *failure, const char *name, int64_t value, int64_t least, int64_t most,
			const char *reason)
{
	char text[24];

	if (value >= least && value <= most)
		return true;
	snprintf(text, sizeof(text), "%" PRId64, value);
	return parameter_failure(failure, name, text, reason);
}
