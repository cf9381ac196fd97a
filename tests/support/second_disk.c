/* The same code under other names, so that each disk has a state of its own. */
#include "tests/support/second_disk.h"

#define shadow_begin second_begin
#define shadow_end second_end
#define shadow_power_for second_power_for
#define shadow_sector second_sector
#define shadow_is_off second_is_off
#define shadow_restart second_restart
#define shadow_write_durably second_write_durably
#define shadow_let_go second_let_go
#define shadow_fail second_fail
#define shadow_has_failed second_has_failed
#define shadow_room second_room
#define shadow_at_most second_at_most
#define shadow_refuse_direct second_refuse_direct
#define shadow_calls second_calls
#define shadow_bytes second_bytes
#define shadow_put second_put
#define shadow_remove second_remove
#define shadow_disk second_disk

#include "tests/support/shadow_disk.c"
