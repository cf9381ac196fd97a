#include "gateway/parameters.h"

#include <stdlib.h>
#include <string.h>

static size_t part_length(const char *path)
{
	return strcspn(path, ".");
}

bool part_is_number(const char *path)
{
	size_t length = part_length(path);

	return length > 0 && strspn(path, "0123456789") >= length;
}

bool part_is(const char *path, const char *name)
{
	size_t length = part_length(path);

	return strlen(name) == length && memcmp(path, name, length) == 0;
}

static int compare_parts(const char *a, const char *b)
{
	bool are_numbers = part_is_number(a);

	if (are_numbers != part_is_number(b))
		return are_numbers ? -1 : 1;
	if (are_numbers) {
		a += strspn(a, "0");
		b += strspn(b, "0");
	}
	size_t a_length = part_length(a), b_length = part_length(b);
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	if (order == 0 || (are_numbers && a_length != b_length))
		order = (a_length > b_length) - (a_length < b_length);
	return order;
}

static const char *part_next(const char *path)
{
	path += part_length(path);
	return *path == '.' ? path + 1 : NULL;
}

static int compare_parameters(const void *first, const void *second)
{
	const struct parameter *one = first, *other = second;
	const char *a = one->rest, *b = other->rest;

	while (a != NULL && b != NULL) {
		int order = compare_parts(a, b);

		if (order != 0)
			return order;
		a = part_next(a);
		b = part_next(b);
	}
	if ((a == NULL) != (b == NULL))
		return a == NULL ? -1 : 1;
	return (one->position > other->position) - (one->position < other->position);
}

bool range_of_form(const struct form *form, struct range *ret_range)
{
	struct parameter *parameters = calloc(form->count, sizeof(*parameters));

	if (parameters == NULL)
		return false;
	for (size_t i = 0; i < form->count; i++)
		parameters[i] = (struct parameter){
			.rest = form->pairs[i].name,
			.value = form->pairs[i].value,
			.value_bytes = form->pairs[i].value_bytes,
			.position = i,
		};
	qsort(parameters, form->count, sizeof(*parameters), compare_parameters);
	*ret_range = (struct range){parameters, form->count};
	return true;
}

bool range_next(struct range *range, const char **ret_part, struct range *ret_group)
{
	while (range->count > 0 && range->first->rest == NULL) {
		range->first++;
		range->count--;
	}
	if (range->count == 0)
		return false;
	*ret_part = range->first->rest;
	*ret_group = (struct range){.first = range->first};
	while (ret_group->count < range->count &&
	       compare_parts(*ret_part, range->first[ret_group->count].rest) == 0)
		ret_group->count++;
	for (size_t i = 0; i < ret_group->count; i++)
		ret_group->first[i].rest = part_next(ret_group->first[i].rest);
	range->first += ret_group->count;
	range->count -= ret_group->count;
	return true;
}

bool range_is_numbered(struct range range)
{
	while (range.count > 0 && range.first->rest == NULL) {
		range.first++;
		range.count--;
	}
	return range.count > 0 && part_is_number(range.first->rest);
}

bool range_has(struct range range, const char *name)
{
	for (size_t i = 0; i < range.count; i++)
		if (range.first[i].rest != NULL && part_is(range.first[i].rest, name))
			return true;
	return false;
}

const struct parameter *range_end(struct range range)
{
	size_t count = 0;

	while (count < range.count && range.first[count].rest == NULL)
		count++;
	return count > 0 ? range.first + count - 1 : NULL;
}
