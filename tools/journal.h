/* What the parts of the journal command share. */
#ifndef TOOLS_JOURNAL_H
#define TOOLS_JOURNAL_H

#include "options.h"

enum { JOURNAL_KEYS_MAX = 16 };

struct journal_options {
	struct common_options common;
	const char *queue; /* dump: only its records; NULL: all */
	/* dump, verify: where keys are, up to a NULL */
	const char *keys[JOURNAL_KEYS_MAX + 1];
	size_t key_count;
};

/* Each does one of the verbs for the journal in `data`; an exit status. */
int journal_ls(const struct journal_options *options, const char *data);
int journal_dump(const struct journal_options *options, const char *data);
int journal_verify(const struct journal_options *options, const char *data);
/* Of the engine that serves the directory. */
int journal_compact(const struct journal_options *options);

#endif
