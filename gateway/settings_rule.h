/* The rule of one attribute, for the files behind settings.h. */
#ifndef GATEWAY_SETTINGS_RULE_H
#define GATEWAY_SETTINGS_RULE_H

#include <stddef.h>

#include "gateway/settings.h"

struct settings_rule {
	const char *name;
	/* Checks a value and takes it; NULL: only the service sets it. */
	bool (*set)(struct call *call, struct settings *settings, const struct settings_rule *rule,
		    const char *value);
	json_t *(*get)(const struct call *call, const struct settings *settings, const struct settings_rule *rule);
	size_t offset;	  /* in struct settings; of numbers, 64 bits */
	int64_t min, max; /* in the API's unit */
	int64_t unit;	  /* in the library's */
	bool is_of_fifo, is_counted;
};

/* Ends with a NULL name. */
extern const struct settings_rule settings_rules[];

#endif
