/* What the two halves of send share. */
#ifndef TOOLS_SEND_H
#define TOOLS_SEND_H

#include <ringlease.h>

#include "options.h"

struct send_options {
	struct common_options common;
	struct rlq_attribute attributes[RLQ_ATTRIBUTES_MAX];
	uint32_t attribute_count;
	const char *file, *lines;
	const char *group, *dedup_id, *trace;
	int64_t delay_ms, wait_ms;
	bool quiet;
};

/* Adds an attribute from NAME=TYPE:VALUE; returns 0 or an exit status after a report. Its copies are
 * freed by send_attributes_free(), which is the command's drop(). */
int send_attribute_parse(struct send_options *options, const char *text);
void send_attributes_free(void *options);

/* Opens a file to read, "-" is stdin; returns 0 and the descriptor or an exit status after a report. */
int send_open(const char *path, int *ret_fd);

/* Prints what was sent unless --quiet. Returns 0 or an exit status. */
int send_print(const struct send_options *options, const struct rlq_sent *sent);

/* Sends each line as a message. */
int send_lines(struct rlq_queue *queue, const struct send_options *options, const char *path);

#endif
