/* Messages on the wire: attributes, digests, what is allowed. */
#ifndef GATEWAY_MESSAGE_H
#define GATEWAY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

#include "gateway/failure.h"

enum { MD5_TEXT_BYTES = 33 };

void md5_of_body(const void *body, size_t bytes, char ret_text[MD5_TEXT_BYTES]);
/* Of those of `count` that are given: sorted by name, as AWS does it. `attributes` is sorted. */
void md5_of_attributes(struct rlq_attribute *attributes, size_t count, char ret_text[MD5_TEXT_BYTES]);

/* #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF, in valid UTF-8. */
bool text_is_allowed(const char *text, size_t bytes);

#endif
