#include "gateway/recent.h"

#include <stdio.h>
#include <string.h>

static struct recent_name *find(struct recent *recent, const char *name)
{
	for (uint32_t i = 0; i < RECENT_MAX; i++)
		if (strcmp(recent->names[i].name, name) == 0)
			return &recent->names[i];
	return NULL;
}

bool recent_was(struct recent *recent, const char *name, int64_t now_ms)
{
	struct recent_name *found;
	bool was;

	pthread_mutex_lock(&recent->lock);
	found = find(recent, name);
	was = found && now_ms - found->when_ms < RECENT_MS;
	pthread_mutex_unlock(&recent->lock);
	return was;
}

bool recent_begin(struct recent *recent, const char *name, int64_t now_ms)
{
	struct recent_name *found;
	bool was;

	pthread_mutex_lock(&recent->lock);
	found = find(recent, name);
	was = found && now_ms - found->when_ms < RECENT_MS;
	if (!was) {
		if (found == NULL)
			found = &recent->names[recent->count++ % RECENT_MAX];
		snprintf(found->name, sizeof(found->name), "%s", name);
		found->when_ms = now_ms;
	}
	pthread_mutex_unlock(&recent->lock);
	return !was;
}

void recent_undo(struct recent *recent, const char *name)
{
	struct recent_name *found;

	pthread_mutex_lock(&recent->lock);
	found = find(recent, name);
	if (found)
		found->name[0] = '\0';
	pthread_mutex_unlock(&recent->lock);
}
