/* Queue URLs and ARNs. One name space: what counts of either is the queue's name. */
#ifndef GATEWAY_ADDRESS_H
#define GATEWAY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/call.h"
#include "gateway/gateway.h"

enum {
	ADDRESS_TEXT_BYTES = 512,
	NAME_TEXT_BYTES = RLQ_NAME_MAX + 1,
};

/* The queue's name in an URL (path /ACCOUNT/NAME, /queue/REGION/ACCOUNT/NAME, or what a virtual host leaves: the
 * last part counts), or a bare name. False: there is none. Whether such a queue may exist is not checked. */
bool address_from_url(const char *url, char ret_name[NAME_TEXT_BYTES]);
/* Of a request's path: false for "/" and for paths with one part. */
bool address_from_path(const char *path, char ret_name[NAME_TEXT_BYTES]);
/* arn:PARTITION:sqs:REGION:ACCOUNT:NAME. */
bool address_from_arn(const char *arn, char ret_name[NAME_TEXT_BYTES]);

/* As this caller should call it: BASE_URL/ACCOUNT/NAME. */
void address_url(const struct call *call, const char *name, char ret_url[ADDRESS_TEXT_BYTES]);
void address_arn(const struct call *call, const char *name, char ret_arn[ADDRESS_TEXT_BYTES]);

#endif
