/* Move tasks in notes: what may stand there, which anybody may have edited. */
#include "gateway/move_notes.h"

#include <criterion/criterion.h>
#include <string.h>

static json_t *good;

static void begin(void)
{
	good = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i}", "id", "01234567-89ab-4cde-8f01-23456789abcd",
			 "state", "RUNNING", "source_arn", "arn:aws:sqs:us-east-1:000000000000:dlq",
			 "destination_arn", "arn:aws:sqs:us-east-1:000000000000:other", "rate", 5, "moved", 3,
			 "to_move", 7, "started_ms", 1700000000);
	cr_assert_not_null(good);
}

static void end(void)
{
	json_decref(good);
}

TestSuite(move_notes, .init = begin, .fini = end, .timeout = 10);

/* Of a list with this one alone. */
static const char *fault_of(json_t *entry)
{
	json_t *moves = json_pack("[O]", entry);
	const char *fault = move_notes_fault(moves);

	json_decref(moves);
	return fault;
}

Test(move_notes, what_is_written_is_read)
{
	json_t *notes = json_pack("{s:[O]}", "moves", good);
	struct move move;

	cr_expect_null(fault_of(good));
	cr_assert_eq(move_notes_list(notes, "dlq", &move, 1), 1);
	cr_expect_str_eq(move.id, "01234567-89ab-4cde-8f01-23456789abcd");
	cr_expect_str_eq(move.source, "dlq");
	cr_expect_str_eq(move.destination, "other");
	cr_expect_eq(move.state, MOVE_RUNNING);
	cr_expect_eq(move.rate, 5);
	cr_expect_eq(move.moved, 3);
	cr_expect_eq(move.to_move, 7);
	cr_expect_eq(move.started_ms, 1700000000);
	json_decref(notes);
}

Test(move_notes, there_may_be_none)
{
	json_t *empty = json_array();

	cr_expect_null(move_notes_fault(NULL));
	cr_expect_null(move_notes_fault(empty));
	json_decref(empty);
}

Test(move_notes, a_destination_and_a_failure_may_be_missing_and_more_may_be_there)
{
	json_object_del(good, "destination_arn");
	json_object_set_new(good, "later", json_true());
	cr_expect_null(fault_of(good));
}

Test(move_notes, what_is_no_list_of_tasks_is_refused)
{
	json_t *bad[] = {json_object(),	      json_null(),	 json_string("x"),
			 json_pack("[i]", 1), json_pack("[[]]"), json_pack("[O, {}]", good)};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_not_null(move_notes_fault(bad[i]), "%zu", i);
		json_decref(bad[i]);
	}
}

Test(move_notes, each_part_must_be_there)
{
	static const char *const parts[] = {"id", "state", "source_arn", "rate", "moved", "to_move", "started_ms"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		json_t *without = json_copy(good);

		json_object_del(without, parts[i]);
		cr_expect_not_null(fault_of(without), "%s", parts[i]);
		json_decref(without);
	}
}

Test(move_notes, each_part_must_be_what_it_may)
{
	static const struct {
		const char *part, *value; /* JSON */
	} bad[] = {
		{"id", "1"},
		{"id", "\"\""},
		{"id", "\"../../../../../../../../../etc/passwd\""},
		{"id", "\"01234567-89ab-4cde-8f01-23456789abcde\""},
		{"state", "\"\""},
		{"state", "\"running\""},
		{"state", "0"},
		{"source_arn", "[]"},
		{"destination_arn", "\"other\""},
		{"destination_arn", "\"arn:aws:s3:us-east-1:000000000000:other\""},
		{"destination_arn", "null"},
		{"rate", "-1"},
		{"rate", "501"},
		{"rate", "1.5"},
		{"moved", "-1"},
		{"moved", "8"},
		{"to_move", "9223372036854775807"},
		{"to_move", "\"7\""},
		{"started_ms", "null"},
		{"failure", "1"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *entry = json_copy(good);

		json_object_set_new(entry, bad[i].part, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		cr_expect_not_null(fault_of(entry), "%s: %s", bad[i].part, bad[i].value);
		json_decref(entry);
	}
}

Test(move_notes, texts_must_fit)
{
	char text[2 * ADDRESS_TEXT_BYTES];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		json_t *entry = json_copy(good);

		json_object_set_new(entry, i ? "failure" : "source_arn", json_string(text));
		cr_expect_not_null(fault_of(entry));
		json_decref(entry);
	}
}
