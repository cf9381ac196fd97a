/* UTF-8, one character at a time. */
#ifndef GATEWAY_UTF8_H
#define GATEWAY_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* U+FFFD, for what is none. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character that `text` begins with; 0: there is none, or it is malformed (overlong, a surrogate,
 * beyond U+10FFFF, cut short). */
size_t utf8_character(const char *text, size_t bytes, uint32_t *ret_code);

#endif
