/* Queues that were set aside (daemon/aside.h), looked at again and taken back into the journal. */
#ifndef ENGINE_TAKE_BACK_H
#define ENGINE_TAKE_BACK_H

struct journaling;

/* What its owner can do about it. */
const char *aside_remedy(int error);

/* Before each turn. 0 or a negative errno. */
int take_back_aside(struct journaling *journaling);

#endif
