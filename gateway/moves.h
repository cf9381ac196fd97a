/* Message move tasks: see moves.c. Written by their own part; this is what the program starts and ends. */
#ifndef GATEWAY_MOVES_H
#define GATEWAY_MOVES_H

#include <ringlease.h>

struct moves;

struct moves *moves_open(struct rlq_directory *directory);
/* Cancels what runs, and waits for it. */
void moves_close(struct moves *moves);

#endif
