/* JSON text from trees of jansson. */
#ifndef GATEWAY_JSON_WRITE_H
#define GATEWAY_JSON_WRITE_H

#include <stddef.h>

#include <jansson.h>

/* Compact, and without members that are empty lists, empty maps, or null: SDKs and AWS know them absent. To
 * free. NULL: out of memory, or 128 deep. */
char *json_write(const json_t *tree, size_t *ret_bytes);

#endif
