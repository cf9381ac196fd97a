#include "tests/images/film.h"

#include "tests/images/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_BYTES = 2000 << 20 };

static void *reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("film");
		exit(1);
	}
	return memory;
}

struct film *film_make(void)
{
	struct film *film = reserve(sizeof(*film));

	film->arena = reserve(ARENA_BYTES);
	return film;
}

static _Noreturn void too_long(const char *what)
{
	fprintf(stderr, "the film has too many %s\n", what);
	exit(1);
}

void *film_keep(struct film *film, size_t bytes)
{
	void *kept = film->arena + film->arena_used;

	film->arena_used += (bytes + 63) & ~(size_t)63;
	if (film->arena_used > ARENA_BYTES)
		too_long("bytes");
	return kept;
}

void film_change(struct film *film, struct change change)
{
	if (film->change_count == CHANGES_MAX)
		too_long("changes");
	film->change[film->change_count++] = change;
}

/* ---- accounts --------------------------------------------------------------------------------- */

static bool accounts_are(const struct accounts *seen, const struct stage *stage)
{
	const struct scene *scene = &stage->scene;

	return seen->tag_count == scene->tag_count && seen->delete_count == scene->delete_count &&
	       seen->random == stage->random && memcmp(&seen->clock, &scene->clock, sizeof(seen->clock)) == 0 &&
	       memcmp(&seen->known, &scene->known, sizeof(seen->known)) == 0 &&
	       memcmp(seen->tag, scene->tag, seen->tag_count * sizeof(struct tag)) == 0;
}

void film_look_accounts(struct film *film, const struct stage *stage, const struct accounts **seen)
{
	const struct scene *scene = &stage->scene;
	struct accounts *now;

	if (*seen && accounts_are(*seen, stage))
		return;
	now = film_keep(film, sizeof(*now) + scene->tag_count * sizeof(struct tag));
	now->clock = scene->clock;
	memcpy(&now->known, &scene->known, sizeof(now->known)); /* compared with its padding */
	now->random = stage->random;
	now->tag_count = scene->tag_count;
	now->delete_count = scene->delete_count;
	memcpy(now->tag, scene->tag, scene->tag_count * sizeof(struct tag));
	*seen = now;
	film_change(film, (struct change){.kind = CHANGE_ACCOUNTS, .bytes = now});
}

uint64_t accounts_hash(const struct accounts *accounts)
{
	/* Not the random bytes to come: they are no part of what anybody knows. */
	uint64_t head[] = {accounts->clock.boot_ms, accounts->clock.wall_ms, accounts->tag_count,
			   accounts->delete_count};

	return hash_bytes(accounts->tag, accounts->tag_count * sizeof(struct tag),
			  hash_bytes(&accounts->known, sizeof(accounts->known), hash_bytes(head, sizeof(head), 3)));
}

/* ---- images ----------------------------------------------------------------------------------- */

bool film_has_changes(const struct film *film)
{
	return film->change_count > (film->image_count ? film->image[film->image_count - 1].change_end : 0);
}

void film_cut(struct film *film, struct trace_place place, uint64_t hash)
{
	if (film->image_count == IMAGES_MAX)
		too_long("images");
	film->image[film->image_count++] =
		(struct image){.place = place, .hash = hash, .change_end = film->change_count};
}

void film_play(struct film *film, uint64_t number, struct files *files, const struct accounts **accounts)
{
	for (; film->played < film->image[number].change_end; film->played++) {
		const struct change *change = &film->change[film->played];

		switch (change->kind) {
		case CHANGE_PAGE:
			image_files_set_page(files, change->file, change->page, change->bytes);
			break;
		case CHANGE_NAMES:
			image_files_set_names(files, change->bytes);
			break;
		case CHANGE_ACCOUNTS:
			*accounts = change->bytes;
			break;
		}
	}
}
