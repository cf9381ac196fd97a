#include "tests/support/cases.h"

#include "tests/support/child.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_SKIP = 77 };

static struct {
	const char *name;
	void (*run)(void);
} cases[CASES_MAX];
static int case_count;

void case_add(const char *name, void (*run)(void))
{
	if (case_count == CASES_MAX)
		abort();
	cases[case_count].name = name;
	cases[case_count++].run = run;
}

void case_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	printf("    %s:%d: ", file, line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

void case_skip(const char *reason)
{
	printf("    skipped: %s\n", reason);
	fflush(stdout);
	_exit(EXIT_SKIP);
}

static void run_case(void *context)
{
	watchdog(CASE_SECONDS);
	cases[*(const int *)context].run();
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

/* The name as the sentence it is. */
static void say(const char *word, const char *name)
{
	printf("%-5s ", word);
	for (; *name; name++)
		putchar(*name == '_' ? ' ' : *name);
	putchar('\n');
}

int cases_run(int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0;

	for (int i = 0; i < case_count; i++) {
		int status;

		if (!is_wanted(cases[i].name, argc, argv))
			continue;
		status = child_wait(child_start(run_case, &i));
		if (child_exited(status, 0)) {
			passed++;
			say("ok", cases[i].name);
		} else if (child_exited(status, EXIT_SKIP)) {
			skipped++;
			say("skip", cases[i].name);
		} else {
			failed++;
			say("FAIL", cases[i].name);
			printf("    %s\n", child_status_text(status));
		}
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed > 0 || passed + skipped == 0;
}
