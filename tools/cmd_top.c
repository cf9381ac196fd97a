/* top: a live view of all queues. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "duration.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "samples.h"
#include "screen.h"
#include "session.h"
#include "stat_text.h"
#include "stop.h"

enum { HEAD_ROWS = 3, INTERVAL_MIN_MS = 10, INTERVAL_MAX_MS = 3600 * 1000 };

struct top_options {
	struct common_options common;
	bool once;
	uint64_t count; /* 0: until somebody ends it */
	int64_t interval_ms;
};

static const struct option_spec top_specs[] = {
	{.name = "once",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct top_options, once),
	 .help = "print one view and end, as --count 1"},
	{.name = "count",
	 .value = "N",
	 .kind = OPTION_NUMBER,
	 .offset = offsetof(struct top_options, count),
	 .min = 1,
	 .help = "print N views and end"},
	{.name = "interval",
	 .value = "D",
	 .kind = OPTION_DURATION,
	 .min = INTERVAL_MIN_MS,
	 .max = INTERVAL_MAX_MS,
	 .offset = offsetof(struct top_options, interval_ms),
	 .help = "time between views, and over which rates are taken (default 1s)"},
	{.name = NULL},
};

static const struct table_column columns[] = {
	{"QUEUE", false},      {"VISIBLE", true}, {"IN-FLIGHT", true}, {"DELAYED", true},
	{"OLDEST", true},      {"SENT/S", true},  {"RECV/S", true},    {"DEL/S", true},
	{"REDELIVERED", true}, {"TO-DLQ", true},  {"MEMORY", true},
};

static void add_row(struct table *table, const struct sample *sample)
{
	const struct rlq_queue_stat *stat = &sample->stat;
	char age[DURATION_TEXT_BYTES] = "-", memory[32];

	if (stat->oldest_sent_ms)
		duration_format_short((int64_t)stat_age_ms(stat), age);
	output_bytes(stat->memory_bytes, memory, sizeof(memory));
	table_cell(table, "%s", sample->name);
	table_cell(table, "%" PRIu64, stat->visible);
	table_cell(table, "%" PRIu64, stat->in_flight);
	table_cell(table, "%" PRIu64, stat->delayed);
	table_cell(table, "%s", age);
	table_cell(table, "%.0f", sample->sent_rate);
	table_cell(table, "%.0f", sample->received_rate);
	table_cell(table, "%.0f", sample->deleted_rate);
	table_cell(table, "%" PRIu64, stat->redelivered);
	table_cell(table, "%" PRIu64, stat->moved_to_dlq);
	table_cell(table, "%s", memory);
}

