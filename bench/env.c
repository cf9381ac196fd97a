/* The facts of the machine, printed before any figure. */
#include "bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif
#ifndef BENCH_CFLAGS
#define BENCH_CFLAGS "unknown"
#endif

static void fact(const char *name, const char *value)
{
	printf(bench_options.json ? "{\"fact\":\"%s\",\"value\":\"%s\"}\n" : "  %-12s %s\n", name, value);
}

/* First line of a small file, "" if it cannot be read. */
static void first_line(const char *path, char *ret_line, int bytes)
{
	FILE *file = fopen(path, "r");

	ret_line[0] = '\0';
	if (!file)
		return;
	if (fgets(ret_line, bytes, file))
		ret_line[strcspn(ret_line, "\n")] = '\0';
	fclose(file);
}

static void cpu_model(char *ret_model, int bytes)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	snprintf(ret_model, (size_t)bytes, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(ret_model, (size_t)bytes, "%s", colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

static void print_machine(void)
{
	char text[256];
	struct utsname name;

	cpu_model(text, sizeof(text));
	fact("cpu", text);
	snprintf(text, sizeof(text), "%u usable; members 0 and 1 are pinned to %d and %d", cores_usable(),
		 core_number(0), core_number(1));
	fact("cores", text);
	uname(&name);
	snprintf(text, sizeof(text), "%s %s", name.sysname, name.release);
	fact("kernel", text);
	first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", text, sizeof(text));
	fact("clocksource", text[0] ? text : "unknown");
	first_line("/sys/devices/system/node/online", text, sizeof(text));
	fact("numa nodes", text[0] ? text : "0");
	first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof(text));
	fact("governor", text[0] ? text : "none to be seen");
	first_line("/proc/loadavg", text, sizeof(text));
	fact("load", text);
}

static void print_build(void)
{
	const char *directory = getenv("BENCH_DIR") ? getenv("BENCH_DIR") : "/dev/shm";
	struct statvfs space;
	char text[256];

	fact("compiler", __VERSION__ ", " BENCH_CFLAGS);
	fact("commit", BENCH_COMMIT);
	if (statvfs(directory, &space) == 0) {
		snprintf(text, sizeof(text), "%s, %llu MiB free", directory,
			 (unsigned long long)space.f_bavail * space.f_frsize >> 20);
		fact("queues in", text);
	}
}

static void ping_some(struct team *team, uint32_t me, void *context)
{
	(void)context;
	for (int i = 0; i < 9; i++) {
		double ns = team_ping(team, me);

		if (me == 0)
			team->samples[i].ping_before = ns;
	}
}

static void print_ping(void)
{
	struct team *team = team_new(2);
	char text[256] = "";

	if (!team || !team_run(team, ping_some, NULL))
		return;
	for (int i = 0; i < 9; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.0f ", team->samples[i].ping_before);
	fact("ping-pong ns", text);
	team_free(team);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv);
	if (!bench_options.json)
		printf("machine\n");
	print_machine();
	print_build();
	print_ping();
	return 0;
}
