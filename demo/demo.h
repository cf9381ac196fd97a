/* The demonstration: a text of a million lines goes from three producers through a queue to three
 * consumers; one of each is killed half-way, one line is poison; then every line is accounted for.
 *
 *   text.c      the lines: real files of this machine
 *   workers.c   what a producer and a consumer do; the only files that a user of the library needs to read
 *   crew.c      processes: the daemon, the workers, their end, the folder they work in
 *   show.c      progress, histogram
 *   accounts.c  what has become of every line
 *   main.c      the story
 */
#ifndef DEMO_H
#define DEMO_H

#include <ringlease.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define QUEUE "lines"
#define DLQ "lines-dead"

enum {
	LINES_MIN = 1000000,
	LINES_MAX = 1200000,	/* no more is read */
	LINE_BYTES_MAX = 60000, /* a longer one counts as several */
	PRODUCERS = 3,
	CONSUMERS = 3,
	WORKERS = PRODUCERS + CONSUMERS + 3, /* with two replacements, and the producer of the calm part */
	BATCH = 32,
	CAPACITY = 50000,
	VISIBILITY_MS = 1000,
	RECEIVES_MAX = 3,
	CALM_LINES = 60000,
	CALM_PER_SECOND = 20000,
	HISTOGRAM_BUCKETS = 512, /* eight to a doubling, of nanoseconds */
	HISTOGRAM_ROWS = 24,	 /* 1, 2, 5, 10 ... microseconds */
};

/* ---- text.c ---- */

struct text {
	char *bytes;
	uint32_t *start; /* of line i; start[real] is the end. A line feed ends each line. */
	uint64_t total;	 /* lines to send: line n is line n % real of the files */
	uint32_t real, different, files;
};

bool text_gather(struct text *ret_text);
/* A line soon after `from` that is not empty or so. */
uint64_t text_find_telling(const struct text *text, uint64_t from);

static inline const char *text_line(const struct text *text, uint64_t number, size_t *ret_bytes)
{
	uint64_t i = number % text->real;

	*ret_bytes = text->start[i + 1] - text->start[i] - 1;
	return text->bytes + text->start[i];
}

/* ---- the books, shared by all processes ---- */

struct histogram {
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS]; /* for percentiles, 12.5 % wide */
	_Atomic uint64_t row[HISTOGRAM_ROWS];	    /* for the eye */
};

/* What one process has noted. Only it writes here, but that others add to `seen` of the ledger. */
struct account {
	_Alignas(128) _Atomic uint64_t sent;		/* answered sends */
	_Atomic uint64_t received, redelivered, poison; /* redelivered: with a receive count over 1 */
	_Atomic uint64_t processed;			/* lines seen for the first time */
	_Atomic uint64_t twice_redelivered, twice_sent; /* seen before, by cause */
	_Atomic uint64_t wrong;			 /* text is not that of the file, or a number that was never sent */
	_Atomic uint64_t last_ns;		 /* when a line last came in */
	_Atomic uint64_t holds, holds_processed; /* in the hands of the one that is to be killed */
	_Atomic int error;
};

struct ledger {
	_Atomic bool stop;
	_Atomic int victim;		  /* the worker that is to be killed with its hands full */
	_Atomic uint64_t next[PRODUCERS]; /* of its part, the first line without an answer */
	struct account account[WORKERS];
	struct histogram busy, calm;  /* send to receive, first receives only */
	_Atomic unsigned char seen[]; /* how often each line was processed */
};

/* What a worker is to do. */
struct task {
	const char *directory;
	const struct text *text;
	struct ledger *ledger;
	uint64_t poison; /* number of the poison line */
	int worker;	 /* its index in ledger->account */
	int part;	 /* of the text, for a producer */
};

/* ---- workers.c ---- */

/* Each runs in a process of its own and returns its exit status. */
int produce(const struct task *task);
int produce_calmly(const struct task *task);
int consume(const struct task *task);

uint64_t now_ns(void);

/* First line of a part of the text. */
static inline uint64_t part_begin(const struct text *text, int part)
{
	return text->total * (uint64_t)part / PRODUCERS;
}

/* Number of a message's line. False: it has none. */
bool line_number(const struct rlq_message *message, uint64_t *ret_number);

/* ---- crew.c ---- */

enum { PATH_BYTES = 64 };

struct crew {
	char directory[PATH_BYTES];
	int lock_fd, log_fd;
	pid_t daemon;
	pid_t worker[WORKERS];
};

/* Makes the folder and starts the daemon, `program`, in it. */
bool crew_begin(struct crew *crew, const char *program);
bool crew_start(struct crew *crew, const struct task *task, int (*work)(const struct task *task));
/* SIGKILL, and waits for the end. */
void crew_kill(struct crew *crew, int worker);
/* Has a process ended that should not have? Says so. */
bool crew_lost_one(struct crew *crew);
bool crew_is_empty(const struct crew *crew);
/* Ends everybody and removes the folder; whatever has happened so far. */
void crew_end(struct crew *crew);

/* ---- show.c ---- */

void histogram_add(struct histogram *histogram, uint64_t ns);
uint64_t histogram_at(const struct histogram *histogram, double share);

struct progress {
	uint64_t total, shown_ns, shown_done;
	bool is_terminal;
};

/* One line that is written over on a terminal; else a line now and then. */
void progress_show(struct progress *progress, uint64_t done, uint64_t queued);
void progress_end(struct progress *progress);
/* A line of the story, in between. */
__attribute__((format(printf, 1, 2))) void tell(const char *format, ...);

void show_histogram(const struct histogram *histogram);
/* In one of a few static buffers: thousands apart; with a unit. */
const char *number_text(uint64_t number);
const char *time_text(uint64_t ns);

/* ---- main.c, accounts.c ---- */

struct story {
	struct text text;
	struct ledger *ledger;
	struct crew crew;
	struct task task[WORKERS];
	struct rlq_directory *directory;
	struct rlq_queue *queue, *dlq;
	struct progress progress;
	uint64_t poison; /* number of the poison line */
	uint64_t began_ns, busy_ns;
	uint64_t memory_most; /* of both queues, as seen while running */
	uint64_t dead;	      /* messages in the DLQ */
};

/* The sum of one counter over all workers. */
#define SUM(story, counter) account_sum((story)->ledger, offsetof(struct account, counter))
uint64_t account_sum(const struct ledger *ledger, size_t offset);

/* Says what went wrong; returns 1. */
int wrong(const char *what, int error);

/* Prints rate, latency and accounts; returns the exit status. */
int close_books(struct story *story);

#endif
