/* A FIFO queue, and what stands in the way of its tables. */
#ifndef TEST_FIFO_FIXTURE_H
#define TEST_FIFO_FIXTURE_H

#include "client/internal.h"
#include "shm/tables.h"

/* Of one test. */
extern struct rlq_queue *queue;

/* For a suite; nothing is made. */
void fifo_test_begin(void);
void fifo_test_end(void);
struct seg_directory *fifo_test_directory(void);

/* "q.fifo", with one message: group g, id and body "first". */
void fifo_test_make(void);
/* The body is the id. */
int fifo_test_send(const char *group, const char *id);

/* No memory from here on but for that error; 0: there is some again. */
void fifo_test_refuse_memory(int error);
/* All cells of groups are sealed, as by groups that came and went; what lives stays. */
void fifo_test_wear_out(void);
/* All regions but the first are in use by one who makes tables. */
void fifo_test_take_regions(enum seg_table_kind kind, uint32_t row, uint32_t serial);

#endif
