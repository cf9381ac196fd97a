/* An engine as the victim, or as another one beside it: a process that serves the scene's directory until
 * SIGTERM, as ringleased does, while the test moves the clock. */
#ifndef TEST_CRASH_ENGINE_H
#define TEST_CRASH_ENGINE_H

#include "tests/crash/scene.h"

/* The script of an engine that finds what the preparation of another script has left. */
struct script engine_script(const struct script *of);

/* Others believe that one has been at work, and wakes just now. */
void engine_has_promised(struct actor *actor);

/* Starts one that is no victim. */
pid_t engine_start(struct scene *scene);
/* Lets `ms` go by, `steps` times, and waits each time until the engine has looked at everything. False, with
 * its wait status, if it stops or ends before that. */
bool engine_work(struct actor *actor, pid_t engine, int steps, uint64_t ms, int *ret_status);
/* Lets it do all there is to do, then tells it to end; returns its wait status once it has ended, or stopped. */
int engine_end(struct actor *actor, pid_t engine);
/* The engine is stopped or dead: whatever it has promised, its time goes by. */
void engine_becomes_late(struct actor *actor);

#endif
