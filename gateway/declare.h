/* --queues FILE: queues that are to be there when the server starts. */
#ifndef GATEWAY_DECLARE_H
#define GATEWAY_DECLARE_H

struct gateway;

/* FILE: a JSON list of objects as CreateQueue takes them: {"QueueName": ..., "Attributes": {...}, "tags": {...}}.
 * Those that are not there are made; of those that are, attributes and tags are set. Dead-letter queues may come in
 * any order. 0, or an exit status after one line on stderr that names the queue; what was made before stays. */
int declare_queues(struct gateway *gateway, const char *path);

#endif
