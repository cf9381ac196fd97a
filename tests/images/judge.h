/* Judges what a death has left: gives it to survivors, with the owner really dead. */
#ifndef TEST_IMAGES_JUDGE_H
#define TEST_IMAGES_JUDGE_H

#include "tests/images/film.h"
#include "tests/images/stage.h"

struct verdict {
	bool is_sound, is_stuck;
	uint64_t outcome; /* who received and deleted what: equal for equal images */
};

/* One survivor has been there since before. Its copies, one for each verdict, take themselves for it; it lives and
 * does nothing meanwhile, so the kernel's word on it is right for them. Call once, before any death. */
void judge_begin(void);

/* The failure is in the scene. */
struct verdict judge(struct actor *early, const struct script *script);

/* The scene as it was when the script began, to be put back before each image. */
struct scene_copy;
struct scene_copy *scene_copy_take(const struct scene *scene);
void scene_copy_restore(const struct scene_copy *copy, struct stage *stage, const struct accounts *accounts);

#endif
