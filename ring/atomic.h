/* The only place that names memory orders, and the switch for the explorer.
 *
 * Every access to a shared word in ring/ and shm/ goes through one of these names. Built with
 * -DRL_EXPLORE each of them first hands control to the scheduler of tests/interleave, which may
 * run any other actor, or stop this one for ever, at that point. explore_store() is the same before
 * what may write.
 *
 * Naming: what is done, then the order. `seq` is for store-load pairs (docs/ORDERING.md lists
 * them all); `acquire`/`release` for hand-over of data; `relaxed` needs its reason at the call.
 */
#ifndef RL_ATOMIC_H
#define RL_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(RL_EXPLORE)
void explore_step(const void *address);
#define explore_store(address) explore_step(address)
#elif defined(RL_CRASHPOINTS)
/* tests/crash counts the steps of a call, and kills before any store. */
void crash_step(void);
void crash_store(void);
#define explore_step(address) crash_step()
#define explore_store(address) crash_store()
#else
#define explore_step(address) ((void)0)
#define explore_store(address) ((void)0)
#endif

typedef _Atomic uint64_t atomic_u64;
typedef _Atomic uint32_t atomic_u32;

/* Of a compare-and-swap that fails: it only loads. */
static inline memory_order order_of_load(memory_order order)
{
	return order == memory_order_release ? memory_order_relaxed : order;
}

