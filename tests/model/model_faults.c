/* The model finds each fault that it is for, and names the rule; what fails is shrunk to a few operations, which
 * fail again when they are read back; and a sound queue has no fault. */
#include "tests/model/fake.h"
#include "tests/model/play.h"
#include "tests/support/arguments.h"
#include "tests/support/cases.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 20000, LENGTH = 60, SOUND_COUNT = 3000, SHORT_MAX = 7 };

static struct fake fake;

struct wanted {
	const char *rule;
	enum planted planted;
	bool is_fifo;
};

static const struct wanted wanted[] = {
	{"not found", LOSES, false},
	{"not found", LEASES_LONG, false},
	{"not found", IGNORES_RELEASE, false},
	{"not found", STOPS_SHORT, false},
	{"depth", LOSES, false},
	{"depth", MISCOUNTS, false},
	{"depth", KEEPS_PURGED, true},
	{"after delete", KEEPS_DELETED, false},
	{"after delete", KEEPS_PURGED, false},
	{"invented", INVENTS, false},
	{"two places", MIXES_PLACES, false},
	{"double lease", LEASES_NOTHING, false},
	{"double lease", LEASES_SHORT, false},
	{"double lease", IGNORES_EXTEND, false},
	{"too early", DELAYS_SHORT, false},
	{"too often", MOVES_LATE, false},
	{"too many", GIVES_TOO_MANY, false},
	{"twice", GIVES_TWICE, false},
	{"receive count", COUNTS_TWO, false},
	{"same id", SAME_IDS, false},
	{"same message", OTHER_ID, false},
	{"capacity", FILLS_LATE, false},
	{"send", FILLS_EARLY, false},
	{"delete", TAKES_STALE, false},
	{"extend", TAKES_STALE, false},
	{"release", TAKES_STALE, false},
	{"delete", REFUSES_GOOD, false},
	{"extend", REFUSES_GOOD, false},
	{"release", REFUSES_GOOD, false},
	{"moved too early", MOVES_EARLY, false},
	{"not moved", MOVES_NEVER, false},
	{"delete", TAKES_STALE, true},
	{"not found", LOSES, true},
	{"not moved", MOVES_NEVER, true},
	{"order", SWAPS, true},
	{"order", STOPS_SHORT, true},
	{"blocked", NO_GROUPS, true},
	{"turn", TURNS_BACK, true},
	{"moved out of turn", MOVES_OUT_OF_TURN, true},
	{"duplicate", NO_DEDUP, true},
	{"same id", DEDUP_FOR_EVER, true},
	{"same id", DEDUP_BY_QUEUE, true},
	{"same id", DEDUP_AFTER_PURGE, true},
	{"sequence", SEQUENCE_FALLS, true},
	{"sequence", SEQUENCE_DIFFERS, true},
	{"attempt", NO_ATTEMPTS, true},
};
enum { WANTED = sizeof(wanted) / sizeof(wanted[0]) };

/* Draws scripts until one breaks the rule. */
static bool find(const struct driver *driver, const struct wanted *w, struct script *ret_script)
{
	char rule[64];
	uint64_t random = 1;

	snprintf(rule, sizeof(rule), "%s:", w->rule);
	for (int i = 0; i < TRIES_MAX; i++) {
		struct played played;

		script_draw(ret_script, w->is_fifo, LENGTH, random_next(&random));
		play(driver, ret_script, &played);
		if (played.verdict == BAD && is_same_rule(rule, played.why))
			return true;
	}
	return false;
}

/* It comes back from its text, and breaks the same rule. */
static void check_text(const struct driver *driver, const struct script *script, const struct played *played)
{
	static struct script other;
	struct played again;
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);
	int line;

	script_print(script, file);
	fclose(file);
	file = fmemopen(text, bytes, "r");
	CHECK(script_read(&other, file, &line));
	fclose(file);
	free(text);
	play(driver, &other, &again);
	CHECK_TEXT(again.why, played->why);
	CHECK_EQ(again.at, played->at);
}

CASE(each_planted_fault_is_named_by_its_rule_and_shrunk)
{
	struct driver driver = fake_driver(&fake);

	for (int i = 0; i < WANTED; i++) {
		static struct script script;
		struct played played;

		fake.planted = wanted[i].planted;
		if (!find(&driver, &wanted[i], &script))
			case_fail(__FILE__, __LINE__, "fault %d (%s) is not found", wanted[i].planted,
				  wanted[i].rule);
		shrink(&driver, &script, &played);
		if (script.count > SHORT_MAX) {
			script_print(&script, stdout);
			case_fail(__FILE__, __LINE__, "fault %d (%s) has %d operations", wanted[i].planted,
				  wanted[i].rule, script.count);
		}
		check_text(&driver, &script, &played);
	}
}

static void check_sound(bool is_fifo)
{
	struct driver driver = fake_driver(&fake);
	struct played sum = {0}, played;
	static struct script script;
	uint64_t random = test_seed(7);

	for (int i = 0; i < SOUND_COUNT; i++) {
		script_draw(&script, is_fifo, LENGTH, random_next(&random));
		play(&driver, &script, &played);
		if (played.verdict == BAD) {
			shrink(&driver, &script, &played);
			script_print(&script, stdout);
			case_fail(__FILE__, __LINE__, "%s", played.why);
		}
		sum.receives += played.receives;
		sum.duplicates += played.duplicates;
		sum.moves += played.moves;
		sum.refused += played.refused;
	}
	CHECK(sum.receives > 0 && sum.moves > 0 && sum.refused > 0);
	CHECK_EQ(sum.duplicates > 0, is_fifo);
}

CASE(a_sound_standard_queue_has_no_fault)
{
	check_sound(false);
}

CASE(a_sound_fifo_queue_has_no_fault)
{
	check_sound(true);
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
