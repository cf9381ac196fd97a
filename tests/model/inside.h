/* Shared by the files of the model. */
#ifndef MODEL_INSIDE_H
#define MODEL_INSIDE_H

#include "tests/model/model.h"

__attribute__((format(printf, 2, 3))) const char *broken(struct model *model, const char *format, ...);

/* Time has ended its lease or delay, whether somebody noticed or not. */
bool is_over(const struct model *model, const struct model_message *message);
bool is_visible(const struct model *model, const struct model_message *message);
bool is_used_up(const struct model *model, const struct model_message *message);

/* The first send of the same deduplication id, within its window; NULL. */
const struct seen *seen_find(const struct model *model, const struct operation *o);
/* A new message, as it was told. */
void model_keep(struct model *model, const struct operation *o, const struct told *told);
int live_count(const struct model *model, enum place place);
/* What a receipt is good for. Standard: until somebody else has received the message. FIFO: while the lease runs.
 */
bool is_held(const struct model *model, const struct model_message *message, enum place place, unsigned receives);

/* The next one of a group behind `after` (0: the first), whatever its state but GONE; 0: none. */
int next_of_group(const struct model *model, enum place place, int group, int after);

void move_to_dlq(struct model *model, int number);
/* After every change: which groups are ready, and since when. */
void turns_look(struct model *model);
/* It was served: it is behind all others. */
void turn_taken(struct model *model, enum place place, int group);
/* A receive that found nothing else has looked for what time has ended. */
void notice_in(struct model *model, enum place place);

/* Are the leases of an attempt as they were? Some may be over. */
bool attempt_stands(const struct model *model, enum place place, const struct attempt *attempt, bool *ret_is_over);
/* Who has changed a lease of a receive attempt ends the attempt, also if the lease looks the same afterwards. */
void attempts_end(struct model *model, enum place place, int number);

const char *receive_standard(struct model *model, const struct operation *o, const struct received *received);
const char *receive_fifo(struct model *model, const struct operation *o, const struct received *received);
/* The message is handed out for `ms`. NULL, or what is wrong with what was told of it. */
const char *hand_out(struct model *model, int number, int64_t ms, const struct told *told);
bool was_moved(const struct received *received, int number);

#endif
