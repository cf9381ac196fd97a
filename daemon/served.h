/* Which queues of the directory the engine serves. Those that cannot be opened are tried again, ever more seldom.
 */
#ifndef ENGINE_SERVED_H
#define ENGINE_SERVED_H

struct rlq_engine;

/* Lists the directory when it has changed; else tries again what was refused. 0 or a negative errno. */
int served_look(struct rlq_engine *engine);

void served_end(struct rlq_engine *engine);

#endif
