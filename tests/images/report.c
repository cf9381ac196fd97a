#include "tests/images/report.h"

#include <stdio.h>

typedef unsigned long long llu;

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void tally_add(struct tally *sum, const struct tally *more)
{
	sum->runs += more->runs;
	sum->steps += more->steps;
	sum->product_steps += more->product_steps;
	sum->calls += more->calls;
	sum->images += more->images;
	sum->distinct += more->distinct;
	sum->judged += more->judged;
	sum->kills += more->kills;
	sum->image_failures += more->image_failures;
	sum->image_losses += more->image_losses;
	sum->image_stuck += more->image_stuck;
	sum->kill_failures += more->kill_failures;
	sum->kill_losses += more->kill_losses;
	sum->kill_stuck += more->kill_stuck;
	sum->kill_differences += more->kill_differences;
	sum->waited_max = larger(sum->waited_max, more->waited_max);
	sum->reap_waited_max = larger(sum->reap_waited_max, more->reap_waited_max);
	for (uint32_t i = 0; i < sizeof(sum->covered); i++)
		sum->covered[i] |= more->covered[i];
}

/* How many different instructions were executed. */
static uint32_t addresses(const struct tally *tally)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sizeof(tally->covered); i++)
		count += (uint32_t)__builtin_popcount(tally->covered[i]);
	return count;
}

static llu failures(const struct tally *tally)
{
	return tally->image_failures + tally->kill_failures + tally->kill_differences;
}

void report_script(struct report *report, const struct script *script, const struct tally *tally)
{
	if (tally->runs == 0 && failures(tally) == 0)
		return;
	if (report->scripts++ == 0)
		printf("%-42s %5s %9s %6s %6s %7s %8s %7s %6s %6s %6s\n", "script", "runs", "executed", "code",
		       "calls", "images", "distinct", "judged", "kills", "failed", "waited");
	printf("%-42s %5llu %9llu %6u %6llu %7llu %8llu %7llu %6llu %6llu %6llu\n", script->name, (llu)tally->runs,
	       (llu)tally->product_steps, addresses(tally), (llu)tally->calls, (llu)tally->images,
	       (llu)tally->distinct, (llu)tally->judged, (llu)tally->kills, failures(tally),
	       (llu)larger(tally->waited_max, tally->reap_waited_max));
	tally_add(&report->sum, tally);
	if (script->is_fifo)
		tally_add(&report->fifo, tally);
}

int report_end(struct report *report, uint64_t images_min, uint64_t kills_min)
{
	const struct tally *sum = &report->sum, *fifo = &report->fifo;
	llu failed = failures(sum) + report->failures;
	bool is_short = sum->judged < images_min || sum->kills < kills_min;

	printf("steps of all victims: %llu\n", (llu)sum->steps);
	printf("code: %llu instructions of ours executed at %u addresses, %llu system calls\n",
	       (llu)sum->product_steps, addresses(sum), (llu)sum->calls);
	printf("images: %llu taken, %llu distinct, %llu judged; %llu failures, of them %llu losses, %llu stuck\n",
	       (llu)sum->images, (llu)sum->distinct, (llu)sum->judged, (llu)sum->image_failures,
	       (llu)sum->image_losses, (llu)sum->image_stuck);
	printf("of them of FIFO queues: %llu taken, %llu distinct, %llu judged, %llu kills; %llu failures\n",
	       (llu)fifo->images, (llu)fifo->distinct, (llu)fifo->judged, (llu)fifo->kills, failures(fifo));
	printf("kills: %llu real; %llu failures, of them %llu losses, %llu stuck; %llu differ from their image\n",
	       (llu)sum->kills, (llu)sum->kill_failures, (llu)sum->kill_losses, (llu)sum->kill_stuck,
	       (llu)sum->kill_differences);
	printf("longest wait of a survivor: %llu steps, %d allowed; in a FIFO queue %llu, %d allowed\n",
	       (llu)sum->waited_max, STEPS_MAX, (llu)sum->reap_waited_max, FIFO_STEPS_MAX);
	printf("tally: images %llu fifo_images %llu kills %llu losses %llu stuck %llu", (llu)sum->judged,
	       (llu)fifo->judged, (llu)sum->kills, (llu)(sum->image_losses + sum->kill_losses),
	       (llu)(sum->image_stuck + sum->kill_stuck));
	printf(" steps_max %llu reap_steps_max %llu\n", (llu)sum->waited_max, (llu)sum->reap_waited_max);
	if (is_short)
		printf("%llu images and %llu kills are wanted\n", (llu)images_min, (llu)kills_min);
	printf("%llu passed, %llu failed\n", (llu)(sum->judged + sum->kills) - failures(sum), failed + is_short);
	return failed > 0 || is_short || sum->judged == 0;
}
