/* Which queues of the directory are journaled. */
#ifndef ENGINE_ROSTER_H
#define ENGINE_ROSTER_H

struct journaling;
struct journaled;

/* It takes over what `queue` holds. 0 or -ENOMEM. */
int roster_add(struct journaling *journaling, const struct journaled *queue);

/* Lists the directory if it has changed, and adds the durable queues that are new. 0 or a negative errno. */
int roster_look(struct journaling *journaling);

/* After a durable turn: their clients may rely on turns; those that it has written as removed go. */
void roster_say_journaled(struct journaling *journaling);
void roster_drop_removed(struct journaling *journaling);

void roster_end(struct journaling *journaling);

#endif
