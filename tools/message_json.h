/* A message as JSON, in the manner of SQS's ReceiveMessage. */
#ifndef TOOLS_MESSAGE_JSON_H
#define TOOLS_MESSAGE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <ringlease.h>

/* NULL when memory runs out. Bytes that are not UTF-8 come as base64, and a ...Encoding says so. */
json_t *message_to_json(const struct rlq_message *message, bool with_receipt);

/* A sequence number as SQS has it, a decimal number of 20 digits. */
enum { SEQUENCE_TEXT_BYTES = 21 };
void sequence_format(uint64_t sequence, char *ret_text);

/* Sets object[key] to the bytes as text if they are UTF-8, else as base64 and object[encoding_key]. 0 or -1. */
int bytes_to_json(json_t *object, const char *key, const char *encoding_key, const void *bytes, size_t count);

#endif
