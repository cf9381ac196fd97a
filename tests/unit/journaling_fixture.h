/* Durable queues by the public calls, with the journal's thread in this process. */
#ifndef TEST_JOURNALING_FIXTURE_H
#define TEST_JOURNALING_FIXTURE_H

#include "client/internal.h"
#include "daemon/journaling.h"
#include "tests/support/tmpdir.h"

enum { SMALL_FILE = 64 << 10 };

/* Of one test: the folders of its queues and of its journal, and what is open while the engine runs. */
extern char queues[TMPDIR_BYTES], data[TMPDIR_BYTES];
extern struct rlq_directory *directory;
extern struct journaling *journaling;

/* For a suite: makes both folders and starts the engine; stops it and removes them. */
void journaling_test_begin(void);
void journaling_test_end(void);

/* As the engine of a test is started: small files, and it says nothing. */
struct journaling_options engine_options(const struct os_disk *disk);
void start_engine(void);
void start_engine_on(const struct os_disk *disk);
void start_engine_with(const struct journaling_options *options);
void stop_engine(void);
void restart_engine(void);
/* The queues are gone; the journal is not. */
void reboot_machine(void);

struct rlq_queue *opened(const char *name);
struct rlq_queue *made(const char *name, enum rlq_durability durability);
/* What was received once, and not deleted, goes to the queue "dlq". */
struct rlq_queue *made_with_dlq(const char *name, enum rlq_durability durability);

/* Sends `count` numbered bodies of `bytes`, a batch at a time. */
void send_numbered(struct rlq_queue *queue, unsigned first, unsigned count, size_t bytes);
/* Receives and deletes all; each is of `bytes`, and they come in order from `first` on. */
unsigned drain_numbered(struct rlq_queue *queue, unsigned first, size_t bytes);
/* A hundred messages come and go in the queue "busy", again and again: the most files that the journal had. */
int keep_busy(unsigned rounds);

int files_of_journal(void);

/* The place of the only message in the first ring. */
uint64_t only_place(struct rlq_queue *queue, struct slot **ret_slot);

#endif
