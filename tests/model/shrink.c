#include "tests/model/play.h"

#include <string.h>

bool is_same_rule(const char *why, const char *other)
{
	size_t length = strcspn(why, ":");

	return strncmp(why, other, length) == 0 && other[length] == why[length];
}

/* If the other script breaks the same rule, it is the script from now on, up to where it does. */
static bool take_if_bad(const struct driver *driver, struct script *script, struct played *played,
			const struct script *other)
{
	struct played tried;

	play(driver, other, &tried);
	if (tried.verdict != BAD || !is_same_rule(played->why, tried.why))
		return false;
	*script = *other;
	script->count = tried.at + 1;
	*played = tried;
	return true;
}

/* Without `count` operations from `from` on. */
static bool without(const struct driver *driver, struct script *script, struct played *played, int from, int count)
{
	struct script other = *script;

	other.count -= count;
	memmove(&other.operation[from], &other.operation[from + count],
		(size_t)(other.count - from) * sizeof(other.operation[0]));
	return take_if_bad(driver, script, played, &other);
}

static bool drop_parts(const struct driver *driver, struct script *script, struct played *played)
{
	bool has_shrunk = false;

	for (int size = script->count / 2; size > 0; size /= 2)
		for (int from = 0; from + size <= script->count;)
			if (without(driver, script, played, from, size))
				has_shrunk = true;
			else
				from += size;
	return has_shrunk;
}

/* The number is replaced by a smaller one, if that does. */
#define TRY(driver, script, played, field, smaller, has_shrunk)                                                    \
	do {                                                                                                       \
		struct script other_ = *(script);                                                                  \
		if ((script)->field > (smaller)) {                                                                 \
			other_.field = (smaller);                                                                  \
			(has_shrunk) |= take_if_bad(driver, script, played, &other_);                              \
		}                                                                                                  \
	} while (0)

static bool simplify(const struct driver *driver, struct script *script, struct played *played)
{
	bool has_shrunk = false;

	TRY(driver, script, played, setting.receives_max, 0, has_shrunk);
	TRY(driver, script, played, setting.receives_max, 1, has_shrunk);
	TRY(driver, script, played, setting.delay_ms, 0, has_shrunk);
	TRY(driver, script, played, setting.scope_is_group, false, has_shrunk);
	for (int i = 0; i < script->count; i++) {
		TRY(driver, script, played, operation[i].max, 1, has_shrunk);
		TRY(driver, script, played, operation[i].attempt, 0, has_shrunk);
		TRY(driver, script, played, operation[i].before, 0, has_shrunk);
		TRY(driver, script, played, operation[i].group, script->setting.is_fifo, has_shrunk);
		TRY(driver, script, played, operation[i].id, 0, has_shrunk);
		TRY(driver, script, played, operation[i].ms, -(script->operation[i].kind <= RECEIVE), has_shrunk);
		TRY(driver, script, played, operation[i].ms, script->operation[i].ms / 2, has_shrunk);
	}
	return has_shrunk;
}

void shrink(const struct driver *driver, struct script *script, struct played *ret_played)
{
	play(driver, script, ret_played);
	if (ret_played->verdict != BAD)
		return;
	script->count = ret_played->at + 1;
	while (drop_parts(driver, script, ret_played) || simplify(driver, script, ret_played))
		;
}
