/* Once more the disk of tests/durable/disk.h: the one with the mirror. */
#ifndef DURABLE_SECOND_H
#define DURABLE_SECOND_H

#include "tests/durable/disk.h"
#include "tests/support/second_disk.h"

extern const struct os_disk durable_second;
const struct os_disk *second_disk_queued(uint64_t random);

void second_disk_power_for(int calls);
bool second_disk_is_off(void);
void second_disk_fail(unsigned calls, int n, int error, bool for_good);
bool second_disk_has_failed(void);
void second_disk_refuse_direct(bool refuse);
void second_disk_room(uint64_t bytes);
uint64_t second_disk_calls(unsigned calls);
void second_disk_gate_close(unsigned calls);
bool second_disk_gate_await(void);
void second_disk_gate_open(void);

#endif
