/* The yardstick: Dmitry Vyukov's bounded MPMC ring (1024cores.net) in shared memory, 128-byte slots,
 * 64 bytes of payload copied in and out, one message a call.
 *
 * It is transport only: no lease, no redelivery, no id, and whoever dies between the claim and the
 * publish wedges it. Done as well as we know how: one CAS a side, cheapest correct orders, head and
 * tail two lines apart from each other and from the slots. Zeroed memory becomes a ring by
 * vyukov_start().
 */
#ifndef BENCH_VYUKOV_H
#define BENCH_VYUKOV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VYUKOV_PAYLOAD = 64 };

struct vyukov_slot {
	_Alignas(128) _Atomic uint64_t sequence;
	unsigned char payload[VYUKOV_PAYLOAD];
};

_Static_assert(sizeof(struct vyukov_slot) == 128, "a slot is 128 bytes");

struct vyukov {
	_Alignas(128) uint64_t mask;
	_Alignas(128) _Atomic uint64_t tail;
	_Alignas(128) _Atomic uint64_t head;
	struct vyukov_slot slots[];
};

static inline size_t vyukov_bytes(uint32_t order)
{
	return sizeof(struct vyukov) + (sizeof(struct vyukov_slot) << order);
}

static inline void vyukov_start(struct vyukov *ring, uint32_t order)
{
	ring->mask = (UINT64_C(1) << order) - 1;
	for (uint64_t i = 0; i <= ring->mask; i++)
		atomic_store_explicit(&ring->slots[i].sequence, i, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, 0, memory_order_relaxed);
	atomic_store_explicit(&ring->head, 0, memory_order_seq_cst);
}

/* False: full. */
static inline bool vyukov_send(struct vyukov *ring, const void *payload)
{
	uint64_t at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct vyukov_slot *slot;

	for (;;) {
		slot = &ring->slots[at & ring->mask];
		int64_t ahead = (int64_t)(atomic_load_explicit(&slot->sequence, memory_order_acquire) - at);

		if (ahead < 0)
			return false;
		if (ahead > 0)
			at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(&ring->tail, &at, at + 1, memory_order_relaxed,
							       memory_order_relaxed))
			break;
	}
	memcpy(slot->payload, payload, VYUKOV_PAYLOAD);
	atomic_store_explicit(&slot->sequence, at + 1, memory_order_release);
	return true;
}

/* False: empty. */
static inline bool vyukov_receive(struct vyukov *ring, void *ret_payload)
{
	uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct vyukov_slot *slot;

	for (;;) {
		slot = &ring->slots[at & ring->mask];
		int64_t ahead = (int64_t)(atomic_load_explicit(&slot->sequence, memory_order_acquire) - (at + 1));

		if (ahead < 0)
			return false;
		if (ahead > 0)
			at = atomic_load_explicit(&ring->head, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(&ring->head, &at, at + 1, memory_order_relaxed,
							       memory_order_relaxed))
			break;
	}
	memcpy(ret_payload, slot->payload, VYUKOV_PAYLOAD);
	atomic_store_explicit(&slot->sequence, at + ring->mask + 1, memory_order_release);
	return true;
}

#endif
