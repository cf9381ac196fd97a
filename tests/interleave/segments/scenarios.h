/* Builders of the scenarios. */
#ifndef INTERLEAVE_SEGMENTS_SCENARIOS_H
#define INTERLEAVE_SEGMENTS_SCENARIOS_H

/* scenario_message.c */
void build_dlq_move(void);
void build_dlq_two_receivers(void);
void build_dlq_overdue(void);
void build_dlq_two_finish(void);
void build_dlq_received(void);
void build_dlq_second_mover(void);
void build_dlq_full(void);
void build_redrive(void);
void build_redrive_two(void);
void build_purge(void);
void build_purge_move(void);
void build_removal(void);
void build_extend(void);
void build_release(void);
void build_held(void);
void build_held_freed(void);
void build_held_moved(void);
void build_held_twice(void);
void build_late_copy(void);
void build_rows(void);
void build_batches(void);
void build_dlq_fine(void);

/* scenario_memory.c */
void build_grow(void);
void build_retire(void);
void build_retire_entered(void);
void build_retire_refreshed(void);
void build_retire_opened(void);
void build_retire_two(void);
void build_blocks(void);
void build_blocks_hints(void);
void build_blocks_again(void);
void build_blocks_given_back(void);
void build_blocks_closed(void);
void build_grow_refused(void);
void build_blocks_refused(void);

/* scenario_durable.c */
void build_cut_forward(void);
void build_cut_chain(void);
void build_cut_again(void);
void build_cut_purge(void);
void build_cut_held(void);
void build_cut_move(void);
void build_cut_move_finished(void);
void build_cut_move_helped(void);
void build_cut_move_new(void);
void build_cut_redrive(void);
void build_sync_send(void);
void build_sync_batch(void);
void build_sync_delete(void);
void build_taken_over(void);
void build_taken_over_sync(void);
void build_taken_back(void);
void build_taken_back_late(void);
void build_taken_back_over(void);

#endif
