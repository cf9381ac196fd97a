/* Plain test programs: cases whose names are sentences, each run in a child of its own under a watchdog.
 * The program prints the failures and closes with "N passed, N failed, N skipped".
 *
 *   CASE(a_message_sent_can_be_received) { CHECK(...); }
 *   int main(int argc, char **argv) { return cases_run(argc, argv); }
 *
 * With arguments only the cases whose names contain one of them are run. */
#ifndef TEST_CASES_H
#define TEST_CASES_H

#include <stdint.h>

enum { CASES_MAX = 128, CASE_SECONDS = 30 };

void case_add(const char *name, void (*run)(void));
int cases_run(int argc, char **argv);

#define CASE(name)                                                                                                 \
	static void case_##name(void);                                                                             \
	__attribute__((constructor)) static void case_add_##name(void)                                             \
	{                                                                                                          \
		case_add(#name, case_##name);                                                                      \
	}                                                                                                          \
	static void case_##name(void)

/* End the case. */
__attribute__((noreturn, format(printf, 3, 4))) void case_fail(const char *file, int line, const char *format, ...);
__attribute__((noreturn)) void case_skip(const char *reason);

#define CHECK(condition)                                                                                           \
	do {                                                                                                       \
		if (!(condition))                                                                                  \
			case_fail(__FILE__, __LINE__, "not so: %s", #condition);                                   \
	} while (0)

/* For integers. */
#define CHECK_EQ(got, wanted)                                                                                      \
	do {                                                                                                       \
		int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted);                                        \
		if (got_ != wanted_)                                                                               \
			case_fail(__FILE__, __LINE__, "%s is %lld, not %lld (%s)", #got, (long long)got_,          \
				  (long long)wanted_, #wanted);                                                    \
	} while (0)

#define CHECK_TEXT(got, wanted)                                                                                    \
	do {                                                                                                       \
		const char *got_ = (got), *wanted_ = (wanted);                                                     \
		if (__builtin_strcmp(got_, wanted_) != 0)                                                          \
			case_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_, wanted_);            \
	} while (0)

#endif
