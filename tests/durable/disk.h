/* The shadow disk for more than one thread: each call under a lock, and a gate before one kind of call, so that a
 * test can look around while the journal stands there. */
#ifndef DURABLE_DISK_H
#define DURABLE_DISK_H

#include "tests/support/shadow_disk.h"

extern const struct os_disk durable_disk;

/* The same with a queue, whose calls end in an order that is drawn. One at a time. */
const struct os_disk *disk_queued(uint64_t random);

/* As the functions of the shadow disk without `disk_`. */
void disk_power_for(int calls);
bool disk_is_off(void);
void disk_fail(unsigned calls, int n, int error, bool for_good);
bool disk_has_failed(void);
void disk_refuse_direct(bool refuse);
void disk_room(uint64_t bytes);
uint64_t disk_calls(unsigned calls);

/* From now on those calls wait, once they are reached, until the gate is opened. */
void disk_gate_close(unsigned calls);
/* Waits until somebody stands before the gate; false: nobody came for some seconds. */
bool disk_gate_await(void);
void disk_gate_open(void);

#endif
