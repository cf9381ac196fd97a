/* Takes the orders away, one by one: a scenario must fail for it, or the table says why the order is kept. */
#include "tests/weak/weak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCENARIOS_MAX = 160, SITES_MAX = 320, LINE_MAX_BYTES = 512 };

static const struct {
	unsigned order;
	const char *name;
} orders[] = {{ORDER_SEQ, "seq"}, {ORDER_ACQUIRE, "acquire"}, {ORDER_RELEASE, "release"}};

enum { ORDERS = sizeof(orders) / sizeof(orders[0]) };

static bool reaches[SCENARIOS_MAX][SITES_MAX];
static bool listed[SITES_MAX][ORDERS];

static bool weaken_one(const char *text)
{
	const char *order = strchr(text, '=');
	char name[SITE_NAME_MAX];

	if (!order || order - text >= SITE_NAME_MAX)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(order - text), text);
	for (unsigned o = 0; o < ORDERS; o++)
		if (!strcmp(order + 1, orders[o].name))
			return sites_weaken(name, orders[o].order);
	return false;
}

bool orders_weaken(const char *text)
{
	char copy[LINE_MAX_BYTES], *rest = copy, *one;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((one = strsep(&rest, " ")) != NULL)
		if (*one && !weaken_one(one))
			return false;
	return true;
}

/* ---- search --------------------------------------------------------------------------------------- */

/* Which scenario reaches which site? */
static void note_reached(bool is_long)
{
	for (unsigned s = 0; weak_scenarios[s].name; s++) {
		if (weak_scenarios[s].is_long && !is_long)
			continue;
		sites_forget_reached();
		weak_run(&weak_scenarios[s]);
		for (int i = 0; i < sites_count(); i++)
			reaches[s][i] = site_is_reached(i);
	}
}

static const char *first_to_catch(int site)
{
	const char *answer = "not reached";

	for (unsigned s = 0; weak_scenarios[s].name; s++) {
		if (!reaches[s][site])
			continue;
		if (weak_run(&weak_scenarios[s]).failed)
			return weak_scenarios[s].name;
		answer = "-";
	}
	return answer;
}

void orders_search(int from, bool is_long)
{
	char name[SITE_NAME_MAX];

	note_reached(is_long);
	for (int i = from; i < sites_count(); i++) {
		const struct site *site = site_number(i, name);

		for (unsigned o = 0; o < ORDERS; o++) {
			if (!(site->has & orders[o].order))
				continue;
			sites_weaken(name, orders[o].order);
			printf("%3d %s=%s|%s\n", i, name, orders[o].name, first_to_catch(i));
			fflush(stdout);
			sites_restore();
		}
	}
}

/* ---- table ---------------------------------------------------------------------------------------- */

static const struct weak_scenario *scenario_named(const char *name)
{
	const struct weak_scenario *s = weak_scenarios;

	while (s->name && strcmp(s->name, name) != 0)
		s++;
	return s->name ? s : NULL;
}

static void note_listed(const char *text)
{
	char name[SITE_NAME_MAX], whole[SITE_NAME_MAX + 16];

	for (int i = 0; i < sites_count(); i++)
		for (unsigned o = 0; o < ORDERS; o++) {
			site_number(i, name);
			snprintf(whole, sizeof(whole), "%s=%s", name, orders[o].name);
			listed[i][o] = listed[i][o] || !strcmp(whole, text);
		}
}

/* A line: SITE=ORDER..., the scenario that fails without, or "-" and why the order is there all the same. */
static bool check_line(char *line)
{
	char *weakened = strsep(&line, "|"), *by = strsep(&line, "|"), *why = line;
	const struct weak_scenario *scenario;
	bool is_caught = false;

	if (!by || !orders_weaken(weakened)) {
		printf("%-60s FAILED: no such site or order\n", weakened);
		sites_restore();
		return false;
	}
	note_listed(weakened);
	scenario = scenario_named(by);
	if (scenario)
		is_caught = weak_run(scenario).failed;
	sites_restore();
	if (!strcmp(by, "-")) {
		printf("%-60s kept: %s\n", weakened, why ? why : "FAILED: no reason");
		return why != NULL;
	}
	printf("%-60s %s %s\n", weakened, is_caught ? "caught by" : "FAILED: survives", by);
	return is_caught;
}

/* C11 has no seq_cst load that does not acquire, and no seq_cst RMW that does not both: what is there because of
 * seq_cst needs no reason of its own. */
static bool is_implied(const struct site *site, unsigned order)
{
	return order != ORDER_SEQ && site->has & ORDER_SEQ;
}

static unsigned count_unlisted(void)
{
	char name[SITE_NAME_MAX];
	unsigned count = 0;

	for (int i = 0; i < sites_count(); i++)
		for (unsigned o = 0; o < ORDERS; o++) {
			const struct site *site = site_number(i, name);

			if (!(site->has & orders[o].order) || listed[i][o] || is_implied(site, orders[o].order))
				continue;
			printf("%s=%s  FAILED: not in the table\n", name, orders[o].name);
			count++;
		}
	return count;
}

int orders_check(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE_MAX_BYTES];
	unsigned passed = 0, failed = 0;

	if (!file) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (check_line(line))
			passed++;
		else
			failed++;
	}
	fclose(file);
	failed += count_unlisted();
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
