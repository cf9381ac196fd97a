/* Inside shm/fifo*.c: FIFO queues in four parts. Tables: the view of them, their sizes, replacing them. Turns:
 * tokens of groups that can be served. Being sent (fifo_send.c), and the head of a group (fifo.c). */
#ifndef SEG_FIFO_PARTS_H
#define SEG_FIFO_PARTS_H

#include "shm/fifo.h"

/* ---- fifo_tables.c ---- */

/* What an answer asks for: another look at the lists, or a larger table. True: try again; else `*ret_error` says
 * what is wrong, 0 for nothing. */
bool fifo_tries_again(struct segment *segment, enum group_result result, uint32_t *looks, int *ret_error);

/* Replaces tables of groups that are worn, too small or too large: a part of emptying the older ones. True if there
 * is more to do at once. */
bool fifo_empty_older(struct segment *segment, uint32_t budget);

/* Cells for so many in use at a time, as an order. */
uint32_t fifo_order_for(uint64_t live);

/* ---- fifo_turns.c ---- */

/* A group whose turn comes: pushes the token of its head. Killed before its ticket is noted: there will be a token
 * too many. */
void fifo_offer(struct segment *segment, struct fifo_links *links, uint64_t link);

/* The same, unless it waits for its turn already. Who took its token before it was READY, or before it was the
 * head, is seen here, or sees what we have changed. */
void fifo_offer_once(struct segment *segment, struct fifo_links *links, uint64_t link);

/* Tables of tokens that are empty and not the newest go; one far too large gets a small successor. */
void fifo_tend_turns(struct segment *segment);

enum { ORDER_TOO_LARGE = 4 }; /* of a table, above the one that fits */

#endif
