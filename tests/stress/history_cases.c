#include "tests/stress/history_cases.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct history told;
unsigned told_passed, told_failed;
void (*write_sound)(void);

struct history_event send_event(uint64_t id, enum history_outcome outcome)
{
	return (struct history_event){.id = id,
				      .message_id = {id, ~id},
				      .kind = HISTORY_SEND,
				      .outcome = (uint8_t)outcome,
				      .start_ns = 1 * MS,
				      .end_ns = 2 * MS};
}

struct history_event receive_event(uint64_t id, uint32_t count, int64_t start_ms)
{
	return (struct history_event){.id = id,
				      .kind = HISTORY_RECEIVE,
				      .outcome = HISTORY_DONE,
				      .receive_count = count,
				      .start_ns = start_ms * MS,
				      .end_ns = (start_ms + 1) * MS,
				      .lease_ns = 30 * MS};
}

struct history_event delete_event(uint64_t id, uint32_t count, int64_t start_ms, enum history_outcome outcome)
{
	return (struct history_event){.id = id,
				      .kind = HISTORY_DELETE,
				      .outcome = (uint8_t)outcome,
				      .receive_count = count,
				      .start_ns = start_ms * MS,
				      .end_ns = (start_ms + 1) * MS};
}

void add(uint32_t log, struct history_event event)
{
	history_add(told.log[log], event);
}

void expect(const char *test, const char *fault)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	uint64_t faults = history_judge(&told, out);
	bool good;

	fclose(out);
	good = fault ? faults > 0 && strncmp(text, fault, strlen(fault)) == 0 : faults == 0;
	printf("%s  %s\n", good ? "ok  " : "FAIL", test);
	if (!good)
		printf("      %" PRIu64 " faults: %s\n", faults, text);
	told_passed += good;
	told_failed += !good;
	free(text);
	write_sound();
}
