#include "tests/weak/weak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITES_MAX = 320 };

extern struct site *const __start_weak_sites[], *const __stop_weak_sites[];

static const struct site *distinct[SITES_MAX];
static int distinct_count;

static int compare(const void *a, const void *b)
{
	const struct site *one = *(const struct site *const *)a, *other = *(const struct site *const *)b;
	int order = strcmp(one->file, other->file);

	return order			  ? order
	       : one->line != other->line ? one->line - other->line
					  : strcmp(one->operation, other->operation);
}

/* Inline functions have a copy in each file that uses them. */
void sites_find(void)
{
	for (struct site *const *p = __start_weak_sites; p < __stop_weak_sites; p++) {
		bool is_new = strstr((*p)->file, "ring/") != NULL;

		for (int i = 0; i < distinct_count && is_new; i++)
			is_new = compare(p, &distinct[i]) != 0;
		if (!is_new)
			continue;
		if (distinct_count == SITES_MAX) {
			fprintf(stderr, "weak: too many sites\n");
			exit(1);
		}
		distinct[distinct_count++] = *p;
	}
	qsort(distinct, (size_t)distinct_count, sizeof(distinct[0]), compare);
}

int sites_count(void)
{
	return distinct_count;
}

/* "function/operation", with a number if the function has several. */
const struct site *site_number(int number, char ret_name[SITE_NAME_MAX])
{
	const struct site *site = distinct[number];
	int before = 0;

	for (int i = 0; i < number; i++)
		before += !strcmp(distinct[i]->function, site->function) &&
			  !strcmp(distinct[i]->operation, site->operation);
	if (before > 0)
		snprintf(ret_name, SITE_NAME_MAX, "%s/%s#%d", site->function, site->operation, before + 1);
	else
		snprintf(ret_name, SITE_NAME_MAX, "%s/%s", site->function, site->operation);
	return site;
}

bool sites_weaken(const char *name, unsigned orders)
{
	char own[SITE_NAME_MAX];

	for (int i = 0; i < distinct_count; i++) {
		const struct site *site = site_number(i, own);

		if (strcmp(own, name) != 0)
			continue;
		for (struct site *const *p = __start_weak_sites; p < __stop_weak_sites; p++)
			if (compare(p, &site) == 0)
				(*p)->left &= (unsigned char)~orders;
		return true;
	}
	return false;
}

void sites_forget_reached(void)
{
	for (struct site *const *p = __start_weak_sites; p < __stop_weak_sites; p++)
		(*p)->is_reached = false;
}

bool site_is_reached(int number)
{
	for (struct site *const *p = __start_weak_sites; p < __stop_weak_sites; p++)
		if ((*p)->is_reached && compare(p, &distinct[number]) == 0)
			return true;
	return false;
}

void sites_restore(void)
{
	for (struct site *const *p = __start_weak_sites; p < __stop_weak_sites; p++)
		(*p)->left = ORDER_ALL;
}
