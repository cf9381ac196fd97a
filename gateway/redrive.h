/* RedrivePolicy and RedriveAllowPolicy. */
#ifndef GATEWAY_REDRIVE_H
#define GATEWAY_REDRIVE_H

#include <stdbool.h>

#include "gateway/settings.h"

/* Checks a policy, and takes it; "" removes. */
bool redrive_policy_set(struct call *call, struct settings *settings, const char *text);
/* A new text; NULL: there is none. */
json_t *redrive_policy_text(const struct call *call, const struct settings *settings);

bool redrive_allow_set(struct call *call, struct settings *settings, const char *text);

#endif
