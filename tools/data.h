/* The folder of a journal that a command works on, and what went wrong there. */
#ifndef TOOLS_DATA_H
#define TOOLS_DATA_H

#include <stddef.h>
#include <stdint.h>

#include <ringlease-engine.h>

struct common_options;

/* --data, else as ringleased finds it for the directory of queues. Returns 0, or an exit status after a report. */
int data_path(const struct common_options *options, char *ret_path, size_t path_bytes);

/* Says what an error of rlq_journal_...() means for the folder. Returns the exit status. */
int data_report(int code, const char *data, const struct rlq_journal_summary *summary);

/* "2026-11-28T10:04:54.123Z"; "-" for 0. */
enum { DATA_TIME_BYTES = 40 };
void data_time(uint64_t wall_ms, char ret_text[static DATA_TIME_BYTES]);

/* For rlq_journal_verify() and rlq_journal_copy(): prints the fault, as text or JSON. */
void data_print_fault(void *context, const struct rlq_journal_fault *fault);

/* For rlq_journal_summary.progress: the line on stderr, if that is a terminal. */
void data_print_progress(void *context, const char *line);

struct data_faults {
	const char *data;
	void *list; /* json_t array to add to; NULL: print text */
};

#endif
