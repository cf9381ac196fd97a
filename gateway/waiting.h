/* Receives that wait for a message. Their connections are suspended and cost no thread. A receive is resumed by a
 * thread of the watch when its queue may have a message, and by one thread for all when its time is up or its
 * client has hung up.
 *
 *   waits in turn: of a queue's receives the one that began first is resumed first. Whoever is resumed and has
 * found something resumes the next, which looks, and waits again if it finds nothing. So while some wait, either
 * the queue is watched, or one of them is about to look.
 */
#ifndef GATEWAY_WAITING_H
#define GATEWAY_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include <ringlease.h>

struct MHD_Connection;
struct waiting;
struct waiter;

/* 0 or a negative code. */
int waiting_open(struct rlq_directory *directory, struct waiting **ret_waiting);
/* Resumes all, as if their time was up; from then on none waits. */
void waiting_stop(struct waiting *waiting);
void waiting_close(struct waiting *waiting);

/* For a receive that has found nothing: from here on it hears of messages, and has to look once more. 0, or a
 * negative code (then it must not wait). `*waiter` is made at the first time, and kept for later ones. */
int waiting_prepare(struct waiting *waiting, struct waiter **waiter, const char *queue,
		    struct MHD_Connection *connection, int64_t until_ms);

/* It has found nothing again: suspends its connection. False: something has happened meanwhile, look again. */
bool waiting_suspend(struct waiting *waiting, struct waiter *waiter);

/* It waits no more: it is answered, or gone. If others wait for the queue the next one looks. May be NULL. */
void waiting_end(struct waiting *waiting, struct waiter *waiter);

/* Was it resumed because its time is up? (Whether its client has hung up its connection says.) */
bool waiter_is_late(const struct waiter *waiter);

#endif
