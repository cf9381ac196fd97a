#include "stat_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "attributes.h"
#include "duration.h"
#include "output.h"

static void line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *label, const char *format, ...)
{
	va_list arguments;

	printf("  %-20s", label);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

uint64_t stat_age_ms(const struct rlq_queue_stat *stat)
{
	struct timespec now;
	uint64_t now_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	/* The wall clock may have been set back since. */
	return stat->oldest_sent_ms && stat->oldest_sent_ms < now_ms ? now_ms - stat->oldest_sent_ms : 0;
}

void stat_placed_format(const struct rlq_queue_stat *stat, char *ret_text, size_t text_bytes)
{
	if (stat->placed_node >= 0)
		snprintf(ret_text, text_bytes, "node %d", stat->placed_node);
	else if (stat->placed_node == -2)
		snprintf(ret_text, text_bytes, "several nodes");
	else
		snprintf(ret_text, text_bytes, "unknown");
}

void stat_policy_format(const struct rlq_queue_stat *stat, char *ret_text, size_t text_bytes)
{
	if (stat->policy == RLQ_PLACE_NODE)
		snprintf(ret_text, text_bytes, "node %u", stat->policy_node);
	else
		snprintf(ret_text, text_bytes, "%s",
			 stat->policy == RLQ_PLACE_INTERLEAVE ? "interleave"
			 : stat->policy == RLQ_PLACE_LOCAL    ? "local"
							      : "unknown");
}

static void print_depths(const struct rlq_queue_stat *stat)
{
	char age[DURATION_TEXT_BYTES] = "-";

	if (stat->dead)
		line("visible", "%" PRIu64 " (%" PRIu64 " of them wait to move to the DLQ)", stat->visible,
		     stat->dead);
	else
		line("visible", "%" PRIu64, stat->visible);
	line("in flight", "%" PRIu64, stat->in_flight);
	line("delayed", "%" PRIu64, stat->delayed);
	if (stat->oldest_sent_ms)
		duration_format_short((int64_t)stat_age_ms(stat), age);
	line("oldest message", "%s", age);
	line("sent", "%" PRIu64, stat->sent);
	line("received", "%" PRIu64 " (%" PRIu64 " of them again)", stat->received, stat->redelivered);
	line("deleted", "%" PRIu64, stat->deleted);
	line("moved to DLQ", "%" PRIu64, stat->moved_to_dlq);
	line("expired", "%" PRIu64 " (retention)", stat->expired);
}

static void print_duration(const char *label, int64_t duration_ms)
{
	char text[DURATION_TEXT_BYTES];

	duration_format(duration_ms, text);
	line(label, "%s", text);
}

static const char *sends_refused_text(int32_t error)
{
	return error == -ENOSPC ? "the disk of the journal is full"
				: "the journal, or what it has of this queue, is as large as it may be";
}

/* By what messages of a FIFO queue are kept in order, and those of a standard one are fair. */
static void print_groups(const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat)
{
	if (attributes->type == RLQ_FIFO) {
		line("groups", "about %" PRIu64 " with messages", stat->groups);
		line("ids remembered", "about %" PRIu64 " of %" PRIu64, stat->dedup_ids, attributes->dedup_max);
	} else if (stat->tenants) {
		line("tenants", "about %u with messages, %u of them far more than the others", stat->tenants,
		     stat->noisy_tenants);
	}
}

static void print_dedup(const struct rlq_queue_attributes *attributes)
{
	char window[DURATION_TEXT_BYTES];

	duration_format(attributes->dedup_window_ms, window);
	line("deduplication", "by %s, in %s, for %s, of %" PRIu64 " ids at most",
	     attributes->content_dedup ? "id, or else by body" : "id",
	     attributes->dedup_scope == RLQ_DEDUP_GROUP ? "each group" : "all of the queue", window,
	     attributes->dedup_max);
}

static void print_settings(const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat)
{
	static const char *const survives[] = {
		[RLQ_MEMORY] = "memory: survives any process, not a reboot",
		[RLQ_ASYNC] = "async: survives a reboot, but for the last 10 ms or 1 MiB",
		[RLQ_SYNC] = "sync: what is acknowledged survives a reboot",
	};

	char overdue[DURATION_TEXT_BYTES];

	line("type", "%s", type_name(attributes->type));
	line("durability", "%s", survives[attributes->durability]);
	print_duration("visibility timeout", attributes->visibility_ms);
	print_duration("delay", attributes->delay_ms);
	print_duration("retention", attributes->retention_ms);
	print_duration("receive wait", attributes->wait_ms);
	line("max message bytes", "%" PRIu64, attributes->message_bytes_max);
	line("capacity", "%" PRIu64, attributes->capacity);
	duration_format(attributes->overdue_ms, overdue);
	if (*attributes->dlq)
		line("DLQ", "%s after %u receives (overdue after %s)", attributes->dlq, attributes->receives_max,
		     overdue);
	else
		line("DLQ", "none");
	if (attributes->type == RLQ_FIFO)
		print_dedup(attributes);
	if (attributes->journal_bytes_max)
		line("max journal bytes", "%" PRIu64, attributes->journal_bytes_max);
	if (stat->sends_refused)
		line("sends refused", "%s", sends_refused_text(stat->sends_refused));
	if (stat->dlq_error)
		line("DLQ moves fail", "%s", rlq_strerror(stat->dlq_error));
}

static void print_memory(const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat)
{
	char text[STAT_TEXT_BYTES], policy[STAT_TEXT_BYTES], placed[STAT_TEXT_BYTES];

	output_bytes(stat->memory_bytes, text, sizeof(text));
	line("memory", "%s, %" PRIu64 " slots in %u ring%s", text, stat->slots, stat->rings,
	     stat->rings == 1 ? "" : "s");
	placement_format(attributes, text, sizeof(text));
	stat_policy_format(stat, policy, sizeof(policy));
	stat_placed_format(stat, placed, sizeof(placed));
	line("placement", "asked for %s%s, the kernel says %s, found on %s",
	     attributes->placement == RLQ_PLACE_NODE ? "node " : "", text, policy, placed);
	line("mode", "%04o", attributes->mode);
	line("open handles", "%u", stat->handles);
}

void stat_print(const char *name, const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat,
		bool engine)
{
	char created[32] = "";
	const time_t seconds = (time_t)(stat->created_ms / 1000);
	struct tm local;

	printf("%s\n", name);
	print_depths(stat);
	print_groups(attributes, stat);
	print_settings(attributes, stat);
	print_memory(attributes, stat);
	line("engine", "%s", engine ? "running" : "none (clients do its work on their way)");
	if (localtime_r(&seconds, &local))
		strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S", &local);
	line("created", "%s", created);
}
