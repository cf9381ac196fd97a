/* JSON as text, for what most requests and answers are made of. Jansson reads and writes a byte at a time, which is
 * a third of a request of 1 KiB; this goes over texts eight bytes at a time. */
#ifndef GATEWAY_JSON_TEXT_H
#define GATEWAY_JSON_TEXT_H

#include <stddef.h>

#include <jansson.h>

/* An object. NULL: not well-formed, or uncommon (\u, fractions, deep nesting): jansson has the last word on it, and
 * says what is wrong. What this reads jansson reads likewise. */
json_t *json_text_read(const char *text, size_t bytes);

/* As json_dumps() with JSON_COMPACT; to be freed with free(). NULL: out of memory, or a fraction. */
char *json_text_write(const json_t *value, size_t *ret_bytes);

#endif