static inline uint64_t load_relaxed(const atomic_u64 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline uint64_t load_acquire(const atomic_u64 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline uint64_t load_seq(const atomic_u64 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_seq_cst);
}

static inline void store_relaxed(atomic_u64 *word, uint64_t value)
{
	explore_store((const void *)word);
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline void store_release(atomic_u64 *word, uint64_t value)
{
	explore_store((const void *)word);
	atomic_store_explicit(word, value, memory_order_release);
}

static inline void store_seq(atomic_u64 *word, uint64_t value)
{
	explore_store((const void *)word);
	atomic_store_explicit(word, value, memory_order_seq_cst);
}

/* Read-modify-write operations. A locked operation of x86 is sequentially consistent whatever its name says, and on
 * arm64 the weaker ones save one bit of an instruction: the names say what the protocol asks for, so that
 * tests/weak can show that it asks for no less. */
static inline bool cas_ordered(atomic_u64 *word, uint64_t expected, uint64_t desired, memory_order order)
{
	explore_store((const void *)word);
	return atomic_compare_exchange_strong_explicit(word, &expected, desired, order, order_of_load(order));
}

static inline bool cas_seq(atomic_u64 *word, uint64_t expected, uint64_t desired)
{
	return cas_ordered(word, expected, desired, memory_order_seq_cst);
}

static inline uint64_t exchange_seq(atomic_u64 *word, uint64_t value)
{
	explore_store((const void *)word);
	return atomic_exchange_explicit(word, value, memory_order_seq_cst);
}

static inline uint64_t fetch_or_relaxed(atomic_u64 *word, uint64_t bits)
{
	explore_store((const void *)word);
	return atomic_fetch_or_explicit(word, bits, memory_order_relaxed);
}

static inline uint64_t fetch_or_seq(atomic_u64 *word, uint64_t bits)
{
	explore_store((const void *)word);
	return atomic_fetch_or_explicit(word, bits, memory_order_seq_cst);
}

static inline uint64_t fetch_and_relaxed(atomic_u64 *word, uint64_t bits)
{
	explore_store((const void *)word);
	return atomic_fetch_and_explicit(word, bits, memory_order_relaxed);
}

static inline uint64_t fetch_and_acquire(atomic_u64 *word, uint64_t bits)
{
	explore_store((const void *)word);
	return atomic_fetch_and_explicit(word, bits, memory_order_acquire);
}

static inline uint64_t fetch_and_seq(atomic_u64 *word, uint64_t bits)
{
	explore_store((const void *)word);
	return atomic_fetch_and_explicit(word, bits, memory_order_seq_cst);
}

static inline uint64_t fetch_add_seq(atomic_u64 *word, uint64_t value)
{
	explore_store((const void *)word);
	return atomic_fetch_add_explicit(word, value, memory_order_seq_cst);
}

/* 32-bit words: futexes, and counts of which there are many. */
static inline uint32_t load32_relaxed(const atomic_u32 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline uint32_t load32_acquire(const atomic_u32 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline uint32_t load32_seq(const atomic_u32 *word)
{
	explore_step((const void *)word);
	return atomic_load_explicit(word, memory_order_seq_cst);
}

static inline bool cas32_relaxed(atomic_u32 *word, uint32_t expected, uint32_t desired)
{
	explore_store((const void *)word);
	return atomic_compare_exchange_strong_explicit(word, &expected, desired, memory_order_relaxed,
						       memory_order_relaxed);
}

static inline bool cas32_release(atomic_u32 *word, uint32_t expected, uint32_t desired)
{
	explore_store((const void *)word);
	return atomic_compare_exchange_strong_explicit(word, &expected, desired, memory_order_release,
						       memory_order_relaxed);
}

static inline bool cas32_seq(atomic_u32 *word, uint32_t expected, uint32_t desired)
{
	explore_store((const void *)word);
	return atomic_compare_exchange_strong_explicit(word, &expected, desired, memory_order_seq_cst,
						       memory_order_seq_cst);
}

static inline uint32_t fetch_add32_relaxed(atomic_u32 *word, uint32_t value)
{
	explore_store((const void *)word);
	return atomic_fetch_add_explicit(word, value, memory_order_relaxed);
}

/* Raises `word` to at least `value`. Lock-free: every failure means that another raised it. */
static inline void raise_ordered(atomic_u64 *word, uint64_t value, memory_order order)
{
	uint64_t seen = load_relaxed(word); /* relaxed: the CAS decides */

	while (seen < value && !cas_ordered(word, seen, value, order))
		seen = load_relaxed(word);
}

static inline void raise_release(atomic_u64 *word, uint64_t value)
{
	raise_ordered(word, value, memory_order_release);
}

static inline void raise_seq(atomic_u64 *word, uint64_t value)
{
	raise_ordered(word, value, memory_order_seq_cst);
}

/* Lowers `word` to at most `value`; same argument. */
static inline void lower_seq(atomic_u64 *word, uint64_t value)
{
	uint64_t seen = load_seq(word);

	while (seen > value && !cas_seq(word, seen, value))
		seen = load_relaxed(word);
}

/* The 16-byte word: one compare-and-swap decides state, generation, receive count and deadline. */
struct word128 {
	_Alignas(16) atomic_u64 low;
	atomic_u64 high;
};

struct pair128 {
	uint64_t low, high;
};

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(RL_TSAN) && !defined(RL_WEAK)
static inline bool cas128_ordered(struct word128 *word, struct pair128 expected, struct pair128 desired,
				  memory_order order)
{
	bool done;

	(void)order; /* the lock orders all */
	explore_store((const void *)word);
	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*word), "+a"(expected.low), "+d"(expected.high)
			 : "b"(desired.low), "c"(desired.high)
			 : "memory");
	return done;
}
#elif defined(__aarch64__) && !defined(__SANITIZE_THREAD__) && !defined(RL_TSAN) && !defined(RL_WEAK)
static inline bool cas128_ordered(struct word128 *word, struct pair128 expected, struct pair128 desired,
				  memory_order order)
{
	uint64_t low, high;
	uint32_t failed;

	(void)order; /* acquire and release together are as good as any */
	explore_store((const void *)word);
	/* A pair load is single-copy atomic only once its store has succeeded, hence the write-back of
	 * what was read when the comparison fails. */
	do {
		__asm__ volatile("ldaxp %0, %1, %2" : "=&r"(low), "=&r"(high) : "Q"(*word) : "memory");
		bool same = low == expected.low && high == expected.high;
		uint64_t put_low = same ? desired.low : low, put_high = same ? desired.high : high;

		__asm__ volatile("stlxp %w0, %2, %3, %1"
				 : "=&r"(failed), "=Q"(*word)
				 : "r"(put_low), "r"(put_high)
				 : "memory");
	} while (failed);
	return low == expected.low && high == expected.high;
}
#else
/* ThreadSanitizer and the checker of orders (tests/weak) must see the operation: they get the builtin. */
static inline bool cas128_ordered(struct word128 *word, struct pair128 expected, struct pair128 desired,
				  memory_order order)
{
	unsigned __int128 want = ((unsigned __int128)expected.high << 64) | expected.low;
	unsigned __int128 put = ((unsigned __int128)desired.high << 64) | desired.low;

	explore_store((const void *)word);
	return __atomic_compare_exchange_n((unsigned __int128 *)(void *)word, &want, put, false, order,
					   order_of_load(order));
}
#endif

static inline bool cas128_relaxed(struct word128 *word, struct pair128 expected, struct pair128 desired)
{
	return cas128_ordered(word, expected, desired, memory_order_relaxed);
}

static inline bool cas128_seq(struct word128 *word, struct pair128 expected, struct pair128 desired)
{
	return cas128_ordered(word, expected, desired, memory_order_seq_cst);
}

/* What was loaded before it is not loaded later than what is loaded after it. No instruction on x86. */
static inline void fence_acquire(void)
{
	atomic_thread_fence(memory_order_acquire);
}

static inline void cpu_relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
