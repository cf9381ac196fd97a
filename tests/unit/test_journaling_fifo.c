/* FIFO queues that are durable, with the journal's thread in this process: what is there after a reboot. */
#include "daemon/format.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(journaling_fifo, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

static struct rlq_queue *made_fifo(enum rlq_durability durability)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	attributes.type = RLQ_FIFO;
	attributes.content_dedup = true;
	attributes.dedup_scope = RLQ_DEDUP_GROUP;
	attributes.dedup_window_ms = 600000;
	attributes.dedup_max = 1000;
	cr_assert_eq(rlq_queue_create(directory, "q.fifo", &attributes), 1);
	return opened("q.fifo");
}

static struct rlq_sent sent(struct rlq_queue *queue, const char *group, const char *dedup_id, const char *body)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_sent ret;

	options.group = group;
	options.dedup_id = dedup_id;
	options.ret_sent = &ret;
	cr_assert_eq(rlq_send(queue, body, strlen(body), &options, NULL), 0);
	return ret;
}

static int receive(struct rlq_queue *queue, struct rlq_message *messages, size_t max)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	return rlq_receive(queue, messages, max, &options);
}

static void expect_duplicate(struct rlq_queue *queue, const char *group, const char *dedup_id,
			     struct rlq_sent first)
{
	struct rlq_sent again = sent(queue, group, dedup_id, "again");

	cr_expect(again.is_duplicate, "%s", dedup_id);
	cr_expect_eq(again.sequence, first.sequence);
	cr_expect_eq(memcmp(&again.id, &first.id, sizeof(first.id)), 0);
}

Test(journaling_fifo, order_numbers_ids_and_attributes_of_a_fifo_queue_survive)
{
	for (enum rlq_durability durability = RLQ_ASYNC; durability <= RLQ_SYNC; durability++) {
		struct rlq_queue *queue = made_fifo(durability);
		struct rlq_sent first = sent(queue, "a", "1", "one"), second = sent(queue, "a", "2", "two"),
				other = sent(queue, "b", "1", "three"), next;
		struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
		struct rlq_message messages[4];

		cr_assert_eq(receive(queue, messages, 1), 1);
		cr_assert_eq(rlq_delete(queue, &messages[0].receipt), 0);
		rlq_queue_close(queue);
		reboot_machine();
		queue = opened("q.fifo");
		cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
		cr_expect(attributes.type == RLQ_FIFO && attributes.durability == durability &&
			  attributes.content_dedup && attributes.dedup_scope == RLQ_DEDUP_GROUP &&
			  attributes.dedup_window_ms == 600000 && attributes.dedup_max == 1000);
		expect_duplicate(queue, "a", "1", first); /* which was deleted */
		expect_duplicate(queue, "a", "2", second);
		expect_duplicate(queue, "b", "1", other);
		next = sent(queue, "a", "3", "four");
		cr_expect(!next.is_duplicate && next.sequence > other.sequence);
		cr_assert_eq(receive(queue, messages, 4), 3);
		cr_expect(messages[0].sequence == second.sequence && messages[1].sequence == next.sequence &&
			  messages[2].sequence == other.sequence);
		rlq_queue_close(queue);
		cr_assert_eq(rlq_queue_remove(directory, "q.fifo"), 0);
	}
}

/* Of what lives and of what is gone; it is for what is sent from then on. */
Test(journaling_fifo, a_changed_scope_does_not_count_for_ids_of_before_after_a_reboot)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = made_fifo(RLQ_SYNC);
	struct rlq_send_entry entry = {
		.body = "x", .body_bytes = 1, .group = "a", .dedup_id = "4", .delay_ms = RLQ_DEFAULT};
	struct rlq_message message;
	struct rlq_sent of_queue;

	sent(queue, "a", "1", "gone");
	cr_assert_eq(receive(queue, &message, 1), 1);
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	sent(queue, "a", "2", "lives");
	cr_assert_eq(rlq_send_batch(queue, &entry, 1, NULL, NULL), 1);
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.dedup_scope = RLQ_DEDUP_QUEUE;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	of_queue = sent(queue, "a", "3", "in the queue");
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q.fifo");
	expect_duplicate(queue, "b", "3", of_queue);
	cr_expect(!sent(queue, "b", "1", "one").is_duplicate);
	cr_expect(!sent(queue, "b", "2", "two").is_duplicate);
	cr_expect(!sent(queue, "b", "4", "four").is_duplicate, "nor of a batch");
	rlq_queue_close(queue);
}

