/* Which machine is this? */
#ifndef OS_MACHINE_ID_H
#define OS_MACHINE_ID_H

enum { OS_MACHINE_ID_BYTES = 16 };

/* $RINGLEASE_MACHINE_ID (32 hexadecimal digits, all zero for none; for containers, whose own one may change), else
 * /etc/machine-id, else D-Bus's. Else zeros, and -ENOENT: nothing says it, or -EINVAL: what $RINGLEASE_MACHINE_ID
 * says is none. */
int os_machine_id(unsigned char ret_id[OS_MACHINE_ID_BYTES]);

#endif
