/* Named points at which a test may kill or stop the process: between shared stores, and between what an engine does
 * to its disk.
 *
 * A release build compiles them away. A build with -DRL_CRASHPOINTS calls crash_point_reached(),
 * which tests/crash provides. The lists are the single source: the crash tests walk them and fail
 * when a point is never reached.
 */
#ifndef RL_CRASHPOINT_H
#define RL_CRASHPOINT_H

#define CRASH_POINTS(X)                                                                                            \
	X(call_entered)                                                                                            \
	X(call_left)                                                                                               \
	X(send_claimed)                                                                                            \
	X(send_head_helped)                                                                                        \
	X(send_tail_moved)                                                                                         \
	X(send_block_claimed)                                                                                      \
	X(send_written)                                                                                            \
	X(send_published)                                                                                          \
	X(send_bit_set)                                                                                            \
	X(send_due_lowered)                                                                                        \
	X(send_counted)                                                                                            \
	X(send_notified)                                                                                           \
	X(send_abandoned)                                                                                          \
	X(send_found_passed)                                                                                       \
	X(send_leaving)                                                                                            \
	X(receive_held)                                                                                            \
	X(receive_bit_cleared)                                                                                     \
	X(receive_put_aside)                                                                                       \
	X(receive_passed_writing)                                                                                  \
	X(receive_head_moved)                                                                                      \
	X(receive_leased)                                                                                          \
	X(receive_due_lowered)                                                                                     \
	X(receive_dead)                                                                                            \
	X(receive_copied)                                                                                          \
	X(receive_line_owned)                                                                                      \
	X(receive_viewer_said)                                                                                     \
	X(delete_freed)                                                                                            \
	X(delete_mark_cleared)                                                                                     \
	X(delete_block_freed)                                                                                      \
	X(delete_block_listed)                                                                                     \
	X(delete_counted)                                                                                          \
	X(free_held)                                                                                               \
	X(extend_changed)                                                                                          \
	X(release_ready)                                                                                           \
	X(release_bit_set)                                                                                         \
	X(release_delayed)                                                                                         \
	X(bit_cleared)                                                                                             \
	X(bit_set)                                                                                                 \
	X(bit_summary_cleared)                                                                                     \
	X(due_summary_lowered)                                                                                     \
	X(due_summary_renewed)                                                                                     \
	X(due_summary_taken)                                                                                       \
	X(event_advanced)                                                                                          \
	X(event_prepared)                                                                                          \
	X(event_quieted)                                                                                           \
	X(engine_expected)                                                                                         \
	X(reap_hint_taken)                                                                                         \
	X(reap_expired)                                                                                            \
	X(reap_bit_set)                                                                                            \
	X(reap_live_corrected)                                                                                     \
	X(reap_orphan_freed)                                                                                       \
	X(reap_row_freed)                                                                                          \
	X(reap_turn_taken)                                                                                         \
	X(reap_row_said)                                                                                           \
	X(move_target_noted)                                                                                       \
	X(move_claimed)                                                                                            \
	X(move_arriving)                                                                                           \
	X(move_copied)                                                                                             \
	X(move_decided)                                                                                            \
	X(move_arrived)                                                                                            \
	X(move_source_freed)                                                                                       \
	X(move_error_noted)                                                                                        \
	X(move_undone)                                                                                             \
	X(attempt_forgotten)                                                                                       \
	X(attempt_written)                                                                                         \
	X(attempt_marked)                                                                                          \
	X(attempt_noted)                                                                                           \
	X(fifo_joined)                                                                                             \
	X(fifo_dropped)                                                                                            \
	X(fifo_published)                                                                                          \
	X(fifo_offered)                                                                                            \
	X(fifo_ticket_noted)                                                                                       \
	X(fifo_popped)                                                                                             \
	X(fifo_token_taken)                                                                                        \
	X(group_link_written)                                                                                      \
	X(group_sealed)                                                                                            \
	X(group_frozen)                                                                                            \
	X(group_moved)                                                                                             \
	X(group_cleared)                                                                                           \
	X(group_numbered)                                                                                          \
	X(group_begun)                                                                                             \
	X(group_joined)                                                                                            \
	X(group_tail_moved)                                                                                        \
	X(group_closed)                                                                                            \
	X(group_popped)                                                                                            \
	X(group_emptied)                                                                                           \
	X(ready_numbered)                                                                                          \
	X(ready_pushed)                                                                                            \
	X(ready_passed)                                                                                            \
	X(ready_popped)                                                                                            \
	X(ready_head_moved)                                                                                        \
	X(grow_busy)                                                                                               \
	X(region_stepped)                                                                                          \
	X(grow_allocated)                                                                                          \
	X(grow_appended)                                                                                           \
	X(grow_live)                                                                                               \
	X(grow_numbered)                                                                                           \
	X(grow_tail_reset)                                                                                         \
	X(retire_version_raised)                                                                                   \
	X(retire_unlisted)                                                                                         \
	X(retire_busy)                                                                                             \
	X(retire_punched)                                                                                          \
	X(retire_emptied)                                                                                          \
	X(body_owned)                                                                                              \
	X(body_backed)                                                                                             \
	X(body_opened)                                                                                             \
	X(body_claimed)                                                                                            \
	X(body_orphan_freed)                                                                                       \
	X(body_released)                                                                                           \
	X(body_punched)                                                                                            \
	X(body_closed)                                                                                             \
	X(body_taken_over)                                                                                         \
	X(body_bits_cleared)                                                                                       \
	X(body_bits_set)                                                                                           \
	X(body_first_used)                                                                                         \
	X(body_next_raised)                                                                                        \
	X(body_words_backed)                                                                                       \
	X(body_use_said)                                                                                           \
	X(body_use_forgotten)                                                                                      \
	X(row_counted)                                                                                             \
	X(row_given_back)                                                                                          \
	X(row_hold_dropped)                                                                                        \
	X(row_memory_said)                                                                                         \
	X(row_taken)                                                                                               \
	X(row_pid_said)                                                                                            \
	X(row_use_counted)                                                                                         \
	X(create_filled)                                                                                           \
	X(remove_marked)                                                                                           \
	X(tenants_allocated)                                                                                       \
	X(tenants_said)                                                                                            \
	X(tenant_counted)                                                                                          \
	X(dedup_reserved)                                                                                          \
	X(dedup_unreserved)                                                                                        \
	X(dedup_stamped)                                                                                           \
	X(dedup_sealed)                                                                                            \
	X(dedup_inserted)                                                                                          \
	X(dedup_copied)                                                                                            \
	X(dedup_completed)                                                                                         \
	X(dedup_purged)                                                                                            \
	X(dedup_begun)                                                                                             \
	X(dedup_horizon_raised)                                                                                    \
	X(set_attribute)                                                                                           \
	X(set_dlq_written)

