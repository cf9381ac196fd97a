/* Message attributes: as JSON, {"NAME": {"DataType": "String", "StringValue": "..."}}, and as the library has them.
 *
 * What the endpoint says of a message beyond AWS is a message attribute whose name its users may not use: it begins
 * with "ringlease.". */
#ifndef GATEWAY_ATTRIBUTES_H
#define GATEWAY_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/failure.h"

#define ATTRIBUTE_RESERVED "ringlease."
#define ATTRIBUTE_ENCODING ATTRIBUTE_RESERVED "BodyEncoding" /* "base64": of what is no text; only on receives */

struct attributes {
	struct rlq_attribute list[RLQ_ATTRIBUTES_MAX]; /* names, labels and texts are those of the JSON */
	uint32_t count;
	void *decoded; /* memory of Binary values */
};

/* Checks them as AWS does. `json` NULL: none. False: `failure` has why, and there is nothing to free. */
bool attributes_read(const json_t *json, struct attributes *ret_attributes, struct failure *failure);
void attributes_free(struct attributes *attributes);

/* Has one of them a member that AWS keeps for later, StringListValues or BinaryListValues? */
bool attributes_have_lists(const json_t *json);

/* What they count of a message's size; of attributes that may be none. */
size_t attributes_bytes(const json_t *json);

/* MessageSystemAttributes, if there are any: AWSTraceHeader is the only one. */
bool trace_read(const json_t *json, struct rlq_attribute *ret_trace, struct failure *failure);

/* Is it asked for, by MessageAttributeNames? Names, prefixes with ".*", and All. */
bool attribute_is_selected(const char *name, const json_t *names);

/* {"DataType": ...}; NULL: out of memory. What natives may send and AWS may not, a text that is none, becomes
 * Binary: `attribute` is changed, for it goes into the digest. */
json_t *attribute_to_json(struct rlq_attribute *attribute);

/* In base64; NULL: out of memory. */
json_t *base64_to_json(const void *bytes, size_t count);

#endif
