/* Messages on the wire: digests, and what is allowed in texts. */
#ifndef GATEWAY_MESSAGE_H
#define GATEWAY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringlease.h>

enum {
	MD5_TEXT_BYTES = 33,
	SEQUENCE_TEXT_BYTES = 21,
	TYPE_TEXT_BYTES = 256,		 /* of a data type with its label, and zero */
	MESSAGE_BYTES_MAX = 1024 * 1024, /* of AWS; also of a batch */
};

void md5_of_body(const void *body, size_t bytes, char ret_text[MD5_TEXT_BYTES]);
/* Of those of `count` that are given: sorted by name, as AWS does it. `attributes` is sorted. */
void md5_of_attributes(struct rlq_attribute *attributes, size_t count, char ret_text[MD5_TEXT_BYTES]);

/* 20 digits, so that they sort as texts too; as the command prints them. */
void sequence_format(uint64_t sequence, char ret_text[SEQUENCE_TEXT_BYTES]);

/* "String.label"; `ret_text` has room for the longest that the library takes. */
size_t data_type_format(const struct rlq_attribute *attribute, char ret_text[TYPE_TEXT_BYTES]);

#define TEXT_NOT_ALLOWED                                                                                           \
	"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "               \
	"#xE000 to #xFFFD | #x10000 to #x10FFFF"

/* #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF, in valid UTF-8. */
bool text_is_allowed(const char *text, size_t bytes);

/* Of a group, a deduplication or an attempt: 1 to 128 letters, digits and punctuation. */
bool message_id_is_valid(const char *id);

#endif
