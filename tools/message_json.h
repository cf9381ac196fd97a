/* A message as JSON, in the manner of SQS's ReceiveMessage. */
#ifndef TOOLS_MESSAGE_JSON_H
#define TOOLS_MESSAGE_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include <ringlease.h>

/* NULL when memory runs out. Bytes that are not UTF-8 come as base64, and a ...Encoding says so. */
json_t *message_to_json(const struct rlq_message *message, bool with_receipt);

#endif