/* A queue that cannot be read keeps its row, so that it is seen; why is said below the table. */
static void add_failed_row(struct table *table, const struct sample *sample)
{
	table_cell(table, "%s", sample->name);
	for (size_t i = 1; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_cell(table, "-");
}

static void print_failures(const struct samples *samples, const char *line_end)
{
	for (size_t i = 0; i < samples->count; i++)
		if (samples->all[i].code)
			printf("%s: %s%s", samples->all[i].name, rlq_strerror(samples->all[i].code), line_end);
}

static void print_head(const struct samples *samples, const char *line_end, bool on_screen)
{
	const time_t now = time(NULL);
	char clock[16] = "";
	struct tm local;

	if (localtime_r(&now, &local))
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	printf("%s  %s  %zu queue%s, engine %s%s%s%s", clock, rlq_directory_path(samples->directory),
	       samples->count, samples->count == 1 ? "" : "s",
	       rlq_directory_has_engine(samples->directory) ? "running" : "none", on_screen ? "  (q ends)" : "",
	       line_end, on_screen ? line_end : "");
}

static int print_table(const struct samples *samples, bool on_screen)
{
	const char *line_end = on_screen ? "\033[K\n" : "\n";
	/* One row stays free: a line feed in the last one would scroll. */
	size_t rows_taken = HEAD_ROWS + 1;
	const size_t rows = on_screen ? screen_rows() : SIZE_MAX;
	struct table table;

	if (on_screen)
		screen_home();
	print_head(samples, line_end, on_screen);
	table_begin(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < samples->count; i++) {
		rows_taken += samples->all[i].code != 0;
		if (samples->all[i].code)
			add_failed_row(&table, &samples->all[i]);
		else
			add_row(&table, &samples->all[i]);
	}
	if (table_print(&table, rows > rows_taken ? rows - rows_taken : 1, line_end, stdout))
		return report(EXIT_FAILED, "out of memory");
	print_failures(samples, line_end);
	if (on_screen)
		screen_finish();
	return EXIT_DONE;
}

static int print_json(const struct samples *samples)
{
	int rc = EXIT_DONE;

	for (size_t i = 0; !rc && i < samples->count; i++) {
		const struct sample *sample = &samples->all[i];
		const struct rlq_queue_stat *stat = &sample->stat;

		if (sample->code) {
			rc = output_json(json_pack("{s:s, s:s}", "QueueName", sample->name, "Error",
						   rlq_strerror(sample->code)),
					 stdout);
			continue;
		}
		rc = output_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:o, s:o}", "QueueName",
					   sample->name, "ApproximateNumberOfMessages",
					   output_number(stat->visible), "ApproximateNumberOfMessagesNotVisible",
					   output_number(stat->in_flight), "ApproximateNumberOfMessagesDelayed",
					   output_number(stat->delayed), "ApproximateAgeOfOldestMessage",
					   output_number(stat_age_ms(stat) / 1000), "SentPerSecond",
					   sample->sent_rate, "ReceivedPerSecond", sample->received_rate,
					   "DeletedPerSecond", sample->deleted_rate, "NumberOfMessagesRedelivered",
					   output_number(stat->redelivered), "NumberOfMessagesMovedToDlq",
					   output_number(stat->moved_to_dlq), "MemoryBytes",
					   output_number(stat->memory_bytes)),
				 stdout);
	}
	return rc;
}

static int print_view(const struct samples *samples, const struct top_options *options, bool on_screen)
{
	const int rc = options->common.json ? print_json(samples) : print_table(samples, on_screen);

	if (rc)
		return rc;
	if (fflush(stdout) || ferror(stdout))
		return report(EXIT_FAILED, "cannot write the view: %s", strerror(errno));
	return EXIT_DONE;
}

/* Rates need two looks: a live view begins without them, a counted one waits for the second. */
static int show(struct samples *samples, const struct top_options *options, bool on_screen)
{
	uint64_t shown = 0;
	bool first = true;
	int rc = EXIT_DONE;

	while (!rc && (!options->count || shown < options->count)) {
		const int code = samples_take(samples);

		if (code < 0)
			return report_code(code, rlq_directory_path(samples->directory));
		if (!first || on_screen) {
			rc = print_view(samples, options, on_screen);
			shown++;
		}
		first = false;
		if (!rc && (!options->count || shown < options->count) && !screen_wait(options->interval_ms))
			break;
	}
	return rc;
}

static int top_run(void *opaque)
{
	struct top_options *options = opaque;
	struct samples samples = {.count = 0};
	struct session session;
	bool on_screen;
	int rc = session_open_directory(&options->common, &session);

	if (rc)
		return rc;
	if (options->once)
		options->count = 1;
	samples.directory = session.directory;
	stop_catch();
	on_screen = !options->count && !options->common.json && screen_begin();
	rc = show(&samples, options, on_screen);
	if (on_screen)
		screen_end();
	samples_free(&samples);
	session_close(&session);
	return rc;
}

const struct command cmd_top = {
	.name = "top",
	.arguments = "",
	.summary = "Watch depth, age and rates of all queues",
	.notes = "Refreshed each second on a terminal, until q or Ctrl-C; elsewhere a table a second.",
	.options = top_specs,
	.defaults = &(const struct top_options){.interval_ms = 1000},
	.options_bytes = sizeof(struct top_options),
	.run = top_run,
};
