#include "kmod-free/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

enum {
	CALIBRATE_NS = 30 * 1000, /* one try */
	CALIBRATE_TRIES = 3,
	SERVES_US = 900, /* a reading serves for so long: under 1 ms with room for a slewed clock */
};

#define NS_PER_S INT64_C(1000000000)

const struct os_clock_words *os_clock_faked;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t process_ticks_max;
static int64_t boottime_offset_ns; /* of this process's time namespace */
static int offset_pid;		   /* whose it is: a child may have been forked into another */

static int64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Reads a small file of /proc or /sys as a string; false if it cannot be had. */
static bool file_text(const char *path, char *ret_text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, ret_text, bytes - 1);
	close(fd);
	if (got < 0)
		return false;
	ret_text[got] = '\0';
	return true;
}

/* The file shows the offsets that children get; they are ours too unless we have just unshared, and
 * then we are taken to be in the namespace without offsets. Stat follows the link to the namespace. */
static int64_t timens_boottime_offset_ns(void)
{
	char text[256];
	struct stat own, children;
	long long s, ns;
	const char *line;

	if (stat("/proc/self/ns/time", &own) != 0 || stat("/proc/self/ns/time_for_children", &children) != 0 ||
	    own.st_ino != children.st_ino)
		return 0;
	if (!file_text("/proc/self/timens_offsets", text, sizeof(text)))
		return 0;
	line = strstr(text, "boottime");
	if (line == NULL || sscanf(line, "boottime %lld %lld", &s, &ns) != 2)
		return 0;
	return s * NS_PER_S + ns;
}

/* Does the counter run at one rate, through idle and frequency changes, on all cores? */
static bool ticks_are_steady(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;
	char source[32];

	if (!__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) || !(edx & 1u << 8))
		return false;
	/* A kernel that has fallen back to one of these has seen the counters of the cores disagree. */
	if (!file_text("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof(source)))
		return true;
	return strncmp(source, "hpet", 4) != 0 && strncmp(source, "acpi_pm", 7) != 0 &&
	       strncmp(source, "jiffies", 7) != 0 && strncmp(source, "refined", 7) != 0;
#elif defined(__aarch64__)
	return true; /* the architected counter is one for the system */
#else
	return false;
#endif
}

/* Counter steps in SERVES_US, rather too few than too many: the counter is read inside, the clock
 * outside of each try, so a preemption only makes the result smaller, and the largest is the best. */
static uint64_t calibrate(void)
{
	uint64_t best = 0;

	for (int tries = 0; tries < CALIBRATE_TRIES; tries++) {
		int64_t start_ns = clock_ns(CLOCK_MONOTONIC_RAW), end_ns;
		uint64_t start = os_ticks(), end, steps;

		do {
			end = os_ticks();
			end_ns = clock_ns(CLOCK_MONOTONIC_RAW);
		} while (end_ns - start_ns < CALIBRATE_NS);
		steps = (uint64_t)((double)(end - start) * SERVES_US * 1000.0 / (double)(end_ns - start_ns));
		if (steps > best)
			best = steps;
	}
	return best;
}

static void find_offset(void)
{
	__atomic_store_n(&boottime_offset_ns, timens_boottime_offset_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&offset_pid, (int)getpid(), __ATOMIC_RELAXED);
}

static void start_process(void)
{
	find_offset();
	process_ticks_max = ticks_are_steady() ? calibrate() : 0;
}

static int64_t boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME) - __atomic_load_n(&boottime_offset_ns, __ATOMIC_RELAXED);
}

static uint64_t ms(int64_t ns)
{
	return ns > 0 ? (uint64_t)ns / 1000000 : 0;
}

uint64_t os_boot_us(void)
{
	if (os_clock_faked != NULL)
		return __atomic_load_n(&os_clock_faked->boot_ms, __ATOMIC_ACQUIRE) * 1000;
	pthread_once(&once, start_process);
	return (uint64_t)boot_ns() / 1000;
}

uint64_t os_boot_ms(void)
{
	return os_boot_us() / 1000;
}

void os_clock_refresh(struct os_clock *clock)
{
	if (os_clock_faked != NULL) {
		clock->boot_ms = __atomic_load_n(&os_clock_faked->boot_ms, __ATOMIC_ACQUIRE);
		clock->wall_ms = __atomic_load_n(&os_clock_faked->wall_ms, __ATOMIC_ACQUIRE);
		return;
	}
	/* The counter first: whatever happens in between, the reading looks older than it is. A counter
	 * that falls back (another core, a suspension that resets it) makes the difference huge, so
	 * the next call asks again. */
	clock->ticks = os_ticks();
	clock->boot_ms = ms(boot_ns());
	clock->wall_ms = ms(clock_ns(CLOCK_REALTIME));
}

void os_clock_start(struct os_clock *clock)
{
	pthread_once(&once, start_process);
	if (__atomic_load_n(&offset_pid, __ATOMIC_RELAXED) != (int)getpid())
		find_offset();
	*clock = (struct os_clock){.ticks_max = process_ticks_max};
	os_clock_refresh(clock);
}

void os_clock_fake(const struct os_clock_words *words)
{
	os_clock_faked = words;
}
