/* The shadow disk with a queue: what is under way ends in an order that is drawn, and reads its memory only then.
 */
#ifndef TEST_SHADOW_QUEUE_H
#define TEST_SHADOW_QUEUE_H

#include "kmod-free/disk.h"

/* The shadow disk and its queue. */
extern struct os_disk shadow_disk_queued;

/* From here on the order is drawn from this. */
void shadow_queue_draw(uint64_t random);
/* The same, over another table of its calls, with a write_durably. Its queue serves each disk that it is opened
 * for. */
void shadow_queue_over(const struct os_disk *disk, uint64_t random);
/* The n-th submit() or wait() from here on, and all later ones, fail with `error`; 0: none. What is under way then
 * has not happened. */
void shadow_queue_fail(int n, int error);
/* open() answers this. 0: it opens. */
void shadow_queue_refuse(int error);
/* The most that was under way at once since shadow_queue_draw(). */
uint32_t shadow_queue_most(void);

#endif
