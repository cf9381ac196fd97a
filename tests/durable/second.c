/* The same code under other names, over a disk of its own. */
#include "tests/durable/second.h"
#include "tests/support/shadow_queue.h"

#define shadow_disk second_disk
#define shadow_power_for second_power_for
#define shadow_is_off second_is_off
#define shadow_fail second_fail
#define shadow_has_failed second_has_failed
#define shadow_write_durably second_write_durably
#define shadow_refuse_direct second_refuse_direct
#define shadow_calls second_calls
#define shadow_room second_room
#define durable_disk durable_second
#define disk_power_for second_disk_power_for
#define disk_is_off second_disk_is_off
#define disk_fail second_disk_fail
#define disk_has_failed second_disk_has_failed
#define disk_queued second_disk_queued
#define disk_refuse_direct second_disk_refuse_direct
#define disk_room second_disk_room
#define disk_calls second_disk_calls
#define disk_gate_close second_disk_gate_close
#define disk_gate_await second_disk_gate_await
#define disk_gate_open second_disk_gate_open

#include "tests/durable/disk.c"
