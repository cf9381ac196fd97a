/* Trees of jansson from JSON text. */
#ifndef GATEWAY_JSON_TREE_H
#define GATEWAY_JSON_TREE_H

#include <stddef.h>

#include <jansson.h>

/* As json_loadb() with JSON_ALLOW_NUL, error and all, many times as fast for what requests are made of. */
json_t *json_tree(const char *text, size_t bytes, json_error_t *ret_error);

#endif
