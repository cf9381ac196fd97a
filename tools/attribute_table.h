/* The table behind attributes.h, for the two files that read it. */
#ifndef TOOLS_ATTRIBUTE_TABLE_H
#define TOOLS_ATTRIBUTE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringlease.h>

enum attribute_kind {
	KIND_DURATION,
	KIND_NUMBER,
	KIND_DLQ,
	KIND_POLICY,
	KIND_MODE,
	KIND_GROUP,
	KIND_PLACE,
	KIND_TYPE,
	KIND_CONTENT, /* content-based deduplication */
	KIND_SCOPE,   /* of deduplication */
};

enum { ATTRIBUTE_COUNT = 19 };

struct attribute_spec {
	const char *name;
	const char *sqs;    /* SQS's name, or one in its manner */
	const char *sqs_ms; /* durations: the exact value's name */
	uint64_t min, max;
	size_t offset;
	enum attribute_kind kind;
	bool wide;  /* 64 bits, else 32 */
	bool fixed; /* at creation */
	bool said_unless_0;
	bool said_with_dlq; /* means nothing without a DLQ */
	bool fifo;	    /* of FIFO queues only */
};

extern const struct attribute_spec attribute_specs[ATTRIBUTE_COUNT];

uint64_t attribute_get(const struct rlq_queue_attributes *attributes, const struct attribute_spec *spec);

/* Text of a duration's or number's value; `ret_text` has DURATION_TEXT_BYTES. */
void attribute_value_format(const struct attribute_spec *spec, uint64_t value, char *ret_text);

#endif