/* Of an engine that journals, between any two changes of its disk or of what clients see of a turn. */
#define JOURNAL_POINTS(X)                                                                                          \
	X(journal_read)                                                                                            \
	X(journal_tail_written)                                                                                    \
	X(journal_tail_kept)                                                                                       \
	X(journal_recovered)                                                                                       \
	X(journal_said)                                                                                            \
	X(recover_draft_made)                                                                                      \
	X(recover_message_restored)                                                                                \
	X(recover_draft_filled)                                                                                    \
	X(recover_queue_named)                                                                                     \
	X(recover_removal_finished)                                                                                \
	X(turn_begun)                                                                                              \
	X(turn_queues_found)                                                                                       \
	X(turn_queues_defined)                                                                                     \
	X(turn_queue_removed)                                                                                      \
	X(turn_deletes_gathered)                                                                                   \
	X(turn_sends_gathered)                                                                                     \
	X(turn_said_gathered)                                                                                      \
	X(turn_queues_released)                                                                                    \
	X(turn_message_compacted)                                                                                  \
	X(turn_compacted)                                                                                          \
	X(turn_deletes_written)                                                                                    \
	X(turn_durable)                                                                                            \
	X(turn_files_dropped)                                                                                      \
	X(turn_queues_said)                                                                                        \
	X(turn_message_settled)                                                                                    \
	X(turn_seen_noted)                                                                                         \
	X(turn_settled)                                                                                            \
	X(turn_done)                                                                                               \
	X(turn_waiters_woken)                                                                                      \
	X(sink_write_prepared)                                                                                     \
	X(sink_writes_submitted)                                                                                   \
	X(sink_write_ended)                                                                                        \
	X(sink_flush_ended)                                                                                        \
	X(file_spare_created)                                                                                      \
	X(file_spare_allocated)                                                                                    \
	X(file_spare_filled)                                                                                       \
	X(file_spare_named)                                                                                        \
	X(file_spare_taken)                                                                                        \
	X(file_name_flushed)                                                                                       \
	X(file_begun)                                                                                              \
	X(file_oldest_kept)                                                                                        \
	X(file_oldest_unlinked)                                                                                    \
	X(file_oldest_flushed)

/* Of who sends to a sync FIFO queue for which the journal has no room, and takes it back. No script has a journal:
 * tests/crash/fifo_kills kills at them. */
#define FIFO_SYNC_POINTS(X)                                                                                        \
	X(fifo_taken_back)                                                                                         \
	X(dedup_void_marked)                                                                                       \
	X(dedup_void_cut)

#define CRASH_POINT_ENUM(name) CRASH_##name,
enum crash_point {
	CRASH_POINTS(CRASH_POINT_ENUM) CRASH_POINT_COUNT,
	CRASH_POINT_LAST = CRASH_POINT_COUNT - 1, /* the journal's follow it */
	JOURNAL_POINTS(CRASH_POINT_ENUM) CRASH_POINT_ALL,
	CRASH_POINT_ALL_LAST = CRASH_POINT_ALL - 1, /* these follow it */
	FIFO_SYNC_POINTS(CRASH_POINT_ENUM) CRASH_POINT_EVERY
};
#undef CRASH_POINT_ENUM

#ifdef RL_CRASHPOINTS
void crash_point_reached(enum crash_point point);
#define CRASH_POINT(name) crash_point_reached(CRASH_##name)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