/* In an async queue nobody has written it. */
Test(journaling_fifo, the_id_of_a_message_that_came_and_went_between_two_turns_survives)
{
	struct rlq_queue *queue = made_fifo(RLQ_ASYNC);
	struct rlq_sent first[64];
	struct rlq_message message;
	char id[16];

	for (int i = 0; i < 64; i++) {
		snprintf(id, sizeof(id), "%d", i);
		first[i] = sent(queue, "a", id, "x");
		cr_assert_eq(receive(queue, &message, 1), 1);
		cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	}
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q.fifo");
	for (int i = 0; i < 64; i++) {
		snprintf(id, sizeof(id), "%d", i);
		expect_duplicate(queue, "a", id, first[i]);
	}
	rlq_queue_close(queue);
}

Test(journaling_fifo, a_purge_forgets_ids_for_good)
{
	struct rlq_queue *queue = made_fifo(RLQ_SYNC);
	uint64_t count;

	sent(queue, "a", "1", "one");
	cr_assert_eq(rlq_purge(queue, &count), 0);
	cr_assert_eq(count, 1);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q.fifo");
	cr_expect(!sent(queue, "a", "1", "one").is_duplicate);
	rlq_queue_close(queue);
}

/* Features in the heads of all files, first of those that have none. */
static unsigned files_with(uint64_t features)
{
	struct format_file head;
	unsigned count = 0;
	char path[TMPDIR_BYTES + 32];

	for (unsigned number = 1; number < 10; number++) {
		int fd;

		snprintf(path, sizeof(path), "%s/journal-%010u", data, number);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		cr_assert_eq(read(fd, &head, sizeof(head)), (ssize_t)sizeof(head));
		close(fd);
		count += format_file_check(&head) == FORMAT_SOUND && head.features == features;
	}
	return count;
}

Test(journaling_fifo, files_say_that_they_have_fifo_queues_once_there_is_one)
{
	rlq_queue_close(made("standard", RLQ_SYNC));
	cr_expect_eq(files_with(0), 1);
	cr_expect_eq(files_with(FORMAT_FILE_FIFO), 0);
	rlq_queue_close(made_fifo(RLQ_SYNC));
	cr_expect_eq(files_with(FORMAT_FILE_FIFO), 1);
}

/* What is refused was not sent: the count is of entries, and a duplicate is one. */
Test(journaling_fifo, a_batch_with_duplicates_says_how_many_found_room)
{
	static const char body[1000];
	struct rlq_queue *queue = made_fifo(RLQ_SYNC);
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_entry entries[3];
	struct rlq_message message[3];

	for (int i = 0; i < 3; i++)
		entries[i] = (struct rlq_send_entry){.body = body,
						     .body_bytes = sizeof(body),
						     .delay_ms = RLQ_DEFAULT,
						     .group = "g",
						     .dedup_id = i == 0	  ? "1"
								 : i == 1 ? "2"
									  : "3"};
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	attributes.journal_bytes_max = 2 * sizeof(body);
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	sent(queue, "g", "1", "small");
	cr_expect_eq(rlq_send_batch(queue, entries, 3, NULL, NULL), 2, "a duplicate, and one that finds room");
	cr_expect_eq(rlq_send_batch(queue, entries, 3, NULL, NULL), 2, "two duplicates");
	cr_expect_eq(receive(queue, message, 3), 2);
	rlq_queue_close(queue);
}
