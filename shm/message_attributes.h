/* Attributes of a message: what SQS allows, and what they count. */
#ifndef SEG_MESSAGE_ATTRIBUTES_H
#define SEG_MESSAGE_ATTRIBUTES_H

#include "ringlease.h"

#include <stdint.h>
#include <string.h>

/* 0, or RLQ_EATTRIBUTE when a name, type or value is not what SQS allows. */
int message_attributes_check(const struct rlq_attribute *attributes, uint32_t count);

/* Bytes of name, type and value, as SQS counts them against the limit. */
uint64_t message_attributes_bytes(const struct rlq_attribute *attributes, uint32_t count);

static inline size_t attribute_label_bytes(const struct rlq_attribute *attribute)
{
	return attribute->type_label ? strlen(attribute->type_label) : 0;
}

#endif
