/* GET /_aws/sqs/messages?QueueUrl=...: what can be received of a queue, without receiving it. */
#ifndef GATEWAY_INSPECT_H
#define GATEWAY_INSPECT_H

#include "gateway/call.h"

/* As an action: the input has the QueueUrl, the output is that of ReceiveMessage. */
enum call_outcome inspect_messages(struct call *call);

#endif
