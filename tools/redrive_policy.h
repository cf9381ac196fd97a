/* SQS's RedrivePolicy: JSON in an attribute's value. */
#ifndef TOOLS_REDRIVE_POLICY_H
#define TOOLS_REDRIVE_POLICY_H

#include <jansson.h>

#include <ringlease.h>

/* Takes {"deadLetterTargetArn": "...:NAME", "maxReceiveCount": N}, also with deadLetterTargetQueue for
 * a bare name; "" takes the DLQ off. Returns 0 or an exit status after a report. */
int redrive_policy_parse(struct rlq_queue_attributes *attributes, const char *text);

/* NULL when memory runs out. */
json_t *redrive_policy_to_json(const struct rlq_queue_attributes *attributes);

#endif
