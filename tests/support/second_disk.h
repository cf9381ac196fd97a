/* Once more the disk of shadow_disk.h: another one, that loses power and fails by itself. */
#ifndef TEST_SECOND_DISK_H
#define TEST_SECOND_DISK_H

#include "tests/support/shadow_disk.h"

extern const struct os_disk second_disk;

int64_t second_write_durably(int fd, const void *bytes, size_t count, uint64_t offset);

void second_begin(void);
void second_end(void);
void second_power_for(int calls);
void second_sector(size_t bytes);
bool second_is_off(void);
void second_restart(enum shadow_loss loss, uint64_t *random);
void second_let_go(void);
void second_fail(unsigned calls, int n, int error, bool for_good);
bool second_has_failed(void);
void second_room(uint64_t bytes);
void second_at_most(size_t bytes);
void second_refuse_direct(bool refuse);
uint64_t second_calls(unsigned calls);
unsigned char *second_bytes(const char *name, size_t *ret_bytes);
void second_put(const char *name, const void *bytes, size_t count);
void second_remove(const char *name);

#endif
