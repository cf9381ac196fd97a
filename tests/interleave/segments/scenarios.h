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

/* scenario_fifo.c */
void build_fifo_join(void);
void build_fifo_same(void);
void build_fifo_same_behind(void);
void build_fifo_purge(void);
void build_fifo_purge_delete(void);
void build_fifo_purge_same(void);
void build_fifo_removal(void);
void build_fifo_delete(void);
void build_fifo_expiry(void);
void build_fifo_late(void);
void build_fifo_release(void);
void build_fifo_dlq(void);
void build_fifo_dlq_fine(void);
void build_fifo_dlq_two(void);
void build_fifo_dlq_two_fine(void);
void build_fifo_redrive(void);
void build_fifo_redrive_fine(void);
void build_fifo_attempt(void);
void build_fifo_attempt_late(void);
void build_fifo_blocked(void);

/* scenario_fifo_tables.c */
void build_fifo_groups_replaced(void);
void build_fifo_tokens_replaced(void);
void build_fifo_ids_replaced(void);
void build_fifo_ids_dropped(void);

/* scenario_fifo_durable.c */
void build_fifo_sync_same(void);
void build_fifo_taken_back(void);
void build_fifo_taken_back_ahead(void);
void build_fifo_cut_helped(void);
void build_fifo_cut_delete(void);

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
