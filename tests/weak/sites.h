/* Included before each file of the weak build (-include): puts the model in the place of <stdatomic.h>, and gives
 * each use of an atomic operation a name by which it can be weakened.
 *
 * The shipped sources do not know of it: they include ring/atomic.h as ever, whose functions are macros here,
 * each around the function of the same name.
 */
#ifndef WEAK_SITES_H
#define WEAK_SITES_H

#include "tests/weak/model.h"

#include <stdatomic.h>

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_thread_fence
#define atomic_load_explicit(word, order) model_load(word, sizeof(*(word)), order)
#define atomic_store_explicit(word, value, order) model_store(word, sizeof(*(word)), value, order)
#define atomic_exchange_explicit(word, value, order)                                                               \
	model_change(word, sizeof(*(word)), MODEL_EXCHANGE, value, order)
#define atomic_fetch_add_explicit(word, value, order) model_change(word, sizeof(*(word)), MODEL_ADD, value, order)
#define atomic_fetch_or_explicit(word, value, order) model_change(word, sizeof(*(word)), MODEL_OR, value, order)
#define atomic_fetch_and_explicit(word, value, order) model_change(word, sizeof(*(word)), MODEL_AND, value, order)
#define atomic_compare_exchange_strong_explicit(word, expected, desired, order, failed_order)                      \
	model_cas(word, sizeof(*(word)), *(expected), desired, order)
#define atomic_thread_fence(order) model_fence(order)
#define __atomic_compare_exchange_n(words, expected, desired, is_weak, order, failed_order)                        \
	model_cas_pair(words, *(expected), desired, order)

#include "ring/atomic.h"

#define SITE_LISTED(name, orders)                                                                                  \
	static struct site here_ = {.file = __FILE__,                                                              \
				    .function = __func__,                                                          \
				    .operation = name,                                                             \
				    .line = __LINE__,                                                              \
				    .has = orders,                                                                 \
				    .left = ORDER_ALL};                                                            \
	static struct site *const listed_ __attribute__((used, section("weak_sites"))) = &here_;                   \
	struct site_frame frame_;                                                                                  \
	site_enter(&frame_, &here_)

#define AT_SITE(name, orders, call)                                                                                \
	__extension__({                                                                                            \
		SITE_LISTED(name, orders);                                                                         \
		__auto_type value_ = call;                                                                         \
		site_leave(&frame_);                                                                               \
		value_;                                                                                            \
	})
#define AT_SITE_VOID(name, orders, call)                                                                           \
	__extension__({                                                                                            \
		SITE_LISTED(name, orders);                                                                         \
		call;                                                                                              \
		site_leave(&frame_);                                                                               \
	})

#define load_relaxed(word) AT_SITE("load_relaxed", 0, load_relaxed(word))
#define load_acquire(word) AT_SITE("load_acquire", ORDER_ACQUIRE, load_acquire(word))
#define load_seq(word) AT_SITE("load_seq", ORDER_ACQUIRE | ORDER_SEQ, load_seq(word))
#define load32_relaxed(word) AT_SITE("load32_relaxed", 0, load32_relaxed(word))
#define load32_acquire(word) AT_SITE("load32_acquire", ORDER_ACQUIRE, load32_acquire(word))
#define load32_seq(word) AT_SITE("load32_seq", ORDER_ACQUIRE | ORDER_SEQ, load32_seq(word))
#define store_relaxed(word, value) AT_SITE_VOID("store_relaxed", 0, store_relaxed(word, value))
#define store_release(word, value) AT_SITE_VOID("store_release", ORDER_RELEASE, store_release(word, value))
#define store_seq(word, value) AT_SITE_VOID("store_seq", ORDER_RELEASE | ORDER_SEQ, store_seq(word, value))
#define cas_seq(word, from, to) AT_SITE("cas_seq", ORDER_ALL, cas_seq(word, from, to))
#define cas32_relaxed(word, from, to) AT_SITE("cas32_relaxed", 0, cas32_relaxed(word, from, to))
#define cas32_release(word, from, to) AT_SITE("cas32_release", ORDER_RELEASE, cas32_release(word, from, to))
#define cas32_seq(word, from, to) AT_SITE("cas32_seq", ORDER_ALL, cas32_seq(word, from, to))
#define cas128_seq(word, from, to) AT_SITE("cas128_seq", ORDER_ALL, cas128_seq(word, from, to))
#define cas128_relaxed(word, from, to) AT_SITE("cas128_relaxed", 0, cas128_relaxed(word, from, to))
#define exchange_seq(word, value) AT_SITE("exchange_seq", ORDER_ALL, exchange_seq(word, value))
#define fetch_or_relaxed(word, bits) AT_SITE("fetch_or_relaxed", 0, fetch_or_relaxed(word, bits))
#define fetch_or_seq(word, bits) AT_SITE("fetch_or_seq", ORDER_ALL, fetch_or_seq(word, bits))
#define fetch_and_relaxed(word, bits) AT_SITE("fetch_and_relaxed", 0, fetch_and_relaxed(word, bits))
#define fetch_and_acquire(word, bits) AT_SITE("fetch_and_acquire", ORDER_ACQUIRE, fetch_and_acquire(word, bits))
#define fetch_and_seq(word, bits) AT_SITE("fetch_and_seq", ORDER_ALL, fetch_and_seq(word, bits))
#define fetch_add_seq(word, value) AT_SITE("fetch_add_seq", ORDER_ALL, fetch_add_seq(word, value))
#define raise_release(word, value) AT_SITE_VOID("raise_release", ORDER_RELEASE, raise_release(word, value))
#define raise_seq(word, value) AT_SITE_VOID("raise_seq", ORDER_ALL, raise_seq(word, value))
#define fence_acquire() AT_SITE_VOID("fence_acquire", ORDER_ACQUIRE, fence_acquire())

/* Those that stand for one operation of their callers, by caller. */
#include "ring/slot.h"
#define slot_read(slot) AT_SITE("slot_read", ORDER_ACQUIRE | ORDER_SEQ, slot_read(slot))
#define slot_change(slot, from, to) AT_SITE("slot_change", ORDER_ALL, slot_change(slot, from, to))
#define slot_change_relaxed(slot, from, to) AT_SITE("slot_change_relaxed", 0, slot_change_relaxed(slot, from, to))
#define slot_change_low(slot, from, to) AT_SITE("slot_change_low", ORDER_ALL, slot_change_low(slot, from, to))

#include "ring/bitmap.h"
#define bitmap_any_now(map) AT_SITE("bitmap_any_now", ORDER_ACQUIRE | ORDER_SEQ, bitmap_any_now(map))
#define bitmap_test(map, bit) AT_SITE("bitmap_test", ORDER_ACQUIRE | ORDER_SEQ, bitmap_test(map, bit))

#endif
