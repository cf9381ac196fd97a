/* What has become of every line. Nothing here is taken from the queue's own counters: what was processed
 * is counted line by line, the rest is received from the DLQ. */
#include "demo/demo.h"

#include <stdio.h>

struct books {
	uint64_t seen;	     /* different lines that were processed */
	uint64_t dead;	     /* different lines in the DLQ */
	uint64_t both;	     /* in the DLQ though processed */
	uint64_t not_poison; /* in the DLQ, and should not be */
	uint64_t faults;     /* of the segments */
};

uint64_t account_sum(const struct ledger *ledger, size_t offset)
{
	uint64_t total = 0;

	for (int i = 0; i < WORKERS; i++)
		total += *(const _Atomic uint64_t *)(const void *)((const char *)&ledger->account[i] + offset);
	return total;
}

int wrong(const char *what, int error)
{
	tell("WRONG: %s: %s", what, rlq_strerror(error));
	return 1;
}

static void enter_dead(const struct story *story, const struct rlq_message *message, struct books *books)
{
	uint64_t number;
	size_t bytes;
	const char *line;

	if (!line_number(message, &number) || number >= story->text.total + CALM_LINES) {
		books->not_poison++;
		return;
	}
	books->dead++;
	books->both += story->ledger->seen[number] > 0;
	books->not_poison += number != story->poison;
	line = text_line(&story->text, number, &bytes);
	tell("  in %s: line %s, from %s, %s: \"%.*s\"", DLQ, number_text(number),
	     message->dlq_source ? message->dlq_source : "nowhere", message->dlq_reason ? message->dlq_reason : "?",
	     bytes < 40 ? (int)bytes : 40, line);
}

static int read_dead(const struct story *story, struct books *books)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message[BATCH];
	int count;

	options.visibility_ms = 60000;
	while ((count = rlq_receive(story->dlq, message, BATCH, &options)) > 0)
		for (int i = 0; i < count; i++)
			enter_dead(story, &message[i], books);
	return count;
}

static void print_fault(void *context, const char *text)
{
	(void)context;
	tell("WRONG: %s", text);
}

static void count_faults(const struct story *story, struct books *books)
{
	static const char *const queues[] = {QUEUE, DLQ};

	for (int i = 0; i < 2; i++) {
		int faults = rlq_verify(story->directory, queues[i], print_fault, NULL);

		if (faults < 0)
			wrong("verify", faults);
		books->faults += faults != 0;
	}
}

static void print_speed(const struct story *story)
{
	uint64_t per_second = story->text.total * UINT64_C(1000000000) / (story->busy_ns ? story->busy_ns : 1);

	tell("\nrate      %s lines in %.1f s: %s a second, each sent, received, compared and deleted",
	     number_text(story->text.total), (double)story->busy_ns / 1e9, number_text(per_second));
	tell("          (send to receive then: half within %s, 99 %% within %s; with the wait in a queue that "
	     "fills in bursts)",
	     time_text(histogram_at(&story->ledger->busy, 0.5)),
	     time_text(histogram_at(&story->ledger->busy, 0.99)));
	tell("memory    at most %.1f MiB for both queues\n", (double)story->memory_most / 1048576.0);
	tell("send to receive, at %s lines a second", number_text(CALM_PER_SECOND));
	show_histogram(&story->ledger->calm);
}

static void row(const char *what, uint64_t number, const char *remark)
{
	tell("  %-22s %10s   %s", what, number_text(number), remark);
}

static void print_books(const struct story *story, const struct books *books, uint64_t lost)
{
	uint64_t redelivered = SUM(story, twice_redelivered), sent = SUM(story, twice_sent);

	tell("\naccounts");
	row("lines to send", story->text.total + CALM_LINES, "");
	row("sent", SUM(story, sent), "sends that were answered");
	row("sent twice", sent, "the dead producer's last batch, of which it never heard");
	row("received", SUM(story, received), "processed, processed twice, poison, or lost with the dead consumer");
	row("redelivered", SUM(story, redelivered), "what the dead consumer held, and the poison line");
	row("processed", books->seen, "different lines, each compared with its file");
	row("processed twice", redelivered + sent, "by the two causes above: at least once is what is promised");
	row("in the DLQ", books->dead, "the poison line, after three tries");
	row("lost", lost, "");
}

/* Whatever was received was processed, for the first time or not, or was poison, or was lost with the
 * consumer that held it and had to be received again. */
static bool balances(const struct story *story, const struct books *books)
{
	uint64_t processed = books->seen + SUM(story, twice_redelivered) + SUM(story, twice_sent);

	/* One of the three tries may have been with the consumer that was killed. */
	if (SUM(story, poison) > RECEIVES_MAX || SUM(story, poison) < RECEIVES_MAX - 1)
		return false;
	return SUM(story, received) ==
	       processed + SUM(story, poison) + SUM(story, holds) - SUM(story, holds_processed);
}

int close_books(struct story *story)
{
	uint64_t all = story->text.total + CALM_LINES, lost;
	struct books books = {0};
	int error = read_dead(story, &books);

	if (error < 0)
		return wrong("receive from the DLQ", error);
	count_faults(story, &books);
	for (uint64_t i = 0; i < all; i++)
		books.seen += story->ledger->seen[i] > 0;
	lost = all - (books.seen + books.dead - books.both);
	progress_end(&story->progress);
	print_speed(story);
	print_books(story, &books, lost);
	if (lost > 0 || books.faults > 0 || books.not_poison > 0 || books.dead != 1 || SUM(story, wrong) > 0 ||
	    !balances(story, &books)) {
		tell("\nWRONG: lost %s, altered %s, damaged segments %s, in the DLQ without reason %s, "
		     "poison line received %s times%s",
		     number_text(lost), number_text(SUM(story, wrong)), number_text(books.faults),
		     number_text(books.not_poison), number_text(SUM(story, poison)),
		     balances(story, &books) ? "" : ", the books do not balance");
		return 1;
	}
	tell("\nevery line is accounted for; the segments are sound (verify found nothing)");
	return 0;
}
