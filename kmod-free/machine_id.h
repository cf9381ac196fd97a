/* Which machine is this? */
#ifndef OS_MACHINE_ID_H
#define OS_MACHINE_ID_H

#include <stdbool.h>

enum { OS_MACHINE_ID_BYTES = 16 };

/* $RINGLEASE_MACHINE_ID (32 hexadecimal digits; for containers, whose own one may change), else /etc/machine-id,
 * else D-Bus's. False, and zeros: nothing says it. */
bool os_machine_id(unsigned char ret_id[OS_MACHINE_ID_BYTES]);

#endif
