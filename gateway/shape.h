/* The shapes of the API: what members each action's input and result have. One table feeds the check of JSON, the
 * reading of Query and the writing of XML, so the protocols cannot differ. */
#ifndef GATEWAY_SHAPE_H
#define GATEWAY_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "gateway/failure.h"

enum {
	QUERY_PARAMETERS_MAX = 4096, /* of one request, in its URL and its body */
};

enum shape_kind {
	SHAPE_TEXT,    /* without U+0000 */
	SHAPE_CONTENT, /* a text that users of queues write: any character, to be checked by who uses it */
	SHAPE_INTEGER,
	SHAPE_BOOLEAN,
	SHAPE_BINARY, /* base64 in both protocols, and in the tree; whether it is, is not checked here */
	SHAPE_LIST,
	SHAPE_MAP,
	SHAPE_STRUCTURE
};

struct shape;

enum member_need {
	OPTIONAL,
	REQUIRED,
	NOT_EMPTY /* required, and an empty text counts as missing */
};

struct member {
	const char *name;  /* in JSON, and in the tree */
	const char *query; /* in Query and XML; of a list or map that of one element: "Tag", "AttributeName" */
	const struct shape *shape;
	enum member_need need;
};

struct shape {
	enum shape_kind kind;
	const struct member *members; /* of a structure; ends with a NULL name */
	const struct shape *element;  /* of a list or map */
	const char *key, *value; /* of a map's entries in Query and XML: "Name" and "Value", "Key" and "Value" */
};

struct action_shape {
	const char *action;
	const struct shape *input;
	const struct shape *result; /* NULL: only ResponseMetadata */
};

/* NULL: no such action. */
const struct action_shape *shape_find(const char *action);
/* All of them, in no order that matters. */
const struct action_shape *shape_all(size_t *ret_count);

/* A request: are its members what they should be? Removes those that are null; leaves unknown ones. A wrong type is
 * SERIALIZATION; a required member that is missing, MISSING_PARAMETER; U+0000 where it cannot be,
 * INVALID_PARAMETER_VALUE. */
bool shape_check(const struct action_shape *shape, json_t *input, struct failure *failure);

/* A JSON request: parses and checks it. An empty body is an empty object. False: SERIALIZATION, and as
 * shape_check(). */
bool json_read(const struct action_shape *shape, const char *body, size_t bytes, json_t **ret_input,
	       struct failure *failure);

/* A Query request: form-encoded text, of the URL's query (NULL or "": none), then of the body; what both have is
 * from the body. Makes of it what a JSON request would have been, and checks it likewise. `ret_action` is a copy to
 * free, also of an action that does not exist. A batch without entries has an empty list of them. False: out of
 * memory (INTERNAL_FAILURE) or refused: MALFORMED_QUERY, UNKNOWN_OPERATION (no Action), INVALID_ACTION,
 * INVALID_PARAMETER_VALUE (no number), INVALID_MESSAGE_CONTENTS (a body that is not UTF-8), MISSING_PARAMETER. */
bool query_read(const char *url_query, const char *body, size_t body_bytes, char **ret_action,
		const struct action_shape **ret_shape, json_t **ret_input, struct failure *failure);

/* One parameter of form-encoded text, decoded, the last of that name; NULL: it is not there. To free. */
char *query_parameter(const char *text, size_t bytes, const char *name);

#endif
