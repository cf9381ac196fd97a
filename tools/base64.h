/* RFC 4648 base64, for bytes that JSON and shells cannot carry. */
#ifndef TOOLS_BASE64_H
#define TOOLS_BASE64_H

#include <stddef.h>

/* Returns a string to free, or NULL when memory runs out. */
char *base64_encode(const void *bytes, size_t count);

/* Strict: padded, no blanks. Returns 0 and memory to free, -1 if `text` is not base64 or memory runs
 * out. */
int base64_decode(const char *text, void **ret_bytes, size_t *ret_count);

#endif
